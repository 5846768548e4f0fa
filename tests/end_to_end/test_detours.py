"""Ways around the guard, and answers that only look whole: each was possible once."""

import contextlib
import json
import socket
import struct
import threading

import httpx
import pytest

from running import PATIENCE, chat_body, configuration, free_port, wait_for
from upstream import Upstream, chunk, completion


def config(url, **model):
    made = configuration(url, mode="observe")
    made["models"].append({"name": "open", "dialect": "openai", "upstream": url,
                           "unexamined": "allow", **model})
    made["models"].append({"name": "scores", "dialect": "predict", "upstream": url,
                           "unexamined": "allow", "paths": ["/*"]})
    made["experiments"][0]["models"] += ["open", "scores"]
    return made


def send(gateway, method, target, *fields, body=b""):
    """One raw request; its whole answer."""
    head = [f"{method} {target} HTTP/1.1", "Host: x", f"Authorization: Bearer {gateway.key}",
            *fields]
    with gateway.connect() as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        connection.settimeout(PATIENCE)
        answer, length = b"", None
        while length is None or len(answer) < length:
            part = connection.recv(65536)
            assert part, answer
            answer += part
            end = answer.find(b"\r\n\r\n") + 4
            if end >= 4 and length is None:
                said = answer[:end].lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                length = end + (int(said or 0) if method != "HEAD" else 0)
        return answer


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Script:
    """A server that says `answer` to each request head and then ends the connection with
    FIN, or with RST."""

    def __init__(self, answer, with_reset=False):
        self.answer, self.with_reset, self.heads = answer, with_reset, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/v1"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            self.heads.append(data)
            connection.sendall(self.answer)
            if self.with_reset:
                # What was sent arrives before the reset.
                threading.Event().wait(0.2)
                reset(connection)
            else:
                connection.close()

    def close(self):
        self.server.close()


@pytest.fixture
def script():
    made = []

    def make(*given, **named):
        made.append(Script(*given, **named))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def around(make_gateway, upstream):
    return make_gateway(config(upstream.url))


@pytest.mark.parametrize("target", ["/v1/realtime?model=open", "/models/scores/x"])
def test_a_websocket_request_smuggles_no_second_request(make_gateway, script, target):
    server = script(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    gateway = make_gateway(config(server.url))
    inner = b"POST /admin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    answer = send(gateway, "GET", target, "Connection: Upgrade", "Upgrade: websocket",
                  f"Content-Length: {len(inner)}", body=inner)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert server.heads == []


@pytest.mark.parametrize("fields", [
    ("Content-Type: text/plain",),
    ("Content-Type: application/json", "Content-Encoding: gzip"),
])
@pytest.mark.parametrize("path", ["/models/open/v1/chat/completions",
                                  "/openai/deployments/open/chat/completions"])
def test_a_body_that_nobody_reads_names_no_other_model(around, upstream, path, fields):
    body = json.dumps({**chat_body("hi"), "model": "secret-lab"}).encode()
    answer = send(around, "POST", path, *fields, f"Content-Length: {len(body)}", body=body)
    assert answer.startswith(b"HTTP/1.1 415 "), answer
    assert not upstream.requests


@pytest.mark.parametrize("query", ["model=open&%6dodel=big", "model=&model=open",
                                   "model=open&Model=big", "model=open&model[]=big",
                                   "model=open;model=big"])
def test_a_query_names_one_model(around, query):
    answer = send(around, "GET", "/v1/realtime?" + query, "Connection: Upgrade",
                  "Upgrade: websocket")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ")), answer


