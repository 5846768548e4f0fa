"""One davy takes another's place, or stops: no request pays for it."""

import collections
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import httpx
import pytest

from load import Load
from running import BINARY, PATIENCE, Process, chat_body, configuration, free_port, run, wait_for
from test_lifecycle import refuses
from upstream import Upstream, chunk


def start_taker(gateway, name="taker", config_file=None):
    return Process(gateway.folder, name, "serve", "-c", config_file or gateway.config_file,
                   "--take-over", environment=gateway.environment)


def take_over(gateway, name="taker"):
    """A new process in the old one's place; gives the old one, which ends by itself."""
    old, new = gateway.process, start_taker(gateway, name)
    wait_for("the new one serves",
             lambda: new.popen.poll() is not None or " ready " in new.said())
    assert new.popen.poll() is None, new.said()
    gateway.process = new
    return old


def ends_well(process):
    assert process.popen.wait(PATIENCE) == 0, process.said()
    return True


def holds_the_home(gateway):
    return int((gateway.home / "lock").read_text())


class Stream:
    """A stream that the upstream holds open; what came of it."""

    def __init__(self, gateway, upstream, key=None):
        self.go = threading.Event()
        self.begun = threading.Event()

        def behave(handler):
            Upstream.begin_stream(handler)
            Upstream.send(handler, chunk("first "))
            with contextlib.suppress(OSError):
                while not self.go.wait(0.05):
                    Upstream.send(handler, chunk("more "))
                Upstream.send(handler, chunk("last"))
                Upstream.end_stream(handler)

        upstream.behave = behave
        self.text, self.id, self.error = b"", None, None
        self.gateway, self.key = gateway, key or gateway.key
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        assert self.begun.wait(PATIENCE)
        upstream.behave = Upstream.answer

    def read(self):
        try:
            with httpx.stream("POST", self.gateway.url + "/chat/completions", timeout=PATIENCE,
                              json=chat_body("hi", stream=True), trust_env=False,
                              headers={"Authorization": f"Bearer {self.key}"}) as answer:
                self.id = answer.headers["davy-request-id"]
                for part in answer.iter_bytes():
                    self.text += part
                    self.begun.set()
        except httpx.HTTPError as error:
            self.error = repr(error)

    def end(self):
        self.go.set()
        self.thread.join(PATIENCE)
        return self.text


class Impostor:
    """The new one's side of a hand-over, for what a real one does not do."""

    def __init__(self, gateway, protocol=1):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(gateway.home / "davy.sock"))
        order = {"verb": "server.take_over", "arguments": {"protocol": protocol}}
        self.socket.sendall(json.dumps(order).encode() + b"\n")
        self.descriptors, data = [], b""
        while not data.endswith(b"\n"):
            part, descriptors, _, _ = socket.recv_fds(self.socket, 4096, 64)
            assert part
            data += part
            self.descriptors += descriptors
        self.answer = json.loads(data)

    def close(self):
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.socket.close()


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "new"])
def test_a_take_over_under_load_fails_no_request(make_gateway, practice, keep):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    gone = []
    with Load(gateway, clients=6, keep=keep) as load:
        load.await_answers(50)
        for turn in range(4):
            old = take_over(gateway, f"taker{turn}")
            gone.append(old)
            load.await_answers(50)
            ends_well(old)
    assert load.failures == []
    assert len({process.pid for process in gone}) == 4
    assert gateway.process.stop() == 0
    count = collections.Counter(row["request_id"]
                                for row in gateway.events(sourcetype="model_api_logs"))
    assert None not in load.ids
    assert {request: count[request] for request in load.ids if count[request] != 1} == {}
    assert set(count) == set(load.ids)  # whatever reached a davy was answered


def test_a_stream_ends_whole_on_the_old_one_while_the_new_one_serves(recording, upstream):
    gateway = recording
    stream = Stream(gateway, upstream)
    old = take_over(gateway)
    for _ in range(20):
        assert gateway.post(chat_body("hi")).status_code == 200
    assert old.popen.poll() is None
    assert stream.error is None
    text = stream.end()
    assert stream.error is None and b"last" in text and b"[DONE]" in text
    ends_well(old)
    assert gateway.event(stream.id)["status"] == 200
    assert gateway.post(chat_body("hi")).status_code == 200


