"""Where clients come in: who they are behind proxies, other kinds of listeners, limits and
the time that each part of a request may take."""

import ipaddress
import json
import re
import signal
import socket
import struct
import threading
import time

import httpx
import pytest

from certificates import Authority
from running import PATIENCE, chat_body, configuration, read_all, run, wait_for

BODY = json.dumps(chat_body("hi")).encode()
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(client, command=0x21, tlvs=b""):
    """What a load balancer sends first, PROXY protocol version 2."""
    address = ipaddress.ip_address(client)
    other = ipaddress.ip_address("10.0.0.1" if address.version == 4 else "fd00::1")
    rest = address.packed + other.packed + struct.pack("!HH", 50000, 443) + tlvs
    return SIGNATURE + bytes([command, 0x11 if address.version == 4 else 0x21]) \
        + struct.pack("!H", len(rest)) + rest


def request(key, *fields, body=BODY, method=b"POST", path=b"/v1/chat/completions",
            length=True, close=True):
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: x", b"Content-Type: application/json",
             b"Authorization: Bearer " + key.encode()]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    if close:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, *fields, b"", body])


def answered(data):
    """Status, fields and body of one whole answer."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines}
    return int(first.split()[1]), fields, body


def talk(gateway, *pieces):
    with gateway.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
        return answered(read_all(connection))


def client_of(gateway, answer):
    return gateway.event(answer[1]["davy-request-id"])["client_ip"]


@pytest.fixture(scope="module")
def behind_proxies(tmp_path_factory, practice):
    """Loopback is trusted, so the tests are the proxy."""
    from running import Gateway
    server = Gateway(tmp_path_factory.mktemp("gateway"), configuration(
        practice.url + "/v1", access={"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8"]}))
    yield server
    assert server.process.stop() == 0, server.process.said()


@pytest.fixture
def behind_balancer(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1", access={
        "trusted_proxies": ["127.0.0.0/8"]}), start=False)
    gateway.config["listen"] = [{"address": f"127.0.0.1:{gateway.port}", "proxy_protocol": True}]
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.start()
    gateway.key = gateway.new_key()["key"]
    return gateway


@pytest.mark.parametrize("lines,client", [
    ([b"203.0.113.9"], "203.0.113.9"),
    ([b"1.1.1.1, 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
    ([b"1.1.1.1", b"203.0.113.9"], "203.0.113.9"),
    ([b"2001:DB8::1"], "2001:db8::1"),
    ([b"<script>"], "127.0.0.1"),
    ([b"1.1.1.1, x' OR 1=1, 10.1.2.3"], "10.1.2.3"),
    ([], "127.0.0.1"),
])
def test_the_client_is_whom_trusted_proxies_saw(behind_proxies, lines, client):
    answer = talk(behind_proxies, request(
        behind_proxies.key, *[b"X-Forwarded-For: " + line for line in lines],
        b"Forwarded: for=198.51.100.66"))  # which these proxies do not write: the client did
    assert answer[0] == 200
    assert client_of(behind_proxies, answer) == client


def test_nobody_is_believed_without_trust(gateway):
    """A caller cannot choose the address that it is counted and blocked under."""
    answer = talk(gateway, request(gateway.key, b"X-Forwarded-For: 203.0.113.9",
                                   b"Forwarded: for=203.0.113.9"))
    assert client_of(gateway, answer) == "127.0.0.1"
    # Bytes that look like a header of a load balancer are no request.
    assert talk(gateway, proxy_header("203.0.113.9"), request(gateway.key))[0] == 400


def test_forwarded_is_read_where_the_proxies_write_it(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1", access={
        "trusted_proxies": ["127.0.0.1"], "client_address": "forwarded"}))
    answer = talk(gateway, request(
        gateway.key, b"X-Forwarded-For: 198.51.100.66",
        b'Forwarded: for="[2001:db8:cafe::17]:4711";proto=https'))
    assert client_of(gateway, answer) == "2001:db8:cafe::17"


def test_a_reload_changes_whom_we_trust(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    forwarded = request(gateway.key, b"X-Forwarded-For: 203.0.113.9")
    assert client_of(gateway, talk(gateway, forwarded)) == "127.0.0.1"
    gateway.config["access"] = {"trusted_proxies": ["127.0.0.1"]}
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.process.popen.send_signal(signal.SIGHUP)
    wait_for("the new trust",
             lambda: client_of(gateway, talk(gateway, forwarded)) == "203.0.113.9")


@pytest.mark.parametrize("client", ["203.0.113.9", "2001:db8::9"])
def test_proxy_protocol_tells_the_client(behind_balancer, client):
    head = proxy_header(client, tlvs=b"\x01\0\x02h2")
    answer = talk(behind_balancer, head + request(behind_balancer.key))
    assert answer[0] == 200
    assert client_of(behind_balancer, answer) == client
    # In any pieces.
    with behind_balancer.connect() as connection:
        for byte in head:
            connection.sendall(bytes([byte]))
        connection.sendall(request(behind_balancer.key))
        answer = answered(read_all(connection))
    assert client_of(behind_balancer, answer) == client


def test_proxy_protocol_of_a_health_check_keeps_the_balancers_address(behind_balancer):
    answer = talk(behind_balancer, SIGNATURE + b"\x20\0\0\0", request(behind_balancer.key))
    assert client_of(behind_balancer, answer) == "127.0.0.1"


@pytest.mark.parametrize("begin,part", [
    (b"PROXY TCP4 203.0.113.9 10.0.0.1 50000 443\r\n", "version 1"),
    (b"", "PROXY protocol header of version 2"),
    (SIGNATURE + b"\x21\x12\0\x0c" + b"x" * 12, "stream"),
    (SIGNATURE + b"\x21\x11\xff\xff", "4096"),
])
def test_what_is_no_proxy_header_is_refused_with_the_reason(behind_balancer, begin, part):
    status, fields, body = talk(behind_balancer, begin + request(behind_balancer.key))
    assert status == 400
    assert part in json.loads(body)["detail"]
    assert behind_balancer.event(fields["davy-request-id"])["decision"] == "deny"


def test_only_trusted_balancers_may_use_a_proxy_protocol_listener(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1", access={
        "trusted_proxies": ["10.0.0.0/8"]}), start=False)
    gateway.config["listen"] = [{"address": f"127.0.0.1:{gateway.port}", "proxy_protocol": True}]
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.start()
    gateway.key = gateway.new_key()["key"]
    status, fields, body = talk(gateway, proxy_header("203.0.113.9") + request(gateway.key))
    assert status == 403
    assert "trusted_proxies" in json.loads(body)["detail"]
    assert gateway.event(fields["davy-request-id"])["client_ip"] == "127.0.0.1"


def test_the_proxy_protocol_comes_before_tls(make_gateway, practice, tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    gateway = make_gateway(configuration(
        practice.url + "/v1", access={"trusted_proxies": ["127.0.0.1"]},
        limits={"header_timeout": "500ms"}), start=False)
    gateway.config["listen"] = [{"address": f"127.0.0.1:{gateway.port}", "proxy_protocol": True,
                                 "tls": {"certificate": str(certificate), "key": str(key)}}]
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.start()
    gateway.key = gateway.new_key()["key"]
    for sent, status in ((request(gateway.key), 200), (b"POST /v1", 408)):
        with gateway.connect() as plain:
            plain.sendall(proxy_header("203.0.113.9"))
            with authority.trusting().wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(sent)
                answer = answered(read_all(secure))
        assert answer[0] == status
        assert client_of(gateway, answer) == "203.0.113.9"


def unix_client(path):
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=PATIENCE)


def test_a_unix_socket_serves(make_gateway, practice, tmp_path):
    gateway = make_gateway(configuration(practice.url + "/v1"), start=False)
    path = tmp_path / "davy.sock"
    gateway.config["listen"] = [f"unix:{path}", f"127.0.0.1:{gateway.port}"]
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.start()
    gateway.key = gateway.new_key()["key"]
    assert path.stat().st_mode & 0o777 == 0o660
    headers = {"Authorization": f"Bearer {gateway.key}"}
    with unix_client(path) as client:
        for _ in range(3):
            answer = client.post("http://x/v1/chat/completions", json=chat_body("hi"),
                                 headers=headers)
            assert answer.status_code == 200
    assert gateway.event(answer.headers["davy-request-id"])["client_ip"] == "unix"
    # kill -9 leaves the path; the next start takes it away, a stop too.
    gateway.process.kill()
    assert path.exists()
    gateway.start()
    with unix_client(path) as client:
        assert client.post("http://x/v1/chat/completions", json=chat_body("hi"),
                           headers=headers).status_code == 200
    assert gateway.process.stop() == 0
    assert not path.exists()


def test_a_unix_socket_in_use_is_refused(make_gateway, practice, tmp_path):
    from test_lifecycle import serve_and_fail
    path = tmp_path / "davy.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        gateway = make_gateway(configuration(practice.url + "/v1"), start=False)
        gateway.config["listen"] = f"unix:{path}"
        gateway.config_file.write_text(json.dumps(gateway.config))
        said = serve_and_fail(gateway.config_file)
        assert str(path) in said and "another program listens there" in said
        assert path.exists()


def test_ipv6_is_served_beside_ipv4(make_gateway, practice):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("there is no IPv6 here")
    gateway = make_gateway(configuration(practice.url + "/v1"), start=False)
    gateway.config["listen"] = [f"[::1]:{gateway.port}", f"127.0.0.1:{gateway.port}"]
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.start()
    gateway.key = gateway.new_key()["key"]
    for host, client in (("[::1]", "::1"), ("127.0.0.1", "127.0.0.1")):
        answer = httpx.post(f"http://{host}:{gateway.port}/v1/chat/completions", trust_env=False,
                            json=chat_body("hi"), headers={"Authorization": f"Bearer {gateway.key}"})
        assert answer.status_code == 200
        assert gateway.event(answer.headers["davy-request-id"])["client_ip"] == client


EXPECT = b"Expect: 100-continue"


def test_expect_gets_its_100_and_then_the_answer(gateway):
    with gateway.connect() as connection:
        connection.sendall(request(gateway.key, EXPECT, body=b"", length=False)[:-2]
                           + b"Content-Length: %d\r\n\r\n" % len(BODY))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert answered(read_all(connection))[0] == 200


@pytest.mark.parametrize("status,change", [
    (401, dict(key="davy_nobody")),
    (404, dict(path=b"/v1/nothing")),
    (405, dict(method=b"PUT")),
    (413, dict(size=1 << 30)),
    (415, dict(field=b"Content-Encoding: gzip")),
    (400, dict(field=b"Content-Type: application/json")),  # the second one
    (417, dict(expect=b"Expect: 200-ok")),
])
def test_expect_is_answered_at_once_when_the_head_is_refused(gateway, practice, status, change):
    """No byte of the body is asked for, and what follows on the connection is not guessed at."""
    before = practice.calls()
    fields = [change.get("expect", EXPECT)]
    if "field" in change:
        fields.append(change["field"])
    head = request(change.get("key", gateway.key), *fields, body=b"", length=False, close=False,
                   path=change.get("path", b"/v1/chat/completions"),
                   method=change.get("method", b"POST"))
    head = head[:-2] + b"Content-Length: %d\r\n\r\n" % change.get("size", len(BODY))
    got, answer_fields, _ = talk(gateway, head)  # ends only because the gateway closes
    assert got == status
    assert answer_fields["connection"] == "close"
    assert practice.calls() == before


def test_trailers_are_dropped(recording, upstream):
    chunked = b"%x\r\n%s\r\n0\r\nX-Trailer: secret-17\r\nAuthorization: Bearer evil\r\n\r\n" % (
        len(BODY), BODY)
    answer = talk(recording, request(recording.key, b"Transfer-Encoding: chunked",
                                     b"Trailer: X-Trailer", body=chunked, length=False))
    assert answer[0] == 200
    seen = upstream.requests[-1]
    assert seen.body == BODY
    assert seen.field("trailer") is None and seen.field("x-trailer") is None
    assert "evil" not in str(seen.fields)
    # One that breaks the rules of fields is refused, and so is one without end.
    for trailer in (b"X: \x01\r\n\r\n", b"X: " + b"y" * 9000 + b"\r\n\r\n"):
        body = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY) + trailer
        got = talk(recording, request(recording.key, b"Transfer-Encoding: chunked", body=body,
                                      length=False))
        assert got[0] == 400, got
        assert "trailer" in got[2].decode() or "control character" in got[2].decode()


def test_a_body_over_the_limit_names_the_setting(make_gateway, upstream):
    gateway = make_gateway(configuration(upstream.url, limits={"request_body": "2KiB"}))
    large = json.dumps(chat_body("x" * 3000)).encode()
    answer = gateway.post(large)
    assert answer.status_code == 413
    assert "limits.request_body" in answer.json()["detail"] and "2 KiB" in answer.json()["detail"]
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    status, _, body = talk(gateway, request(gateway.key, b"Transfer-Encoding: chunked",
                                            body=chunked, length=False))
    assert status == 413 and b"limits.request_body" in body
    assert gateway.post(chat_body("x" * 1500)).status_code == 200
    assert len(upstream.requests) == 1


def test_each_part_of_a_request_has_its_time_and_the_answer_names_the_setting(make_gateway,
                                                                               upstream):
    gateway = make_gateway(configuration(upstream.url, limits={
        "header_timeout": "300ms", "body_timeout": "300ms", "idle_timeout": "300ms"}))
    # A head that drips, and a body that does not come, at once or in chunks.
    chunked = request(gateway.key, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n",
                      length=False)
    for begin, setting in ((b"POST /v1/chat", "limits.header_timeout"),
                           (request(gateway.key)[:-10], "limits.body_timeout"),
                           (chunked, "limits.body_timeout")):
        # The connection ends only because the gateway closes it.
        status, fields, body = talk(gateway, begin)
        assert status == 408
        assert setting in json.loads(body)["detail"]
        assert fields["connection"] == "close"
        assert gateway.event(fields["davy-request-id"])["status"] == 408
    # A connection without a request.
    with gateway.connect() as connection:
        assert read_all(connection) == b""
    assert upstream.requests == []


def test_the_whole_has_its_time(make_gateway, upstream):
    """Pieces that come in time do not make an exchange without end."""
    gateway = make_gateway(configuration(upstream.url, limits={"total_timeout": "1s"}))

    def drip(handler):
        upstream.begin_stream(handler)
        try:
            for _ in range(20 * PATIENCE):
                upstream.send(handler, b": still here\n\n")
                time.sleep(0.05)
        finally:
            ended.set()
    ended = threading.Event()
    upstream.behave = drip
    answer = gateway.post(chat_body("hi", stream=True))
    assert "limits.total_timeout" in answer.text
    assert ended.wait(PATIENCE)  # long before the upstream would have
    release = threading.Event()
    upstream.behave = lambda handler: release.wait(PATIENCE)
    answer = gateway.post(chat_body("hi"))
    release.set()
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "total_timeout"


def test_slow_loris_cannot_take_all_connections(make_gateway, practice):
    """One client has its share of connections, and another is served all the same."""
    gateway = make_gateway(configuration(practice.url + "/v1", limits={
        "connections": 40, "connections_per_client": 20}))
    held = []
    for _ in range(20):
        held.append(gateway.connect())
        held[-1].sendall(b"POST /v1")
    # All are taken, or one that comes now would have the place of one of them.
    wait_for("all of them", lambda: connections(gateway) == 20)
    assert answer_or_none(gateway) == 503
    with socket.socket() as other:
        other.bind(("127.0.0.3", 0))
        other.connect(("127.0.0.1", gateway.port))
        other.sendall(request(gateway.key))
        assert answered(read_all(other))[0] == 200
    assert turned_away(gateway, "too_many_connections_of_client") >= 1
    assert turned_away(gateway, "too_many_connections") == 0
    for connection in held:
        connection.close()
    wait_for("room again", lambda: answer_or_none(gateway) == 200)


def metric(gateway, pattern):
    page = httpx.get(gateway.admin + "/metrics", trust_env=False).text
    return float(re.search("^" + pattern + r" (\S+)$", page, re.MULTILINE).group(1))


def connections(gateway):
    return metric(gateway, "davy_connections_active")


def turned_away(gateway, reason):
    return metric(gateway, rf'davy_connections_turned_away_total\{{reason="{reason}"\}}')


def answer_or_none(gateway):
    data = b""
    with gateway.connect() as connection:
        try:
            connection.sendall(request(gateway.key))
            data = read_all(connection)
        except OSError:
            return None
    return answered(data)[0] if data else None


def test_more_connections_than_there_may_be_are_told_so(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1", limits={
        "connections": 5, "connections_per_client": 100}))
    held = [gateway.connect() for _ in range(5)]
    for connection in held:
        connection.sendall(b"POST /v1")
    wait_for("all of them", lambda: connections(gateway) == 5)
    assert answer_or_none(gateway) == 503
    with gateway.connect() as connection:
        connection.sendall(request(gateway.key))
        status, fields, body = answered(read_all(connection))
    assert status == 503 and b"limits.connections" in body and fields["retry-after"]
    assert json.loads(body)["error"]["code"] == "too_many_connections"
    assert gateway.process.said().count("turned away") >= 1
    assert turned_away(gateway, "too_many_connections") >= 2
    assert connections(gateway) == 5
    held.pop().close()
    wait_for("room again", lambda: answer_or_none(gateway) == 200)
    for connection in held:
        connection.close()


def test_descriptors_bound_the_connections_where_nothing_is_said(make_gateway, upstream):
    """Accepting never fails for want of descriptors, and those that were served still are."""
    gateway = make_gateway(configuration(upstream.url), descriptors=200)
    first = gateway.connect()
    keep = request(gateway.key, close=False)

    def served(connection):
        connection.sendall(keep)
        return b" 200 " in connection.recv(65536)
    assert served(first)
    held = [gateway.connect() for _ in range(250)]
    wait_for("the refusals", lambda: turned_away(gateway, "too_many_connections") > 150)
    assert served(first)
    assert "cannot accept" not in gateway.process.said()
    for connection in [first, *held]:
        connection.close()
    wait_for("room again", lambda: answer_or_none(gateway) == 200)


def test_a_reload_changes_the_limits(make_gateway, upstream):
    gateway = make_gateway(configuration(upstream.url, limits={"request_body": "2KiB"}))
    large = json.dumps(chat_body("x" * 3000)).encode()
    assert gateway.post(large).status_code == 413
    with gateway.connect() as connection:  # it is kept over the reload
        connection.sendall(request(gateway.key, close=False))
        assert b" 200 " in connection.recv(65536)
        gateway.config["limits"] = {"request_body": "8KiB"}
        gateway.config_file.write_text(json.dumps(gateway.config))
        gateway.process.popen.send_signal(signal.SIGHUP)
        wait_for("the new limit", lambda: gateway.post(large).status_code == 200)
        connection.sendall(request(gateway.key, body=large))
        assert answered(read_all(connection))[0] == 200


@pytest.mark.parametrize("limits,part", [
    ({"request_body": "1"}, "a size from 1 KiB to 1 GiB"),
    ({"header_timeout": "0s"}, "limits.header_timeout"),
    ({"answer_body": "1MiB"}, "max_answer_bytes"),
    ({"connection": 5}, "connections"),
])
def test_a_limit_that_cannot_be_is_told_with_its_place(make_gateway, upstream, limits, part):
    gateway = make_gateway(configuration(upstream.url, limits=limits), start=False)
    done = run("check", "-c", gateway.config_file, check=None)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and part in said and "davylamp.yaml:" in said


def test_connections_at_rest_end_at_once_when_it_stops(make_gateway, upstream):
    """Neither they nor a head that drips hold the stop; the exchange under way gets its answer
    and is told that there will be none after it."""
    gateway = make_gateway(configuration(upstream.url))
    release = threading.Event()

    def slow(handler):
        assert release.wait(PATIENCE)
        upstream.answer(handler)
    keep = request(gateway.key, close=False)
    resting = [gateway.connect() for _ in range(5)]
    for connection in resting:
        connection.sendall(keep)
        assert b" 200 " in connection.recv(65536)
    dripping = gateway.connect()
    dripping.sendall(b"POST /v1/chat")
    upstream.behave = slow
    busy = gateway.connect()
    busy.sendall(keep)
    wait_for("the call", lambda: len(upstream.requests) == 6)
    gateway.process.popen.send_signal(signal.SIGTERM)
    for connection in resting:
        assert read_all(connection) == b""
        connection.close()
    assert gateway.process.popen.poll() is None
    release.set()
    status, fields, _ = answered(read_all(busy))
    assert status == 200 and fields["connection"] == "close"
    assert gateway.process.popen.wait(PATIENCE) == 0
    assert "did not finish" not in gateway.process.said()
    busy.close()
    dripping.close()


@pytest.mark.parametrize("path,allowed", [("/v1/chat/completions", "POST"), ("/v1/models", "GET")])
def test_a_wrong_method_is_405_and_says_which_is_right(gateway, path, allowed):
    for method in ("GET", "POST", "PUT", "DELETE"):
        if method == allowed:
            continue
        answer = httpx.request(method, f"http://127.0.0.1:{gateway.port}{path}", trust_env=False,
                               headers={"Authorization": f"Bearer {gateway.key}"})
        assert answer.status_code == 405
        assert allowed in answer.headers["allow"]
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_framing_that_is_not_spoken_is_the_callers_mistake(gateway):
    for text, status in ((b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", 501),
                         (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505)):
        got, _, body = talk(gateway, text)
        assert got == status
        assert json.loads(body)["error"]["type"] == "invalid_request_error"