def test_a_query_goes_on_with_the_upstreams_name_of_the_model(make_gateway, script):
    server = script(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
    gateway = make_gateway(config(server.url, upstream_model="gpt realtime&x"))
    answer = send(gateway, "GET", "/v1/realtime?model=open&v=1", "Connection: Upgrade",
                  "Upgrade: websocket")
    assert answer.startswith(b"HTTP/1.1 426 "), answer
    assert server.heads[0].startswith(
        b"GET /v1/realtime?model=gpt%20realtime%26x&v=1 HTTP/1.1\r\n"), server.heads


def test_a_path_that_is_escaped_twice_goes_nowhere(around, upstream):
    answer = send(around, "GET", "/models/scores/%252e%252e/x")
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert not upstream.requests


def test_a_claim_of_another_path_or_address_stays_here(around, upstream):
    claims = ["X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method", "X-Method-Override",
              "X-HTTP-Method-Override", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
              "X-Cluster-Client-IP", "X-Forwarded", "X-Forwarded-Host", "X-Real-IP", "X-Host",
              "X-Envoy-Original-Path"]
    body = json.dumps(chat_body("hi")).encode()
    answer = send(around, "POST", "/v1/chat/completions", "Content-Type: application/json",
                  f"Content-Length: {len(body)}", "X-Kept: yes",
                  *[f"{name}: /evil" for name in claims], body=body)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    names = {name for name, _ in upstream.requests[0].fields}
    assert names.isdisjoint(name.lower() for name in claims)
    assert "x-kept" in names


def test_an_answer_speaks_for_its_upstream_alone(around, upstream):
    upstream.behave = lambda handler: Upstream.answer(
        handler, Alt_Svc='h3="evil.example:443"', Strict_Transport_Security="max-age=1",
        Clear_Site_Data='"*"', NEL="{}", Report_To="{}", Set_Cookie="a=b",
        davy_request_id="forged", WWW_Authenticate="Basic", X_Kept="yes")
    answer = around.post(chat_body("hi"))
    assert answer.headers["x-kept"] == "yes"
    for name in ("alt-svc", "strict-transport-security", "clear-site-data", "nel", "report-to",
                 "set-cookie", "www-authenticate"):
        assert name not in answer.headers, name
    assert answer.headers.get_list("davy-request-id") != ["forged"]


@pytest.mark.parametrize("head", [b"Content-Type: application/json", b"Content-Type: text/event-stream"])
def test_an_answer_that_a_reset_ends_is_not_whole(make_gateway, script, head):
    text = json.dumps(completion()).encode()[:60]
    if b"event-stream" in head:
        text = chunk("one")
    server = script(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + text, with_reset=True)
    gateway = make_gateway(config(server.url))
    answer = gateway.post(chat_body("hi", stream=b"event-stream" in head))
    event = gateway.event(answer.headers["davy-request-id"])
    assert "upstream ended the connection" in event["error"]
    if b"event-stream" in head:
        assert answer.text.startswith(text.decode()) and '"error"' in answer.text
    else:
        assert answer.status_code == 502


def test_a_stream_that_ends_within_an_event_says_so(make_gateway, script):
    server = script(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                    + chunk("one") + chunk("two")[:30])
    gateway = make_gateway(config(server.url))
    answer = gateway.post(chat_body("hi", stream=True))
    assert '"error"' in answer.text.split("\n\n")[-2], answer.text
    assert "inside an event" in gateway.event(answer.headers["davy-request-id"])["error"]


def test_a_client_that_is_gone_ends_the_call_whatever_it_sent_behind(around, upstream):
    ended = threading.Event()
    begun = threading.Event()

    def behave(handler):
        begun.set()
        handler.connection.settimeout(PATIENCE)
        if not handler.connection.recv(1):
            ended.set()

    upstream.behave = behave
    body = json.dumps(chat_body("hi")).encode()
    connection = around.connect()
    connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                       f"{around.key}\r\nContent-Type: application/json\r\nContent-Length: "
                       f"{len(body)}\r\n\r\n".encode() + body + b"G")
    assert begun.wait(PATIENCE)
    reset(connection)
    assert ended.wait(PATIENCE)


def test_a_long_name_of_a_model_leaves_its_event(around):
    answer = around.post({**chat_body("hi"), "model": "m" * 300_000})
    assert answer.status_code == 404
    event = around.event(answer.headers["davy-request-id"])
    assert event["status"] == 404 and len(event["model"]) <= 256


def test_a_busy_model_stays_busy_where_no_other_upstream_is_there(make_gateway, upstream):
    made = configuration(upstream.url)
    del made["models"][0]["upstream"]
    made["models"][0]["upstreams"] = [upstream.url, f"http://127.0.0.1:{free_port()}/v1"]
    gateway = make_gateway(made)
    upstream.behave = lambda handler: Upstream.answer(handler, b"{}", 429, Retry_After="7")
    answer = gateway.post(chat_body("hi"))
    assert answer.status_code == 429, answer.text
    assert answer.headers["retry-after"] == "7"


def test_head_tells_the_length_that_get_would(make_gateway, script):
    server = script(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    gateway = make_gateway(config(server.url))
    answer = send(gateway, "HEAD", "/models/scores/x")
    assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nContent-Length: 1234\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("host,status", [("evil.example", 421), ("evil.example:8081", 421),
                                         ("localhost:8081", 200), ("127.0.0.1", 200),
                                         ("[::1]:8081", 200)])
def test_a_page_reads_no_metrics_by_a_name_of_its_own(gateway, host, status):
    answer = httpx.get(gateway.admin + "/metrics", headers={"Host": host}, trust_env=False,
                       timeout=PATIENCE)
    assert answer.status_code == status


def test_a_lack_of_descriptors_is_not_the_upstreams_fault(make_gateway, upstream):
    """The breaker stays closed: as soon as there are descriptors, requests go through."""
    made = configuration(upstream.url)
    made["limits"] = {"connections": 1000}
    gateway = make_gateway(made, descriptors=64)
    upstream.behave = lambda handler: Upstream.answer(handler, Connection="close")
    assert gateway.post(chat_body("hi")).status_code == 200
    waiting = []
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                connection = gateway.connect()
                waiting.append(connection)
        # Nothing is certain but that some of these cannot be served.
        with contextlib.suppress(httpx.HTTPError):
            for _ in range(8):
                assert gateway.post(chat_body("hi")).status_code in (200, 503)
    finally:
        for connection in waiting:
            connection.close()

    def served():
        with contextlib.suppress(httpx.HTTPError):
            return gateway.post(chat_body("hi")).status_code == 200
        return False

    wait_for("a request to go through again", served)
    metrics = httpx.get(gateway.admin + "/metrics", trust_env=False).text
    states = [line for line in metrics.splitlines() if line.startswith("davy_upstream_state{")]
    assert states and all(line.endswith(" 0") for line in states), states