def test_orders_go_to_the_new_one_and_a_revocation_cuts_a_stream_of_the_old_one(recording,
                                                                                upstream):
    gateway = recording
    other = gateway.new_key()
    cut, kept = Stream(gateway, upstream, other["key"]), Stream(gateway, upstream)
    old = take_over(gateway)
    fresh = gateway.new_key()
    assert gateway.post(chat_body("hi"), key=fresh["key"]).status_code == 200
    gateway.revoke(other["id"])
    assert gateway.post(chat_body("hi"), key=other["key"]).status_code == 401
    cut.thread.join(PATIENCE)
    assert not cut.thread.is_alive() and b"last" not in cut.text
    assert old.popen.poll() is None and kept.thread.is_alive()
    assert b"last" in kept.end()
    cut.go.set()
    ends_well(old)
    assert holds_the_home(gateway) == gateway.process.pid


def test_one_process_answers_orders_during_a_hand_over(make_gateway, practice):
    """While the new one has not said that it serves, an order waits; then the old one, which
    goes on, carries it out."""
    gateway = make_gateway(configuration(practice.url + "/v1"))
    taker = Impostor(gateway)
    assert taker.answer == {"ok": {}} and len(taker.descriptors) >= 4
    order = subprocess.Popen([BINARY, "key", "create", "-c", str(gateway.config_file),
                              "--experiment", "support-bot", "-o", "json"], stdout=subprocess.PIPE)
    time.sleep(0.3)
    assert order.poll() is None
    assert gateway.post(chat_body("hi")).status_code == 200
    taker.close()
    made, _ = order.communicate(timeout=PATIENCE)
    assert order.returncode == 0
    assert gateway.post(chat_body("hi"), key=json.loads(made)["key"]).status_code == 200
    assert gateway.process.popen.poll() is None
    # And it hands over to the next one.
    ends_well(take_over(gateway))


