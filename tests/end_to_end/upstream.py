"""A model API that records what reaches it and answers as a test wishes."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Recorded:
    def __init__(self, handler, body):
        self.method = handler.command
        self.target = handler.path
        self.version = handler.request_version
        self.fields = [(name.lower(), value) for name, value in handler.headers.items()]
        self.body = body

    def field(self, name):
        values = [value for field, value in self.fields if field == name]
        assert len(values) <= 1, (name, values)
        return values[0] if values else None


def completion(text="Good morning."):
    return {
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": "chat",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def chunk(text=None, finish=None):
    delta = {} if text is None else {"content": text}
    data = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1,
            "model": "chat", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


class Upstream:
    """`behave` is called with the handler of each request, after it was recorded; it writes
    the answer. Without one, every request is answered with a chat completion. With a
    `context` (ssl) it speaks https. `health` is the status that GET requests get, which are
    not recorded."""

    def __init__(self, context=None, address="127.0.0.1", port=0):
        self.health = 200
        self.requests = []
        self.behave = Upstream.answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                outer.requests.append(Recorded(self, self.rfile.read(length)))
                outer.behave(self)

            def do_GET(self):
                Upstream.answer(self, b"{}", outer.health)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        if context:
            # Shaken hands by the thread that serves, so that one client holds no other up.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.origin = f"{'https' if context else 'http'}://{address}:{self.port}"
        self.url = self.origin + "/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def answer(handler, body=None, status=200, content_type="application/json", **fields):
        data = json.dumps(completion()).encode() if body is None else body
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in fields.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def begin_stream(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

    @staticmethod
    def send(handler, data):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        handler.wfile.flush()

    @staticmethod
    def end_stream(handler):
        Upstream.send(handler, b"data: [DONE]\n\n")
        handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def die(handler):
        """Ends the connection in the middle of whatever was begun."""
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
