// The npm package `openai`, as its users call it: base URL and key, nothing else changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { FORBIDDEN, PHRASE_RULE, startGateway, startPractice, waitFor } from "./davy.mjs";
import { answerJson, beginStream, sendEvent, startUpstream } from "./upstream.mjs";

const practice = await startPractice();
const upstream = await startUpstream();
const gateway = await startGateway([
  { name: "practice", dialect: "openai", upstream: `${practice}/v1` },
  { name: "chat", dialect: "openai", upstream: `${upstream.url}/v1` },
]);

const clientOf = (options = {}) =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, ...options });
const client = clientOf();
// A client with the SDK's own retries, and how many requests it has sent.
function counting(options = {}) {
  let sent = 0;
  const counted = (...given) => {
    sent += 1;
    return fetch(...given);
  };
  return [clientOf({ fetch: counted, ...options }), () => sent];
}
const says = (content) => [{ role: "user", content }];
const ask = (content, more = {}, model = "chat", from = client) =>
  from.chat.completions.create({ model, messages: says(content), ...more });

const completion = (message, finish = "stop") => ({
  id: "chatcmpl-test", object: "chat.completion", created: 1, model: "chat",
  choices: [{ index: 0, finish_reason: finish, message: { role: "assistant", ...message } }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});
const chunk = (delta, finish = null) => ({
  id: "chatcmpl-test", object: "chat.completion.chunk", created: 1, model: "chat",
  choices: [{ index: 0, delta, finish_reason: finish }],
});
// Sends these chunks and the end.
const streams = (...chunks) => (request, response) => {
  beginStream(response);
  for (const each of chunks) sendEvent(response, each);
  sendEvent(response, "[DONE]");
  response.end();
};
const callsOf = async () => (await (await fetch(`${practice}/calls`)).json()).chat;

test("a whole answer", async () => {
  const answer = await ask("What is 2 + 3?", {}, "practice");
  assert.match(answer.choices[0].message.content, /= 5/);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.total_tokens > 0);
});

test("a stream, read by the SDK's helper, is the whole answer", async () => {
  const whole = await ask("What is a system prompt?", {}, "practice");
  const stream = client.chat.completions.stream({
    model: "practice", messages: says("What is a system prompt?"),
    stream_options: { include_usage: true },
  });
  let pieces = 0;
  for await (const piece of stream) if (piece.choices[0]?.delta.content) pieces += 1;
  assert.ok(pieces > 1, `${pieces} pieces`);
  assert.equal(await stream.finalContent(), whole.choices[0].message.content);
  assert.equal((await stream.totalUsage()).total_tokens, whole.usage.total_tokens);
});

test("the models that the key may use", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names.sort(), ["chat", "practice"]);
});

test("the SDK's tool runner: call, run, result, answer", async () => {
  upstream.requests.length = 0;
  upstream.behave = (request, response) => {
    const last = request.json.messages.at(-1);
    if (last.role === "tool") {
      return answerJson(response, completion({ content: `It says ${last.content}.` }));
    }
    return answerJson(response, completion({ content: null, tool_calls: [{
      id: "call_1", type: "function",
      function: { name: "invoice", arguments: '{"number": 1e2, "city": "K\\u00f6ln"}' },
    }] }, "tool_calls"));
  };
  const seen = [];
  const runner = client.chat.completions.runTools({
    model: "chat", messages: says("What does invoice 100 say?"),
    tools: [{ type: "function", function: {
      name: "invoice", description: "reads an invoice", parse: JSON.parse,
      parameters: { type: "object", properties: { number: { type: "number" } } },
      function: (given) => {
        seen.push(given);
        return "12.30 EUR";
      },
    } }],
  });
  assert.equal(await runner.finalContent(), "It says 12.30 EUR.");
  assert.deepEqual(seen, [{ number: 100, city: "Köln" }]);
  const second = upstream.requests[1].json.messages;
  assert.equal(second.at(-1).tool_call_id, "call_1");
  assert.equal(second.at(-2).tool_calls[0].function.arguments,
    '{"number": 1e2, "city": "K\\u00f6ln"}');
});

test("a tool call whose arguments come in pieces", async () => {
  const parts = ['{"ci', 'ty":"M\\u0', "0fcnchen", ' \\ud83d', '\\ude00"}'];
  upstream.behave = streams(
    chunk({ role: "assistant", content: null, tool_calls: [
      { index: 0, id: "call_7", type: "function", function: { name: "weather", arguments: "" } }] }),
    ...parts.map((part) => chunk({ tool_calls: [{ index: 0, function: { arguments: part } }] })),
    chunk({}, "tool_calls"));
  const stream = client.chat.completions.stream({ model: "chat", messages: says("Weather?"),
    tools: [{ type: "function", function: { name: "weather", parameters: {} } }] });
  const [call] = (await stream.finalMessage()).tool_calls;
  assert.equal(call.id, "call_7");
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "München 😀" });
});