def test_a_new_one_that_is_killed_before_it_serves_changes_nothing(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    with Load(gateway, clients=4, keep=False) as load:
        for turn in range(3):
            child = os.fork()
            if child == 0:
                taker = Impostor(gateway)  # holds all that it was given
                signal.pause()
                taker.close()
            wait_for("the hand-over",
                     lambda t=turn: gateway.process.said().count("asks to take over") > t)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            gateway.new_key()  # orders are carried out
            load.await_answers(20)
    assert load.failures == []
    assert gateway.process.popen.poll() is None
    assert holds_the_home(gateway) == gateway.process.pid


def test_a_new_one_that_is_killed_at_any_moment_changes_nothing(make_gateway, practice):
    """A real one, killed at moments spread over its start. Once it had taken over, the old one
    ends; so one of them serves at any time."""
    gateway = make_gateway(configuration(practice.url + "/v1"))
    taken = 0
    for turn in range(12):
        new = start_taker(gateway, f"taker{turn}")
        time.sleep(0.01 * turn)
        new.kill()
        # An order waits until it is clear who carries it out.
        gateway.new_key()
        if gateway.process.said().count("another davy has taken over") > taken:
            taken += 1
            ends_well(gateway.process)
            gateway.start()
        assert gateway.post(chat_body("hi")).status_code == 200
    assert taken < 12


def test_a_new_one_that_cannot_start_leaves_the_old_one_as_it_was(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    bad = gateway.folder / "bad.yaml"
    occupied = socket.create_server(("127.0.0.1", 0))
    port = occupied.getsockname()[1]
    good = json.dumps(gateway.config)
    cases = [("listen: [", "bad.yaml"),
             (json.dumps({**gateway.config, "rules": {"no.such.rule": "enforce"}}), "no.such.rule"),
             # This one is found out after the old one has handed over.
             (json.dumps({**gateway.config, "listen": [gateway.config["listen"],
                                                       f"127.0.0.1:{port}"]}), str(port))]
    with Load(gateway, clients=4) as load:
        for text, said in cases:
            bad.write_text(text)
            new = start_taker(gateway, "bad", bad)
            assert new.popen.wait(PATIENCE) == 2
            assert said in new.said()
            load.await_answers(20)
            gateway.new_key()
    assert load.failures == []
    assert gateway.process.popen.poll() is None
    assert holds_the_home(gateway) == gateway.process.pid
    assert (gateway.home / "davy.sock").exists()
    bad.write_text(good)
    occupied.close()
    ends_well(take_over(gateway))


def test_the_new_one_goes_on_when_the_old_one_is_killed(recording, upstream):
    gateway = recording
    stream = Stream(gateway, upstream)
    old = take_over(gateway)
    old.kill()
    stream.end()
    for _ in range(20):
        assert gateway.post(chat_body("hi")).status_code == 200
    gateway.new_key()
    assert holds_the_home(gateway) == gateway.process.pid


def test_a_third_one_starts_when_the_new_one_dies_while_the_old_one_drains(recording, upstream):
    gateway = recording
    stream = Stream(gateway, upstream)
    old = take_over(gateway)
    gateway.process.kill()
    gateway.start()
    assert gateway.post(chat_body("hi")).status_code == 200
    assert b"last" in stream.end()
    ends_well(old)
    gateway.new_key()
    assert gateway.event(stream.id)["status"] == 200


def test_take_overs_that_follow_at_once_are_done_one_after_the_other(recording, upstream):
    gateway = recording
    stream = Stream(gateway, upstream)
    first = gateway.process
    takers = [start_taker(gateway, f"taker{i}") for i in range(3)]
    wait_for("all three have served", lambda: all(" ready " in t.said() for t in takers))

    def running():
        left = [t for t in takers if t.popen.poll() is None]
        return left if len(left) == 1 else None
    gateway.process = wait_for("one is left", running)[0]
    assert first.popen.poll() is None
    assert gateway.post(chat_body("hi")).status_code == 200
    gateway.new_key()
    assert holds_the_home(gateway) == gateway.process.pid
    assert b"last" in stream.end()
    for process in [first, *takers]:
        if process is not gateway.process:
            ends_well(process)


def test_what_cannot_be_taken_over_is_said(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    other = Impostor(gateway, protocol=2)
    assert "protocol 1" in other.answer["error"]["message"] and not other.descriptors
    other.close()
    assert gateway.process.stop() == 0
    done = subprocess.run([BINARY, "serve", "-c", str(gateway.config_file), "--take-over"],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert "no davy serves" in done.stderr and "without --take-over" in done.stderr
    assert str(gateway.home) in done.stderr


def test_a_new_listener_is_opened_and_one_that_is_no_more_is_closed(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    before = gateway.port
    path = gateway.folder / "davy-api.sock"
    gateway.port = free_port()
    gateway.config["listen"] = [f"127.0.0.1:{gateway.port}", f"unix:{path}"]
    gateway.url = f"http://127.0.0.1:{gateway.port}/v1"
    gateway.config_file.write_text(json.dumps(gateway.config))
    ends_well(take_over(gateway))
    assert gateway.post(chat_body("hi")).status_code == 200
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", before))
    assert f"127.0.0.1:{before}" in gateway.process.said()
    # The Unix socket goes from one to the next, and its path with the last.
    inode = path.stat().st_ino
    ends_well(take_over(gateway, "again"))
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        answer = client.post("http://davy/v1/chat/completions", json=chat_body("hi"),
                             headers={"Authorization": f"Bearer {gateway.key}"})
    assert answer.status_code == 200
    assert path.stat().st_ino == inode and stat.S_ISSOCK(path.stat().st_mode)
    assert gateway.process.stop() == 0
    assert not path.exists() and not (gateway.home / "davy.sock").exists()


def readiness(gateway):
    answer = httpx.get(gateway.admin + "/readyz", trust_env=False)
    return answer.status_code, answer.text


def test_it_is_not_ready_while_it_stops(recording, upstream):
    gateway = recording
    stream = Stream(gateway, upstream)
    assert run("health", "-c", gateway.config_file).stdout == "ready\n"
    gateway.process.popen.terminate()
    wait_for("no new connection is taken", lambda: refuses(gateway))
    status, text = readiness(gateway)
    assert status == 503 and "stopping" in text
    asked = run("health", "-c", gateway.config_file, check=1)
    assert "stopping" in asked.stderr and asked.stderr.count("not ready") == 1
    assert httpx.get(gateway.admin + "/healthz", trust_env=False).status_code == 200
    assert "davy_build_info" in httpx.get(gateway.admin + "/metrics", trust_env=False).text
    assert b"last" in stream.end()
    ends_well(gateway.process)


def test_it_stays_ready_while_the_old_one_drains(recording, upstream):
    """Also for whoever kept a connection to the old one's admin listener, which is told to
    make a new one: to the new one."""
    gateway = recording
    stream = Stream(gateway, upstream)
    with httpx.Client(trust_env=False) as monitor:
        assert monitor.get(gateway.admin + "/readyz").status_code == 200
        old = take_over(gateway)
        wait_for("the old one knows", lambda: "another davy has taken over" in old.said())
        last = monitor.get(gateway.admin + "/readyz")
        assert (last.status_code, last.headers["connection"]) == (200, "close")
        answer = monitor.get(gateway.admin + "/readyz")
        assert answer.status_code == 200 and "connection" not in answer.headers
    stream.end()
    ends_well(old)


@pytest.mark.parametrize("setting,how", [({"drain_timeout": "100ms"}, "timeout"),
                                         ({"drain_timeout": "1h"}, "signal")])
def test_what_does_not_end_is_cut(make_gateway, upstream, setting, how):
    gateway = make_gateway(configuration(upstream.url, **setting))
    stream = Stream(gateway, upstream)
    gateway.process.popen.terminate()
    if how == "signal":
        wait_for("no new connection is taken", lambda: refuses(gateway))
        assert gateway.process.popen.poll() is None
        gateway.process.popen.terminate()
    ends_well(gateway.process)
    stream.thread.join(PATIENCE)
    assert not stream.thread.is_alive() and b"last" not in stream.text
    stream.go.set()
    assert gateway.events(request_id=stream.id), "it is recorded all the same"


def test_a_relieved_one_ends_when_told_to(make_gateway, upstream):
    gateway = make_gateway(configuration(upstream.url, drain_timeout="100ms"))
    stream = Stream(gateway, upstream)
    old = take_over(gateway)
    time.sleep(0.3)
    assert old.popen.poll() is None
    old.popen.terminate()
    ends_well(old)
    stream.go.set()
    stream.thread.join(PATIENCE)
    assert gateway.post(chat_body("hi")).status_code == 200
    gateway.new_key()


class ServiceManager:
    """What systemd does with a socket unit: it listens, and hands the socket to each start."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.listener = socket.create_server(("127.0.0.1", gateway.port), backlog=512)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(gateway.folder / "notify"))
        self.notify.settimeout(PATIENCE)

    def start(self, pid="$$", fds=1):
        shell = (f'export LISTEN_PID={pid} LISTEN_FDS={fds}; exec "$@"')
        gateway = self.gateway
        gateway.process = Process.__new__(Process)
        gateway.process.folder = gateway.folder
        gateway.process.files = [gateway.folder / "serve.out", gateway.folder / "serve.err"]
        with open(gateway.process.files[0], "ab") as out, open(gateway.process.files[1], "ab") as err:
            gateway.process.popen = subprocess.Popen(
                ["/bin/sh", "-c", shell, "sh", BINARY, "serve", "-c", str(gateway.config_file)],
                stdout=out, stderr=err, pass_fds=[3], preexec_fn=self.lay,
                env={**os.environ, "NOTIFY_SOCKET": str(gateway.folder / "notify")})

    def lay(self):
        os.dup2(self.listener.fileno(), 3)

    def heard(self):
        return self.notify.recv(4096).decode()

    def close(self):
        self.listener.close()
        self.notify.close()


@pytest.fixture
def service(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"), start=False)
    manager = ServiceManager(gateway)
    gateway.key = gateway.new_key()["key"]
    yield manager
    manager.close()


def test_sockets_of_a_service_manager_outlive_a_restart(service):
    """Who connects while no davy runs waits, and is answered."""
    gateway = service.gateway
    service.start()
    assert service.heard() == "READY=1\n"
    with Load(gateway, clients=4, keep=False) as load:
        for _ in range(3):
            load.await_answers(10)
            gateway.process.popen.terminate()
            assert service.heard() == "STOPPING=1\n"
            ends_well(gateway.process)
            time.sleep(0.1)
            service.start()
            assert service.heard() == "READY=1\n"
        load.await_answers(10)
    assert load.failures == []
    # The manager is told who serves after a take-over.
    old = take_over(gateway)
    assert service.heard() == f"MAINPID={gateway.process.pid}\n"
    ends_well(old)
    assert gateway.post(chat_body("hi")).status_code == 200


def test_sockets_for_another_process_are_left_alone(service):
    service.start(pid=1)
    # So it binds the address itself, which is taken.
    assert service.gateway.process.popen.wait(PATIENCE) == 2
    assert str(service.gateway.port) in service.gateway.process.said()


@pytest.mark.parametrize("fds", ["x", "-1", "99999", "2"])
def test_a_wrong_count_of_sockets_is_refused(service, fds):
    service.start(fds=fds)
    assert service.gateway.process.popen.wait(PATIENCE) == 2
    assert "LISTEN_FDS" in service.gateway.process.said() or \
        "handed over" in service.gateway.process.said()


def test_a_socket_that_no_listen_names_is_told(service):
    gateway = service.gateway
    port, gateway.port = gateway.port, free_port()
    gateway.config["listen"] = f"127.0.0.1:{gateway.port}"
    gateway.url = f"http://127.0.0.1:{gateway.port}/v1"
    gateway.config_file.write_text(json.dumps(gateway.config))
    service.start()
    assert service.heard() == "READY=1\n"
    assert f"127.0.0.1:{port}" in gateway.process.said()
    assert gateway.post(chat_body("hi")).status_code == 200
    with contextlib.suppress(OSError):
        service.listener.shutdown(socket.SHUT_RDWR)
