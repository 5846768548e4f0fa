// The npm package `openai`: responses, embeddings and completions.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { FORBIDDEN, startGateway, waitFor } from "./davy.mjs";
import { answerJson, beginStream, sendEvent, startUpstream } from "./upstream.mjs";

const upstream = await startUpstream();
const gateway = await startGateway([
  { name: "chat", dialect: "openai", upstream: `${upstream.url}/v1` },
]);
const clientOf = (options = {}) =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, ...options });
const client = clientOf();

const text = (value) => ({ type: "message", id: "msg_1", status: "completed", role: "assistant",
  content: [{ type: "output_text", text: value, annotations: [], logprobs: [] }] });
const response = (output, more = {}) => ({ id: "resp_1", object: "response", created_at: 1,
  status: "completed", model: "chat", output, parallel_tool_calls: true, tool_choice: "auto",
  tools: [], error: null, incomplete_details: null, instructions: null, metadata: {},
  usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5,
    input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
  ...more });

function begin(answer) {
  beginStream(answer);
  let number = 0;
  return (type, more) =>
    sendEvent(answer, { type, sequence_number: number++, ...more }, type);
}

test("a whole response, and a function call with its result", async () => {
  upstream.behave = (request, answer) => {
    const last = request.json.input.at(-1);
    answerJson(answer, response(last.type === "function_call_output" ? [text(`It says ${last.output}.`)]
      : [{ type: "function_call", id: "fc_1", call_id: "call_1", name: "invoice",
        arguments: '{"number": 1e2}', status: "completed" }]));
  };
  const input = [{ role: "user", content: "What does invoice 100 say?" }];
  const first = await client.responses.create({ model: "chat", input });
  assert.equal(first.output[0].arguments, '{"number": 1e2}');
  const second = await client.responses.create({ model: "chat", input: [...input, ...first.output,
    { type: "function_call_output", call_id: "call_1", output: "12.30 EUR" }] });
  assert.equal(second.output_text, "It says 12.30 EUR.");
  assert.equal(second.usage.total_tokens, 5);
});

test("a response as a stream, read by the SDK's helper", async () => {
  const parts = ["Good ", "morning, ", "Köln \u{1F600}"];
  upstream.behave = (_, answer) => {
    const send = begin(answer);
    send("response.created", { response: response([], { status: "in_progress" }) });
    send("response.output_item.added", { output_index: 0,
      item: { ...text(""), content: [], status: "in_progress" } });
    send("response.content_part.added", { item_id: "msg_1", output_index: 0, content_index: 0,
      part: text("").content[0] });
    for (const delta of parts) {
      send("response.output_text.delta", { item_id: "msg_1", output_index: 0, content_index: 0,
        delta, logprobs: [] });
    }
    send("response.output_text.done", { item_id: "msg_1", output_index: 0, content_index: 0,
      text: parts.join(""), logprobs: [] });
    send("response.completed", { response: response([text(parts.join(""))]) });
    answer.end();
  };
  const stream = client.responses.stream({ model: "chat", input: "hi" });
  const deltas = [];
  stream.on("response.output_text.delta", (event) => deltas.push(event.delta));
  assert.equal((await stream.finalResponse()).output_text, parts.join(""));
  assert.deepEqual(deltas, parts);
});

for (const stream of [false, true]) {
  test(`a denied response is the SDK's error with the sentence (stream: ${stream})`, async () => {
    upstream.requests.length = 0;
    const refused = await client.responses.create({ model: "chat", input: FORBIDDEN, stream })
      .catch((error) => error);
    assert.ok(refused instanceof OpenAI.PermissionDeniedError, String(refused));
    assert.match(refused.message, /phrase/i);
    assert.equal(upstream.requests.length, 0);
  });
}

test("a key revoked inside a response's stream", async () => {
  const made = await gateway.newKey();
  let open = true;
  upstream.behave = async (_, answer) => {
    answer.on("close", () => (open = false));
    const send = begin(answer);
    send("response.created", { response: response([], { status: "in_progress" }) });
    while (open) {
      send("response.output_text.delta", { item_id: "msg_1", output_index: 0, content_index: 0,
        delta: "on and on ", logprobs: [] });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  let last = null;
  let revoked = null;
  for await (const event of await clientOf({ apiKey: made.key }).responses.create(
    { model: "chat", input: "Talk.", stream: true })) {
    revoked ??= gateway.revoke(made.id);
    last = event;
  }
  await revoked;
  assert.equal(last.type, "response.incomplete");
  assert.equal(last.response.incomplete_details.reason, "content_filter");
  await waitFor("the upstream is let go", () => !open);
});

test("embeddings, which the SDK asks for in base64", async () => {
  const values = [0.1, -2.5, 3e-8];
  upstream.behave = (request, answer) => {
    const base64 = request.json.encoding_format === "base64";
    answerJson(answer, { object: "list", model: "chat", usage: { prompt_tokens: 2, total_tokens: 2 },
      data: request.json.input.map((_, index) => ({ object: "embedding", index,
        embedding: base64 ? Buffer.from(Float32Array.from(values).buffer).toString("base64")
          : values })) });
  };
  for (const encoding_format of [undefined, "float"]) {
    const answer = await client.embeddings.create({ model: "chat", input: ["a", "Köln"],
      ...(encoding_format && { encoding_format }) });
    assert.equal(answer.data.length, 2);
    assert.deepEqual([...Float32Array.from(answer.data[1].embedding)],
      [...Float32Array.from(values)]);
  }
  await assert.rejects(client.embeddings.create({ model: "chat", input: ["a", FORBIDDEN] }),
    OpenAI.PermissionDeniedError);
});

test("completions, whole and streamed", async () => {
  const one = (value, finish) => ({ id: "cmpl-1", object: "text_completion", created: 1,
    model: "chat", choices: [{ index: 0, text: value, logprobs: null, finish_reason: finish }] });
  upstream.behave = (request, answer) => {
    if (!request.json.stream) return answerJson(answer, one("Good morning.", "stop"));
    beginStream(answer);
    for (const part of ["Good ", "morning."]) sendEvent(answer, one(part, null));
    sendEvent(answer, "[DONE]");
    return answer.end();
  };
  const whole = await client.completions.create({ model: "chat", prompt: "Say it" });
  assert.equal(whole.choices[0].text, "Good morning.");
  let streamed = "";
  for await (const piece of await client.completions.create(
    { model: "chat", prompt: "Say it", stream: true })) streamed += piece.choices[0].text;
  assert.equal(streamed, "Good morning.");
  await assert.rejects(client.completions.create({ model: "chat", prompt: FORBIDDEN }),
    OpenAI.PermissionDeniedError);
});
