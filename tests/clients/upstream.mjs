// A model API that records what reaches it and answers as a test wishes.
import http from "node:http";
import { after } from "node:test";

// `behave(request, response)` answers; the request has `text` and, if it is JSON, `json`.
export async function startUpstream() {
  const upstream = { requests: [], behave: null };
  const server = http.createServer(async (request, response) => {
    const parts = [];
    try {
      for await (const part of request) parts.push(part);
    } catch {
      return; // who asked has gone
    }
    request.text = Buffer.concat(parts).toString();
    try {
      request.json = JSON.parse(request.text);
    } catch {
      request.json = undefined;
    }
    upstream.requests.push(request);
    await upstream.behave(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  upstream.url = `http://127.0.0.1:${server.address().port}`;
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return upstream;
}

export function answerJson(response, body, status = 200, fields = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...fields });
  response.end(JSON.stringify(body));
}

export function beginStream(response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.flushHeaders();
}

// Each value becomes one event; a string is sent as it is, `name` gives the event's type.
export function sendEvent(response, data, name) {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  response.write(`${name ? `event: ${name}\n` : ""}data: ${text}\n\n`);
}
