// fetch, as a page or a server-side script uses it, with no SDK: streams are read with a
// ReadableStream and parsed as an EventSource would (WHATWG HTML 9.2.6).
import assert from "node:assert/strict";
import { test } from "node:test";
import { FORBIDDEN, startGateway, startPractice, waitFor } from "./davy.mjs";
import { answerJson, beginStream, startUpstream } from "./upstream.mjs";

const practice = await startPractice();
const upstream = await startUpstream();
const gateway = await startGateway([
  { name: "practice", dialect: "openai", upstream: `${practice}/v1` },
  { name: "chat", dialect: "openai", upstream: `${upstream.url}/v1` },
]);

const post = (body, options = {}) => fetch(`${gateway.url}/v1/chat/completions`, {
  method: "POST", body: JSON.stringify(body), ...options,
  headers: { "content-type": "application/json", authorization: `Bearer ${gateway.key}`,
    ...options.headers },
});
const chat = (content, model = "practice", more = {}) =>
  ({ model, messages: [{ role: "user", content }], ...more });

// The events of a stream: {type, data, id} each, as an EventSource dispatches them.
async function* eventsOf(response) {
  let rest = "";
  let event = { data: [] };
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data.length) yield { ...event, data: event.data.join("\n") };
        event = { data: [] };
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (field === "data") event.data.push(value);
      if (field === "event") event.type = value;
      if (field === "id") event.id = value;
    }
  }
}

test("a stream, parsed as events, is the whole answer", async () => {
  const answer = await post(chat("What is a system prompt?", "practice", { stream: true }));
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^text\/event-stream/);
  const data = [];
  for await (const event of eventsOf(answer)) data.push(event.data);
  assert.equal(data.pop(), "[DONE]");
  const text = data.map((one) => JSON.parse(one).choices[0]?.delta.content ?? "").join("");
  const whole = await (await post(chat("What is a system prompt?"))).json();
  assert.equal(text, whole.choices[0].message.content);
});

test("comments, types, ids and data of several lines go through as they were", async () => {
  const parts = [": hello\n\n", "event: note\nid: 7\ndata: {\"a\":\ndata: 1}\n\n",
    "data: \u{1F600}\r\n\r\n", "data: [DONE]\n\n"];
  upstream.behave = async (_, response) => {
    beginStream(response);
    for (const byte of Buffer.from(parts.join(""))) response.write(Buffer.of(byte));
    response.end();
  };
  const events = [];
  for await (const event of eventsOf(await post(chat("hi", "chat", { stream: true })))) {
    events.push(event);
  }
  assert.deepEqual(events, [{ type: "note", id: "7", data: '{"a":\n1}' },
    { data: "\u{1F600}" }, { data: "[DONE]" }]);
});

test("each piece arrives before the next one is made", async () => {
  const seen = [];
  upstream.behave = async (_, response) => {
    beginStream(response);
    for (let number = 0; number < 4; ++number) {
      response.write(`data: {"choices":[{"index":0,"delta":{"content":"${number}"}}]}\n\n`);
      await waitFor(`piece ${number} at the client`, () => seen.length > number);
    }
    response.end("data: [DONE]\n\n");
  };
  for await (const event of eventsOf(await post(chat("hi", "chat", { stream: true })))) {
    if (event.data !== "[DONE]") seen.push(JSON.parse(event.data).choices[0].delta.content);
  }
  assert.deepEqual(seen, ["0", "1", "2", "3"]);
});

test("leaving the page ends the generation", async () => {
  let closed = false;
  upstream.behave = (_, response) => {
    response.on("close", () => (closed = true));
    beginStream(response);
    response.write("data: {}\n\n");
  };
  const page = new AbortController();
  const answer = await post(chat("hi", "chat", { stream: true }), { signal: page.signal });
  await answer.body.getReader().read();
  page.abort();
  await waitFor("the upstream's connection closes", () => closed);
});

test("a denial can be read, and the connection serves the next request", async () => {
  for (const [text, status] of [["hi", 200], [FORBIDDEN, 403], ["hi", 200]]) {
    const answer = await post(chat(text));
    const body = await answer.json();
    assert.equal(answer.status, status);
    if (status === 403) {
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.ok(body.next_step);
      assert.equal(body.request_id, answer.headers.get("davy-request-id"));
    }
  }
});

test("a body sent as a stream (chunked) is examined like any other", async () => {
  const text = JSON.stringify(chat(FORBIDDEN));
  const send = (body) => post(null, { duplex: "half", body: new ReadableStream({
    start(controller) {
      const bytes = new TextEncoder().encode(body);
      for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.slice(at, at + 7));
      controller.close();
    },
  }) });
  assert.equal((await send(text)).status, 403);
  assert.equal((await send(JSON.stringify(chat("hi")))).status, 200);
});

// See docs/clients.md, which says why. What an upstream allows its own pages is not passed on.
test("no other origin's page may call it", async () => {
  upstream.behave = (_, response) => answerJson(response, {}, 200,
    { "Access-Control-Allow-Origin": "*", "access-control-expose-headers": "*" });
  const origin = { origin: "https://elsewhere.example" };
  const asked = await fetch(`${gateway.url}/v1/chat/completions`, { method: "OPTIONS",
    headers: { ...origin, "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type" } });
  assert.ok(asked.status >= 400, String(asked.status));
  const answered = await post(chat("hi", "chat"), { headers: origin });
  assert.equal(answered.status, 200);
  for (const answer of [asked, answered]) {
    await answer.text();
    assert.deepEqual([...answer.headers.keys()].filter((name) => name.startsWith("access-control")),
      []);
  }
});
