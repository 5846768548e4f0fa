// Client and server of the npm package `@modelcontextprotocol/sdk` over streamable HTTP, with
// davy between them.
import assert from "node:assert/strict";
import { randomUUID, webcrypto } from "node:crypto";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, GetPromptRequestSchema, ListToolsRequestSchema,
  LoggingMessageNotificationSchema, ReadResourceRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { FORBIDDEN, startGateway, waitFor } from "./davy.mjs";
import { startUpstream } from "./upstream.mjs";

globalThis.crypto ??= webcrypto; // the SDK's server wants it there; Node.js 18 does not have it

const TEXT = 'Köln, 0.70 "quoted"\n\u{1F600}';
const called = []; // arguments of what reached the server

// One server for each session, as the SDK wants it.
function newServer() {
  const server = new Server({ name: "files", version: "1" },
    { capabilities: { tools: {}, resources: {}, prompts: {}, logging: {} }, instructions: "Read only." });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [
    { name: "search", description: "finds invoices", inputSchema: { type: "object",
      properties: { text: { type: "string" } }, required: ["text"] } }] }));
  server.setRequestHandler(CallToolRequestSchema, async (request, extra) => {
    called.push(request.params.arguments);
    for (let done = 1; request.params._meta?.progressToken !== undefined && done < 4; ++done) {
      await extra.sendNotification({ method: "notifications/progress", params: {
        progressToken: request.params._meta.progressToken, progress: done, total: 3 } });
    }
    return { content: [{ type: "text", text: TEXT }], structuredContent: { found: 1e2 } };
  });
  server.setRequestHandler(ReadResourceRequestSchema, (request) => ({ contents: [
    { uri: request.params.uri, mimeType: "text/plain", text: TEXT }] }));
  server.setRequestHandler(GetPromptRequestSchema, (request) => {
    called.push(request.params.arguments);
    return { messages: [{ role: "user", content: { type: "text", text: TEXT } }] };
  });
  return server;
}

const sessions = new Map();
const upstream = await startUpstream();
upstream.behave = async (request, response) => {
  let session = sessions.get(request.headers["mcp-session-id"]);
  if (!session) {
    const server = newServer();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, { server, transport }),
      onsessionclosed: (id) => sessions.delete(id) });
    await server.connect(transport);
    session = { transport };
  }
  await session.transport.handleRequest(request, response, request.json);
};

const gateway = await startGateway([
  { name: "files", dialect: "mcp", upstream: `${upstream.url}/mcp` },
]);

// A connected client, and how many requests it has sent.
async function connect(key = gateway.key) {
  const count = { posts: 0 };
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/files`), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
    fetch: (url, options) => {
      if (options.method === "POST") count.posts += 1;
      return fetch(url, options);
    },
  });
  const client = new Client({ name: "tests", version: "1" });
  await client.connect(transport);
  return { client, transport, count };
}

test("a session: tools, a call with its result, a resource, the end", async () => {
  const { client, transport } = await connect();
  assert.equal(client.getInstructions(), "Read only.");
  assert.deepEqual((await client.listTools()).tools.map((tool) => tool.name), ["search"]);
  const result = await client.callTool({ name: "search", arguments: { text: "K\u00f6ln \u{1F600}" } });
  assert.equal(result.content[0].text, TEXT);
  assert.deepEqual(result.structuredContent, { found: 100 });
  assert.deepEqual(called.pop(), { text: "Köln \u{1F600}" });
  const read = await client.readResource({ uri: "file:///notes.txt" });
  assert.equal(read.contents[0].text, TEXT);
  const id = transport.sessionId;
  assert.ok(sessions.has(id));
  await transport.terminateSession();
  assert.ok(!sessions.has(id));
  await client.close();
});

test("progress arrives while a call runs", async () => {
  const { client } = await connect();
  const seen = [];
  await client.callTool({ name: "search", arguments: { text: "x" } }, undefined,
    { onprogress: (progress) => seen.push(progress.progress) });
  assert.deepEqual(seen, [1, 2, 3]);
  await client.close();
});

test("what the server says unasked arrives on the client's open stream", async () => {
  const { client, transport } = await connect();
  const said = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema,
    (notification) => said.push(notification.params.data));
  const { server } = sessions.get(transport.sessionId);
  await waitFor("the message", async () => {
    await server.sendLoggingMessage({ level: "info", data: "by the way" });
    return said.length > 0;
  });
  assert.equal(said[0], "by the way");
  await client.close();
});

// What a person writes is judged; the arguments of a tool come from a model (docs/mcp.md).
test("a denied request is an error with the sentence; the session goes on", async () => {
  const { client, count } = await connect();
  const ask = (text) => client.getPrompt({ name: "review", arguments: { text } });
  const before = [called.length, count.posts];
  const refused = await ask(FORBIDDEN).catch((error) => error);
  assert.ok(refused instanceof Error, JSON.stringify(refused));
  assert.match(refused.message, /phrase/i);
  assert.match(refused.message, /req_/);
  assert.deepEqual([called.length, count.posts], [before[0], before[1] + 1]);
  assert.equal((await ask("harmless")).messages[0].content.text, TEXT);
  await client.close();
});

test("without davy's key there is no session", async () => {
  const before = sessions.size;
  await assert.rejects(connect("not-davys"));
  assert.equal(sessions.size, before);
});
