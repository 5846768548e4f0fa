"""What happens between two exchanges on kept connections, of the client and of the upstream."""

import json
import os
import pathlib
import signal
import socket
import struct
import threading
import time

import pytest
from running import PATIENCE, configuration, wait_for
from upstream import completion


class RawUpstream:
    """Answers each request with `answers(text of the request)` pieces; knows its sockets."""

    def __init__(self, answers):
        self.answers = answers
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/v1"
        self.connections, self.requests = [], []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.requests.append(0)
            threading.Thread(target=self.serve, args=(connection, len(self.requests) - 1),
                             daemon=True).start()

    def serve(self, connection, number):
        data = b""
        while True:
            head, end, rest = data.partition(b"\r\n\r\n")
            length = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:")]
            if end and len(rest) >= length[0]:
                data = rest[length[0]:]
                self.requests[number] += 1
                for piece in self.answers(json.loads(rest[:length[0]])["messages"][0]["content"]):
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    time.sleep(0.003)
                continue
            try:
                part = connection.recv(65536)
            except OSError:
                return
            if not part:
                return
            data += part

    def close(self):
        self.server.close()
        for connection in self.connections:
            connection.close()


def head(body):
    return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(body))


def answer(text):
    body = json.dumps(completion(text)).encode()
    return head(body) + body


@pytest.fixture
def raw_upstream():
    made = []

    def make(answers):
        made.append(RawUpstream(answers))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


class Client:
    """One connection on which requests are sent and answers read."""

    def __init__(self, gateway, slow=False):
        self.key = gateway.key
        self.socket = socket.socket()
        if slow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", gateway.port))
        self.data = b""

    def request(self, text):
        body = json.dumps({"model": "chat",
                           "messages": [{"role": "user", "content": text}]}).encode()
        return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}"
                f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                ).encode() + body

    def ask(self, text):
        self.socket.sendall(self.request(text))
        return self.read()

    def read(self):
        """Status and body; None at the end."""
        while b"\r\n\r\n" not in self.data:
            part = self.socket.recv(65536)
            if not part:
                assert self.data == b"", "an answer ends in its head"
                return None
            self.data += part
        lines, _, rest = self.data.partition(b"\r\n\r\n")
        size = [int(line.split(b":")[1]) for line in lines.split(b"\r\n")
                if line.lower().startswith(b"content-length")][0]
        while len(rest) < size:
            part = self.socket.recv(65536)
            assert part, f"an answer of {size} bytes ends after {len(rest)}"
            rest += part
        self.data = rest[size:]
        return int(lines.split()[1]), rest[:size]


@pytest.mark.parametrize("size", [100, 3900, 5000, 15000, 40000, 300000])
def test_an_upstream_connection_is_kept_whatever_the_size_of_its_answer(make_gateway,
                                                                       raw_upstream, size):
    body = json.dumps(completion("x" * size)).encode()
    upstream = raw_upstream(lambda _: [head(body), body])  # in two pieces, as many servers do
    client = Client(make_gateway(configuration(upstream.url)))
    for _ in range(10):
        assert client.ask("hello") == (200, body)
    assert upstream.requests == [10]


def many_answers(raw_upstream):
    return raw_upstream(lambda text: [answer(text + ": " + "x" * 3000)])


def read_numbered(client, count):
    for number in range(count):
        status, body = client.read()
        assert status == 200
        assert f"r{number}: ".encode() in body


@pytest.mark.parametrize("count", [24, 27, 29, 31, 34])
def test_a_slow_reader_gets_all_answers_though_it_ended_its_side(make_gateway, raw_upstream,
                                                                count):
    gateway = make_gateway(configuration(many_answers(raw_upstream).url))
    client = Client(gateway, slow=True)
    client.socket.sendall(b"".join(client.request(f"r{i}") for i in range(count)))
    client.socket.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    read_numbered(client, count)
    assert client.read() is None


@pytest.mark.parametrize("count", [27, 29, 31])
def test_a_slow_reader_gets_all_answers_though_the_gateway_is_told_to_stop(
        make_gateway, raw_upstream, count):
    gateway = make_gateway(configuration(many_answers(raw_upstream).url))
    client = Client(gateway, slow=True)
    client.socket.sendall(b"".join(client.request(f"r{i}") for i in range(count)))
    # Until each answer is with the kernel, waits in davy, or cannot go on.
    time.sleep(1)
    before = len(gateway.events(sourcetype="model_api_logs"))
    gateway.process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    read_numbered(client, before)


def stands_still(pid):
    """Whether each of its threads is stopped."""
    return all(task.read_text().rpartition(")")[2].split()[0] == "T"
               for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"))


@pytest.mark.parametrize("what", ["ends", "speaks"])
def test_an_upstream_that_moves_before_it_has_the_request_does_not_answer_it(
        make_gateway, raw_upstream, what):
    upstream = raw_upstream(lambda text: [answer("for " + text)])
    gateway = make_gateway(configuration(upstream.url))
    for turn in range(6):
        assert Client(gateway).ask("first")[0] == 200  # leaves an idle connection
        client = Client(gateway)
        time.sleep(0.05)
        idle = list(upstream.connections)
        os.kill(gateway.process.pid, signal.SIGSTOP)
        wait_for("davy stands still", lambda: stands_still(gateway.process.pid))
        try:
            # davy learns of both at once, of the request first.
            client.socket.sendall(client.request(f"turn {turn}"))
            time.sleep(0.05)
            for connection in idle:
                try:
                    if what == "ends":
                        connection.shutdown(socket.SHUT_WR)
                    else:
                        connection.sendall(answer("UNASKED"))
                except OSError:
                    pass  # ended already
            time.sleep(0.05)
        finally:
            os.kill(gateway.process.pid, signal.SIGCONT)
        status, body = client.read()
        assert status == 200
        assert f"for turn {turn}".encode() in body
    assert sum(upstream.requests) == 12  # none was sent twice


def test_a_client_that_is_gone_was_not_answered(make_gateway, raw_upstream):
    sent = threading.Event()

    def answers(text):
        if text == "slow":
            sent.wait(PATIENCE)
            time.sleep(0.1)
        return [answer(text)]

    gateway = make_gateway(configuration(raw_upstream(answers).url))
    assert Client(gateway).ask("first")[0] == 200
    client = Client(gateway)
    client.socket.sendall(client.request("slow"))
    time.sleep(0.1)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()  # a reset
    sent.set()
    rows = wait_for("the second event", lambda: [
        rows for rows in [gateway.events(sourcetype="model_api_logs")] if len(rows) == 2])[0]
    assert "client left" in rows[-1]["error"]
