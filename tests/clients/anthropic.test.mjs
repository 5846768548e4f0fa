// The npm package `@anthropic-ai/sdk`, as its users call it.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { FORBIDDEN, PHRASE_RULE, startGateway, waitFor } from "./davy.mjs";
import { answerJson, beginStream, sendEvent, startUpstream } from "./upstream.mjs";

const upstream = await startUpstream();
const gateway = await startGateway([
  { name: "claude", dialect: "anthropic", upstream: upstream.url },
]);
const clientOf = (options = {}) =>
  new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: gateway.key, ...options });
const client = clientOf();
const given = (content, more = {}) => ({ model: "claude", max_tokens: 100,
  messages: [{ role: "user", content }], ...more });

const message = (content, stop = "end_turn") => ({
  id: "msg_test", type: "message", role: "assistant", model: "claude", content,
  stop_reason: stop, stop_sequence: null, usage: { input_tokens: 3, output_tokens: 2 },
});
// A stream as the API sends it; each block is [its start, deltas].
function streams(blocks, stop = "end_turn") {
  return (_, response) => {
    beginStream(response);
    const send = (event) => sendEvent(response, event, event.type);
    send({ type: "message_start", message: { ...message([]), stop_reason: null } });
    send({ type: "ping" });
    blocks.forEach(([content_block, ...deltas], index) => {
      send({ type: "content_block_start", index, content_block });
      for (const delta of deltas) send({ type: "content_block_delta", index, delta });
      send({ type: "content_block_stop", index });
    });
    send({ type: "message_delta", delta: { stop_reason: stop, stop_sequence: null },
      usage: { output_tokens: 2 } });
    send({ type: "message_stop" });
    response.end();
  };
}
const text = (...parts) => [{ type: "text", text: "" },
  ...parts.map((part) => ({ type: "text_delta", text: part }))];

test("a whole answer", async () => {
  upstream.behave = (_, response) =>
    answerJson(response, message([{ type: "text", text: "Good morning." }]));
  const answer = await client.messages.create(given("hi"));
  assert.equal(answer.content[0].text, "Good morning.");
  assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [3, 2]);
  const sent = upstream.requests.at(-1);
  assert.match(sent.headers["anthropic-version"], /^\d{4}-\d\d-\d\d$/);
  // The key of davy stays with davy.
  assert.ok(!JSON.stringify(sent.headers).includes(gateway.key));
});

test("a stream with thinking, text and a tool's arguments in pieces", async () => {
  upstream.behave = streams([
    [{ type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "Which city? " },
      { type: "signature_delta", signature: "c2ln" }],
    text("Let me ", "look. \u{1F600}"),
    [{ type: "tool_use", id: "toolu_1", name: "weather", input: {} },
      ...["", '{"ci', 'ty":"M\\u00', 'fcnchen"}'].map((partial_json) =>
        ({ type: "input_json_delta", partial_json }))],
  ], "tool_use");
  const stream = client.messages.stream(given("Weather?", { tools: [
    { name: "weather", input_schema: { type: "object" } }] }));
  const final = await stream.finalMessage();
  assert.deepEqual(final.content.map((block) => block.type), ["thinking", "text", "tool_use"]);
  assert.equal(final.content[0].signature, "c2ln");
  assert.equal(final.content[1].text, "Let me look. \u{1F600}");
  assert.deepEqual(final.content[2].input, { city: "München" });
  assert.equal(final.stop_reason, "tool_use");
});

test("a tool's result goes back, and a phrase in it is denied", async () => {
  upstream.behave = (request, response) => answerJson(response,
    message([{ type: "text", text: `${request.json.messages.length} messages` }]));
  const after = (content) => client.messages.create(given("Read my mail.", { messages: [
    { role: "user", content: "Read my mail." },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "mail", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content }] },
  ] }));
  assert.equal((await after("Nothing new.")).content[0].text, "3 messages");
  upstream.requests.length = 0;
  await assert.rejects(after(FORBIDDEN), Anthropic.PermissionDeniedError);
  await assert.rejects(after([{ type: "text", text: FORBIDDEN }]), Anthropic.PermissionDeniedError);
  assert.equal(upstream.requests.length, 0);
});

for (const stream of [false, true]) {
  test(`a denial is the SDK's error with the sentence, sent once (stream: ${stream})`, async () => {
    let sent = 0;
    const counting = clientOf({ fetch: (...words) => {
      sent += 1;
      return fetch(...words);
    } });
    upstream.requests.length = 0;
    const refused = await counting.messages.create(given(FORBIDDEN, { stream }))
      .catch((error) => error);
    assert.ok(refused instanceof Anthropic.PermissionDeniedError, String(refused));
    assert.equal(refused.headers.get("davy-rule"), PHRASE_RULE);
    assert.match(refused.message, /phrase/i);
    assert.ok(refused.message.includes(refused.headers.get("davy-request-id")));
    assert.deepEqual([sent, upstream.requests.length], [1, 0]);
  });
}

test("a wrong key is the SDK's AuthenticationError", async () => {
  await assert.rejects(clientOf({ apiKey: "sk-ant-not-davys" }).messages.create(given("hi")),
    Anthropic.AuthenticationError);
});

test("an overloaded upstream is retried by the SDK, as it says", async () => {
  for (const [fields, calls] of [[{ "x-should-retry": "false" }, 1], [{ "retry-after-ms": "1" }, 3]]) {
    upstream.requests.length = 0;
    upstream.behave = (_, response) => answerJson(response,
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, 529, fields);
    await assert.rejects(client.messages.create(given("hi")), /Overloaded/);
    assert.equal(upstream.requests.length, calls);
  }
});

test("a key revoked inside a stream: the SDK sees its end, and why", async () => {
  const made = await gateway.newKey();
  let open = true;
  upstream.behave = async (_, response) => {
    response.on("close", () => (open = false));
    beginStream(response);
    const send = (event) => sendEvent(response, event, event.type);
    send({ type: "message_start", message: { ...message([]), stop_reason: null } });
    send({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
    while (open) {
      send({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "on " } });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stream = clientOf({ apiKey: made.key }).messages.stream(given("Talk."));
  let revoked = null;
  stream.on("text", () => (revoked ??= gateway.revoke(made.id)));
  const final = await stream.finalMessage();
  await revoked;
  assert.equal(final.stop_reason, "refusal");
  await waitFor("the upstream is let go", () => !open);
});

test("an upstream that dies in its stream is an error, not an end", async () => {
  upstream.behave = (_, response) => {
    beginStream(response);
    sendEvent(response, { type: "message_start", message: message([]) }, "message_start");
    setTimeout(() => response.destroy(), 20);
  };
  await assert.rejects(client.messages.stream(given("hi")).finalMessage(), (error) => {
    assert.ok(error instanceof Anthropic.APIError, String(error));
    assert.match(error.message, /broke off/);
    return true;
  });
});
