"""Upstreams: fail-over and shares, breakers and health, proxies and sockets, and what must
never happen: that a request is paid twice, or that a client waits for an upstream in vain."""

import base64
import contextlib
import json
import math
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingMixIn, UnixStreamServer

import httpx
import pytest

from certificates import Authority
from running import PATIENCE, Process, chat_body, configuration, free_port, run, wait_for
from upstream import Recorded, Upstream, chunk, completion


@pytest.fixture
def another():
    """More upstreams than the one of `upstream`."""
    made = []

    def make(*arguments, **options):
        made.append(Upstream(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def config(*upstreams, **model):
    """One model with these upstreams: URLs, or maps."""
    out = configuration("http://127.0.0.1:1/v1")
    out["models"] = [{"name": "chat", "dialect": "openai", "upstreams": list(upstreams), **model}]
    return out


def metric(gateway, name, **labels):
    """The value of a series; labels that are not given may be any."""
    text = httpx.get(gateway.admin + "/metrics", trust_env=False).text
    for found in re.finditer(rf"^{name}\{{(.*)\}} (\S+)$", text, re.MULTILINE):
        has = dict(re.findall(r'(\w+)="([^"]*)"', found[1]))
        if all(has.get(key) == value for key, value in labels.items()):
            return float(found[2])
    return None


def authority(upstream):
    return upstream.url.removeprefix("http://").removesuffix("/v1")


def answers(status, **fields):
    body = json.dumps({"error": {"message": "from above", "type": "x", "param": None,
                                 "code": None}}).encode()
    return lambda handler: Upstream.answer(handler, body, status, **fields)


def test_upstreams_are_asked_in_their_order(make_gateway, upstream, another):
    down = f"http://127.0.0.1:{free_port()}/v1"
    third = another()
    gateway = make_gateway(config(down, upstream.url, third.url))
    for _ in range(3):
        assert gateway.post(chat_body("hi")).status_code == 200
    assert (len(upstream.requests), len(third.requests)) == (3, 0)
    left = down.removeprefix("http://").removesuffix("/v1")
    assert metric(gateway, "davy_upstream_failovers_total", upstream=left, reason="connect") == 3
    assert metric(gateway, "davy_upstream_connect_failures_total", upstream=left) == 3
    assert metric(gateway, "davy_upstream_failovers_total", upstream=authority(upstream),
                  reason="connect") == 0
    request_id = gateway.post(chat_body("hi")).headers["davy-request-id"]
    assert "error" not in gateway.event(request_id)


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_refused_request_goes_on_to_the_next_upstream(make_gateway, upstream, another, status):
    second = another()
    upstream.behave = answers(status)
    gateway = make_gateway(config(upstream.url, second.url))
    answer = gateway.post(chat_body("hi"))
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "Good morning."
    assert (len(upstream.requests), len(second.requests)) == (1, 1)
    assert upstream.requests[0].body == second.requests[0].body
    assert metric(gateway, "davy_upstream_failovers_total", upstream=authority(upstream),
                  reason="status") == 1
    assert gateway.event(answer.headers["davy-request-id"])["status"] == 200


@pytest.mark.parametrize("status", [400, 500, 502, 504])
def test_what_may_have_been_acted_upon_is_not_paid_twice(make_gateway, upstream, another, status):
    second = another()
    upstream.behave = answers(status)
    gateway = make_gateway(config(upstream.url, second.url))
    assert gateway.post(chat_body("hi")).status_code == status
    assert (len(upstream.requests), len(second.requests)) == (1, 0)


def test_an_operator_may_let_other_failures_go_on(make_gateway, upstream, another):
    second = another()
    upstream.behave = answers(502)
    gateway = make_gateway(config(upstream.url, second.url, fail_over_on=["connect", "502"]))
    assert gateway.post(chat_body("hi")).status_code == 200
    upstream.behave = answers(503)
    assert gateway.post(chat_body("hi")).status_code == 503


def test_when_all_refuse_the_last_answer_is_passed_on(make_gateway, upstream, another):
    second = another()
    upstream.behave = answers(503)
    second.behave = answers(429, retry_after="7")
    gateway = make_gateway(config(upstream.url, second.url))
    answer = gateway.post(chat_body("hi"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["error"]["message"] == "from above"


@pytest.mark.parametrize("stream", [False, True])
def test_a_post_that_reached_an_upstream_is_never_sent_again(make_gateway, upstream, another,
                                                             stream):
    """It took the request and died without a word: it may have been acted upon, and paid."""
    second = another()
    upstream.behave = Upstream.die
    gateway = make_gateway(config(upstream.url, second.url))
    for count in range(1, 4):
        answer = gateway.post(chat_body("hi", stream=stream))
        assert answer.status_code == 502
        assert answer.json()["error"]["code"] == "upstream_failed"
        assert (len(upstream.requests), len(second.requests)) == (count, 0)


def test_weights_share_the_requests(make_gateway, upstream, another):
    second, drained = another(), another()
    gateway = make_gateway(config({"url": upstream.url, "weight": 3}, second.url,
                                  {"url": drained.url, "weight": 0}))
    count = 400
    with httpx.Client(trust_env=False) as client:
        for _ in range(count):
            answer = client.post(gateway.url + "/chat/completions", json=chat_body("hi"),
                                 headers={"Authorization": f"Bearer {gateway.key}"})
            assert answer.status_code == 200
    seen = len(upstream.requests), len(second.requests), len(drained.requests)
    print("requests:", seen)
    # Six standard deviations of a binomial: once in a billion runs. Chance is the gateway's.
    assert abs(seen[0] - count * 3 / 4) < 6 * math.sqrt(count * 3 / 16), seen
    assert seen[0] + seen[1] == count and seen[2] == 0
    upstream.close()
    for _ in range(5):
        assert gateway.post(chat_body("hi")).status_code == 200


def code_of(answer):
    return answer.json()["error"]["code"]


@pytest.mark.parametrize("trouble", ["down", "503"])
def test_an_upstream_that_keeps_failing_is_left_alone_and_tried_again(make_gateway, another,
                                                                      trouble):
    port = free_port()
    works = None if trouble == "down" else another(port=port)
    if works:
        works.behave = answers(503)
    gateway = make_gateway(config(f"http://127.0.0.1:{port}/v1"))
    sent = []

    def left_alone():
        # On a slow machine the pause may be over already, and one more is tried.
        answer = gateway.post(chat_body("hi"))
        if code_of(answer) == "upstream_unavailable":
            return answer
        assert answer.status_code == (503 if works else 502)
        sent.append(answer)
        return None

    answer = wait_for("it is left alone", left_alone)
    assert len(sent) >= 5
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert not works or len(works.requests) == len(sent), "an open breaker sends nothing"
    assert metric(gateway, "davy_upstream_state", upstream=f"127.0.0.1:{port}") == 2
    assert "left alone" in gateway.event(answer.json()["request_id"])["error"]
    # What is known survives a reload.
    gateway.process.popen.send_signal(signal.SIGHUP)

    if works:
        works.behave = Upstream.answer
    else:
        another(port=port)
    wait_for("it is tried again", lambda: gateway.post(chat_body("hi")).status_code == 200)
    assert metric(gateway, "davy_upstream_state", upstream=f"127.0.0.1:{port}") == 0
    said = gateway.process.said()
    assert said.count("keeps failing and is left alone") == 1
    assert said.count("works again") == 1


def test_a_breaker_that_is_open_sends_requests_to_the_next_upstream(make_gateway, upstream, another):
    second = another()
    upstream.behave = answers(504)
    gateway = make_gateway(config(upstream.url, second.url))
    for _ in range(5):
        assert gateway.post(chat_body("hi")).status_code == 504
    wait_for("the next one answers", lambda: gateway.post(chat_body("hi")).status_code == 200)
    assert len(second.requests) == 1
    assert metric(gateway, "davy_upstream_failovers_total", upstream=authority(upstream),
                  reason="open") == 1


def test_a_slow_upstream_is_504(make_gateway, upstream):
    go_on = threading.Event()
    upstream.behave = lambda handler: go_on.wait(PATIENCE)
    gateway = make_gateway(config(upstream.url, timeouts={"answer": "300ms"}))
    answer = gateway.post(chat_body("hi"))
    go_on.set()
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "upstream_timeout"
    assert len(upstream.requests) == 1
    assert "in time" in gateway.event(answer.json()["request_id"])["error"]


def test_a_stream_that_pauses_for_too_long_ends_with_the_dialects_error(make_gateway, upstream):
    go_on = threading.Event()

    def behave(handler):
        Upstream.begin_stream(handler)
        Upstream.send(handler, chunk("Good"))
        go_on.wait(PATIENCE)
        handler.close_connection = True

    upstream.behave = behave
    gateway = make_gateway(config(upstream.url, timeouts={"pause": "300ms"}))
    lines = gateway.post(chat_body("hi", stream=True)).text.split("\n\n")
    go_on.set()
    assert "Good" in lines[0]
    assert json.loads(lines[1].removeprefix("data: "))["error"]["code"] == "upstream_timeout"


STREAMER = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n"
                       b"Transfer-Encoding: chunked\\r\\n\\r\\n")
    data = sys.argv[1].encode() + b"\\n\\n"
    for _ in range(3):
        connection.sendall(b"%x\\r\\n%s\\r\\n" % (len(data), data))
    time.sleep(600)
"""


def test_an_upstream_that_is_killed_in_mid_stream_ends_it_with_the_dialects_error(make_gateway):
    """kill -9: its kernel ends the connection; the client must not see a silent cut."""
    event = chunk("Good").decode().strip()
    with subprocess.Popen([sys.executable, "-c", STREAMER, event], stdout=subprocess.PIPE,
                          text=True) as model:
        port = int(model.stdout.readline())
        gateway = make_gateway(config(f"http://127.0.0.1:{port}/v1"))
        with httpx.stream("POST", gateway.url + "/chat/completions", trust_env=False,
                          json=chat_body("hi", stream=True), timeout=PATIENCE,
                          headers={"Authorization": f"Bearer {gateway.key}"}) as answer:
            assert answer.status_code == 200
            request_id = answer.headers["davy-request-id"]
            lines = (line for line in answer.iter_lines() if line)
            assert "Good" in next(lines)
            os.kill(model.pid, signal.SIGKILL)
            rest = list(lines)  # the chunked body is whole, or this raises
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "upstream_failed"
        row = gateway.event(request_id)
        assert row["bytes_out"] > 0 and "inside its stream" in row["error"]


def waits_until_cancelled(ended):
    """Takes the request, says nothing, and notes when the gateway ends the connection."""
    def behave(handler):
        handler.connection.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            assert handler.connection.recv(1) == b""
        ended.set()
        handler.close_connection = True
    return behave


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_disconnect_cancels_upstream(make_gateway, upstream, how):
    ended = threading.Event()
    upstream.behave = waits_until_cancelled(ended)
    gateway = make_gateway(config(upstream.url))
    body = json.dumps(chat_body("hi")).encode()
    connection = gateway.connect()
    connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nUser-Agent: leaver\r\n"
                       b"Content-Type: application/json\r\nAuthorization: Bearer %s\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (gateway.key.encode(), len(body), body))
    wait_for("the request arrives", lambda: upstream.requests)
    if how == "resets":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert ended.wait(PATIENCE), "the upstream call goes on"
    event = wait_for("the event", lambda: gateway.events(user_agent="leaver"))[0]
    assert "client left" in event["error"]
    assert event["key_id"] == gateway.key.split("_")[1]
    # It says nothing of the upstream.
    assert metric(gateway, "davy_upstream_state", upstream=authority(upstream)) == 0


def test_an_answer_that_is_too_large_says_so(make_gateway, upstream):
    gateway = make_gateway(config(upstream.url, max_answer_bytes=2000))
    upstream.behave = lambda handler: Upstream.answer(
        handler, json.dumps(completion("x" * 3000)).encode())
    answer = gateway.post(chat_body("hi"))
    assert answer.status_code == 502
    problem = answer.json()
    assert problem["error"]["code"] == "answer_too_large"
    assert "2000 bytes that max_answer_bytes allows" in problem["detail"]
    assert "max_answer_bytes" in gateway.event(problem["request_id"])["error"]

    def stream(handler):
        Upstream.begin_stream(handler)
        for _ in range(40):
            Upstream.send(handler, chunk("Good morning."))
        Upstream.end_stream(handler)

    upstream.behave = stream
    answer = gateway.post(chat_body("hi", stream=True))
    assert answer.status_code == 200
    lines = [line for line in answer.text.split("\n") if line.startswith("data: ")]
    assert 1 < len(lines) < 40
    assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "answer_too_large"
    # Without the limit of its own, an answer of that size is nothing.
    upstream.behave = lambda handler: Upstream.answer(
        handler, json.dumps(completion("x" * 3000)).encode())
    assert make_gateway(config(upstream.url)).post(chat_body("hi")).status_code == 200


def test_an_early_answer_is_passed_on_though_the_body_was_not_taken(make_gateway):
    """Such as 413: a server that answers and ends the connection before it has read a body."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += connection.recv(4096)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\n"
                           b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        connection.close()

    threading.Thread(target=serve, daemon=True).start()
    gateway = make_gateway(config(f"http://127.0.0.1:{listener.getsockname()[1]}/v1"))
    assert gateway.post(chat_body("x" * 4_000_000)).status_code == 413


def test_each_upstream_has_its_own_name_for_the_model_and_its_own_credential(make_gateway, upstream,
                                                                             another):
    second = another()
    upstream.behave = answers(503)
    gateway = make_gateway(
        config({"url": upstream.url, "model": "gpt-4o", "credential": "env:FIRST_KEY"},
               second.url, credential="env:OTHER_KEY"),
        environment={"FIRST_KEY": "sk-first", "OTHER_KEY": "sk-other"})
    body = json.dumps({"temperature": 0.70, "model": "chat", "x": 12345678901234567890123,
                       "messages": [{"role": "user", "content": "hi"}]}).encode()
    assert gateway.post(body).status_code == 200
    first, other = upstream.requests[0], second.requests[0]
    assert first.body == body.replace(b'"chat"', b'"gpt-4o"')
    assert other.body == body, "fail-over begins again with what the caller wrote"
    assert first.field("authorization") == "Bearer sk-first"
    assert other.field("authorization") == "Bearer sk-other"


def test_azure_has_the_deployment_in_its_path_and_the_key_in_a_field_of_its_own(make_gateway,
                                                                                upstream):
    gateway = make_gateway(
        config(upstream.url.removesuffix("/v1"), credential="env:AZURE_KEY",
               azure={"deployment": "gpt-4o", "api_version": "2024-10-21"}),
        environment={"AZURE_KEY": "azure-secret"})
    assert gateway.post(chat_body("hi")).status_code == 200
    seen = upstream.requests[0]
    assert seen.target == ("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21")
    assert seen.field("api-key") == "azure-secret"
    assert seen.field("authorization") is None


def test_a_token_in_a_file_is_read_again_when_it_changes(make_gateway, upstream, tmp_path):
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("first-token\n")
    # Without the watch of the configuration, which would read it too.
    azure = {"deployment": "gpt-4o", "api_version": "2024-10-21", "auth": "token"}
    gateway = make_gateway({**config(upstream.url.removesuffix("/v1"), credential=f"file:{token}",
                                     azure=azure), "watch": False})

    def sent():
        assert gateway.post(chat_body("hi")).status_code == 200
        return upstream.requests[-1].field("authorization")

    assert sent() == "Bearer first-token"
    # As Kubernetes swaps them: another file under the same name.
    fresh = tmp_path / "fresh"
    fresh.touch(0o600)
    fresh.write_text("second-token\n")
    fresh.rename(token)
    wait_for("the new token is sent", lambda: sent() == "Bearer second-token")
    token.write_text("not a token")
    assert sent() == "Bearer second-token"
    assert not any(b"-token" in data for data in gateway.written().values())


def test_health_checks_take_an_upstream_out_and_in_again(make_gateway, upstream, another):
    second = another()
    gateway = make_gateway(config(upstream.url, second.url,
                                  health={"path": "/healthz", "every": "1s"}))

    def state():
        return metric(gateway, "davy_upstream_state", upstream=authority(upstream))

    assert gateway.post(chat_body("hi")).status_code == 200
    assert (len(upstream.requests), len(second.requests)) == (1, 0)
    upstream.health = 500
    wait_for("it is taken out", lambda: state() == 2)
    assert gateway.post(chat_body("hi")).status_code == 200
    assert (len(upstream.requests), len(second.requests)) == (1, 1)
    assert "GET /healthz gave status 500" in gateway.process.said()
    upstream.health = 200
    wait_for("it is taken in", lambda: state() == 0)
    assert gateway.post(chat_body("hi")).status_code == 200
    assert len(upstream.requests) == 2


def test_an_upstream_on_a_unix_socket(make_gateway, tmp_path):
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            requests.append(Recorded(self, self.rfile.read(int(self.headers["Content-Length"]))))
            Upstream.answer(self)

        def address_string(self):
            return "unix"

        def log_message(self, *_):
            pass

    class Server(ThreadingMixIn, UnixStreamServer):
        daemon_threads = True

    path = tmp_path / "model.sock"
    server = Server(str(path), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gateway = make_gateway(config(f"unix:{path}:/v1"))
    for _ in range(2):
        assert gateway.post(chat_body("hi")).status_code == 200
    assert requests[0].target == "/v1/chat/completions"
    assert requests[0].field("host") == "localhost"
    assert metric(gateway, "davy_upstream_state", upstream=f"unix:{path}") == 0
    server.shutdown()
    server.server_close()


class Proxy:
    """A forward proxy that sends whatever it is asked for to one server."""

    def __init__(self, port):
        self.heads = []
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.authority = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.forward, args=(connection,), daemon=True).start()

    def forward(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        self.heads.append(head.partition(b"\r\n\r\n")[0].decode())
        server = socket.create_connection(("127.0.0.1", self.port))
        if head.startswith(b"CONNECT "):
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            # What an origin server reads is not absolute.
            server.sendall(re.sub(rb"^POST http://[^/]+/", b"POST /", head))
        ends = {client: server, server: client}
        while True:
            for ready in select.select(list(ends), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    server.close()
                    return client.close()
                ends[ready].sendall(data)


def post_twice(gateway):
    """Over one connection, so that one loop and its pool serve both."""
    with httpx.Client(trust_env=False) as client:
        for _ in range(2):
            answer = client.post(gateway.url + "/chat/completions", json=chat_body("hi"),
                                 headers={"Authorization": f"Bearer {gateway.key}"})
            assert answer.status_code == 200


def test_a_proxy_of_the_environment_stands_before_an_upstream(make_gateway, upstream):
    proxy = Proxy(upstream.port)
    login = base64.b64encode(b"me:secret word").decode()
    gateway = make_gateway(
        config("http://model.example/v1"),
        environment={"HTTP_PROXY": f"http://me:secret%20word@{proxy.authority}"})
    post_twice(gateway)
    lines = proxy.heads[0].split("\r\n")
    assert lines[0] == "POST http://model.example/v1/chat/completions HTTP/1.1"
    assert "Host: model.example" in lines
    assert f"Proxy-Authorization: Basic {login}" in lines
    assert len(proxy.heads) == 1, "the connection was kept"
    assert not any(b"secret" in data or login.encode() in data
                   for data in gateway.written().values())


def test_a_proxy_is_asked_for_a_way_to_a_tls_upstream(make_gateway, another, tmp_path):
    """With a private authority, and a name that is not the URL's."""
    authority = Authority(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("model", names="DNS:inner.example"))
    model = another(context=context)
    proxy = Proxy(model.port)
    tls = {"ca": str(authority.file), "server_name": "inner.example"}
    gateway = make_gateway(config("https://model.example/v1", tls=tls),
                           environment={"HTTPS_PROXY": f"http://me:secret@{proxy.authority}"})
    post_twice(gateway)
    assert model.requests[0].field("host") == "model.example"
    assert model.requests[0].field("proxy-authorization") is None
    lines = proxy.heads[0].split("\r\n")
    assert lines[0] == "CONNECT model.example:443 HTTP/1.1"
    assert "Proxy-Authorization: Basic " + base64.b64encode(b"me:secret").decode() in lines
    assert len(proxy.heads) == 1, "the connection was kept"

    # Another name, and another authority, are not believed: nothing is sent.
    for wrong in [{"ca": str(authority.file)}, {"server_name": "inner.example"}]:
        doubtful = make_gateway(config("https://model.example/v1", tls=wrong),
                                environment={"HTTPS_PROXY": proxy.authority})
        answer = doubtful.post(chat_body("hi"))
        assert answer.status_code == 502
        assert "certificate" in doubtful.event(answer.json()["request_id"])["error"]
    assert len(model.requests) == 2


def test_an_upstream_may_want_a_certificate_of_ours(make_gateway, another, tmp_path):
    authority = Authority(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("model"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    model = another(context=context)
    certificate, key = authority.issue("gateway")
    tls = {"ca": str(authority.file), "certificate": str(certificate), "key": str(key)}
    assert make_gateway(config(model.url, tls=tls)).post(chat_body("hi")).status_code == 200
    bare = make_gateway(config(model.url, tls={"ca": str(authority.file)}))
    assert bare.post(chat_body("hi")).status_code == 502


def test_an_upstream_that_is_not_verified_is_told_at_the_start(make_gateway, another, tmp_path):
    authority = Authority(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("model", names="DNS:somebody.else"))
    gateway = make_gateway(config(another(context=context).url, tls={"verify": False}))
    assert gateway.post(chat_body("hi")).status_code == 200
    assert "tls.verify: whoever is on the way" in gateway.process.said()


def test_tls_files_that_cannot_be_used_are_explained_by_check(tmp_path):
    file = tmp_path / "davylamp.yaml"
    out = config("https://127.0.0.1:1/v1", tls={"ca": "missing.pem"})
    file.write_text(json.dumps(out))
    said = run("check", "-c", file, check=2)
    assert "tls of model chat" in said.stdout + said.stderr
    assert "missing.pem" in said.stdout + said.stderr


def test_no_proxy_and_loopback_go_directly(make_gateway, upstream):
    gateway = make_gateway(config(upstream.url),
                           environment={"HTTP_PROXY": f"http://127.0.0.1:{free_port()}"})
    assert gateway.post(chat_body("hi")).status_code == 200
    proxy = Proxy(upstream.port)
    direct = make_gateway(config("http://model.invalid/v1"),
                          environment={"http_proxy": proxy.authority, "NO_PROXY": ".invalid"})
    assert direct.post(chat_body("hi")).status_code == 502
    assert not proxy.heads


def test_a_proxy_that_we_cannot_speak_to_is_no_start(make_gateway, upstream):
    gateway = make_gateway(config(upstream.url), start=False)
    gateway.environment = {"HTTPS_PROXY": "socks5://me:hunter2@127.0.0.1:1080"}
    process = Process(gateway.folder, "refused", "serve", "-c", gateway.config_file,
                      environment=gateway.environment)
    assert process.popen.wait(PATIENCE) == 2
    assert "HTTPS_PROXY" in process.said() and "hunter2" not in process.said()
