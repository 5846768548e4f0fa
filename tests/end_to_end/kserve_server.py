"""A small server of KServe v2 (Open Inference Protocol) with Triton's generate extension. Its
model "mood" takes texts (BYTES) and says whether each has an exclamation mark; "sum" adds."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METADATA = {"name": "mood", "versions": ["1"], "platform": "test",
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
            "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]}]}


def infer(model, request):
    data = request["inputs"][0]["data"]
    if model == "mood":
        out = ["loud" if "!" in text else "calm" for text in data]
        output = {"name": "label", "datatype": "BYTES", "shape": [len(out)], "data": out}
    else:
        output = {"name": "sum", "datatype": "FP32", "shape": [1], "data": [sum(data)]}
    return {"model_name": model, "model_version": "1", "id": request.get("id", ""),
            "outputs": [output]}


class KServe:
    """`requests` has (method, path, fields in lower case, body)."""

    def __init__(self):
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.take(b"")
                parts = self.path.strip("/").split("/")
                if self.path in ("/v2/health/live", "/v2/health/ready"):
                    self.say(200, b"", "text/plain")
                elif self.path == "/v2":
                    self.say(200, json.dumps({"name": "test", "version": "1",
                                              "extensions": ["binary_tensor_data"]}).encode())
                elif parts[:2] == ["v2", "models"] and parts[2] in ("mood", "sum"):
                    self.say(200, json.dumps(METADATA | {"name": parts[2]}).encode())
                else:
                    self.say(404, b'{"error":"no such model"}')

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.take(body)
                parts = self.path.strip("/").split("/")
                model, verb = parts[2], parts[-1]
                if self.headers.get("Inference-Header-Content-Length"):
                    body = body[:int(self.headers["Inference-Header-Content-Length"])]
                request = json.loads(body)
                if verb == "infer" and "inputs" in request:
                    self.say(200, json.dumps(infer(model, request)).encode())
                elif verb == "generate":
                    self.say(200, json.dumps({"model_name": model, "model_version": "1",
                                              "text_output": request["text_input"]}).encode())
                elif verb == "generate_stream":
                    self.stream(model, request["text_input"].split(" "))
                else:
                    self.say(400, b'{"error":"what is this?"}')

            def take(self, body):
                fields = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append((self.command, self.path, fields, body))

            def say(self, status, body, content_type="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, model, words):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for word in words:
                    event = {"model_name": model, "model_version": "1", "text_output": word + " "}
                    data = b"data: " + json.dumps(event).encode() + b"\n\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