for (const stream of [false, true]) {
  test(`a denial is the SDK's error with the sentence, sent once (stream: ${stream})`, async () => {
    const before = await callsOf();
    const [counted, sent] = counting();
    const refused = await ask(FORBIDDEN, { stream }, "practice", counted).catch((error) => error);
    assert.ok(refused instanceof OpenAI.PermissionDeniedError, String(refused));
    assert.equal(refused.status, 403);
    assert.equal(refused.code, "policy_denied");
    const id = refused.headers.get("davy-request-id");
    assert.equal(refused.headers.get("davy-rule"), PHRASE_RULE);
    // What a user sees who only prints the error: what, what to do, and the id to ask for.
    assert.match(refused.message, /phrase/i);
    assert.ok(refused.message.includes(id), refused.message);
    assert.equal((await gateway.event(id)).decision, "deny");
    assert.equal(sent(), 1);
    assert.equal(await callsOf(), before);
  });
}

test("a phrase in a tool's result is denied too", async () => {
  upstream.requests.length = 0;
  await assert.rejects(client.chat.completions.create({ model: "chat", messages: [
    ...says("Read my mail."),
    { role: "assistant", content: null, tool_calls: [
      { id: "call_1", type: "function", function: { name: "mail", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "call_1", content: FORBIDDEN },
  ] }), OpenAI.PermissionDeniedError);
  assert.equal(upstream.requests.length, 0);
});

test("wrong key, wrong model: the SDK's own classes, one request each", async () => {
  upstream.requests.length = 0;
  const [stranger, strangers] = counting({ apiKey: "sk-not-davys" });
  await assert.rejects(ask("hi", {}, "chat", stranger), OpenAI.AuthenticationError);
  const [known, knowns] = counting();
  await assert.rejects(ask("hi", {}, "no-such-model", known), OpenAI.NotFoundError);
  assert.deepEqual([strangers(), knowns()], [1, 1]);
  assert.equal(upstream.requests.length, 0);
});

test("the upstream's word on retrying reaches the SDK: x-should-retry", async () => {
  for (const [fields, calls] of [[{ "x-should-retry": "false" }, 1],
    [{ "retry-after-ms": "1" }, 3]]) { // the SDK itself tries twice more
    upstream.requests.length = 0;
    upstream.behave = (_, response) =>
      answerJson(response, { error: { message: "Slowly, please.", code: "slow" } }, 429, fields);
    const refused = await ask("hi").catch((error) => error);
    assert.ok(refused instanceof OpenAI.RateLimitError, String(refused));
    assert.match(refused.message, /Slowly, please/);
    assert.equal(upstream.requests.length, calls);
  }
});

test("a key revoked inside a stream: the SDK sees its end, and why", async () => {
  const made = await gateway.newKey();
  let open = true;
  upstream.behave = async (_, response) => {
    response.on("close", () => (open = false));
    beginStream(response);
    while (open) {
      sendEvent(response, chunk({ content: "on and on " }));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stream = await ask("Talk.", { stream: true }, "chat", clientOf({ apiKey: made.key }));
  const reasons = [];
  let revoked = null;
  for await (const piece of stream) {
    revoked ??= gateway.revoke(made.id);
    if (piece.choices[0].finish_reason) reasons.push(piece.choices[0].finish_reason);
  }
  await revoked;
  assert.deepEqual(reasons, ["content_filter"]);
  await waitFor("the upstream is let go", () => !open);
  await assert.rejects(ask("hi", {}, "chat", clientOf({ apiKey: made.key })),
    OpenAI.AuthenticationError);
});

test("an upstream that dies in its stream is an error, not an end", async () => {
  upstream.behave = (_, response) => {
    beginStream(response);
    sendEvent(response, chunk({ content: "half a sen" }));
    setTimeout(() => response.destroy(), 20);
  };
  const texts = [];
  const broken = await (async () => {
    for await (const piece of await ask("hi", { stream: true })) {
      texts.push(piece.choices[0].delta.content);
    }
  })().catch((error) => error);
  assert.deepEqual(texts, ["half a sen"]);
  assert.ok(broken instanceof OpenAI.APIError, String(broken));
  assert.match(broken.message, /broke off/);
});

test("an SDK that aborts a stream ends the generation", async () => {
  let closed = false;
  upstream.behave = (_, response) => {
    response.on("close", () => (closed = true));
    beginStream(response);
    sendEvent(response, chunk({ content: "one" }));
  };
  const stream = await ask("hi", { stream: true });
  for await (const _ of stream) stream.controller.abort();
  await waitFor("the upstream's connection closes", () => closed);
});
