"""Servers that are measured: started, asked, stopped, and what the kernel says of them."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PATH = "/v1/chat/completions"

ANSWER = json.dumps({
    "id": "chatcmpl-bench", "object": "chat.completion", "created": 1764000000, "model": "chat",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "The invoice was sent on Monday. " * 25}}],
    "usage": {"prompt_tokens": 210, "completion_tokens": 175, "total_tokens": 385},
})
QUESTION = json.dumps({
    "model": "chat", "temperature": 0.7, "messages": [
        {"role": "system", "content": "You answer questions about invoices, briefly and kindly."},
        {"role": "user", "content": "My invoice shows an amount that I do not know. " * 18}],
})


class Failed(SystemExit):
    """The benchmark cannot go on: what and where, for whoever ran it."""

    def __init__(self, what):
        super().__init__(f"bench/gateway: {what}")


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server with all its processes: they share a session of their own.

    `fields` go with each request, beside the key; `exact` says that its answer is the
    upstream's, byte for byte."""

    def __init__(self, name, folder, port, command, cores, *, key=None, fields=None, tls=False,
                 exact=True, patience=20, environment=None):
        self.name, self.port, self.key, self.tls = name, port, key, tls
        self.fields, self.exact = fields or {}, exact
        self.log = open(folder / "output", "wb")
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            start_new_session=True, env={**os.environ, **(environment or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        deadline = time.monotonic() + patience
        while not self.accepts():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = (folder / "output").read_text(errors="replace")
                raise Failed(f"{name} does not start:\n{said[-3000:]}")
            time.sleep(0.05)

    def accepts(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{PATH}"

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.pids():  # workers that outlive the process that started them
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.log.close()

    def pids(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(after_name[3]) == self.process.pid:  # session
                        found.append(int(entry.name))
        return found

    def cpu_seconds(self):
        """User and system time of all its processes."""
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory(self):
        """Bytes in RAM of all its processes; pages that they share count once."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def headers(self, key=True):
        given = {"Content-Type": "application/json", **self.fields}
        if key and self.key:
            given["Authorization"] = f"Bearer {self.key}"
        return given

    def ask(self, body, key=True):
        """One request: status and body."""
        if self.tls:
            anybody = ssl.create_default_context()
            anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20,
                                                     context=anybody)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", PATH, body, self.headers(key))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def check(self):
        """A fast refusal or a wrong answer must not look like speed."""
        status, body = self.ask(QUESTION)
        same = body == ANSWER if self.exact else (
            status == 200 and json.loads(body)["choices"][0]["message"]["content"]
            == json.loads(ANSWER)["choices"][0]["message"]["content"])
        if status != 200 or not same:
            raise Failed(f"{self.name} answers {status}: {body[:300]}")


def expect(server, what, status, wanted):
    if status != wanted:
        raise Failed(f"{server.name}, {what}: {status}, not {wanted}")
