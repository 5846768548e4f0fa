"""An installed davy that serves: with practice behind it, a key, and systemd's socket."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess

import httpx
from running import PATIENCE, chat_body, free_port, wait_for


class Service:
    """`command` runs davy as the service would, `config` is its configuration as the test
    sees it, `config_inside` as davy does."""

    def __init__(self, command, config, config_inside=None, notify=None, **options):
        self.command, self.options = command, options
        self.config = config_inside or config
        self.port, self.admin, self.upstream = free_port(), free_port(), free_port()
        text = config.read_text()
        for old, new in ((8080, self.port), (8081, self.admin), (9001, self.upstream)):
            assert f"127.0.0.1:{old}" in text, f"the sample configuration does not name port {old}"
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        config.write_text(text)
        self.processes = []
        self.start("practice", "--listen", f"127.0.0.1:{self.upstream}")
        self.key = json.loads(self.run("key", "create", "-c", self.config, "--experiment", "first",
                                       "-o", "json"))["key"]
        environment = {"NOTIFY_SOCKET": str(notify)} if notify else {}
        self.server = self.start("serve", "-c", self.config, env={**os.environ, **environment})
        self.await_ready()

    def start(self, *arguments, **options):
        process = subprocess.Popen([*map(str, self.command), *map(str, arguments)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   **{**self.options, **options})
        self.processes.append(process)
        return process

    def run(self, *arguments, check=0):
        done = subprocess.run([*map(str, self.command), *map(str, arguments)], text=True,
                              capture_output=True, timeout=PATIENCE, **self.options)
        assert done.returncode == check, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def await_ready(self):
        def ready():
            if self.server.poll() is not None:
                raise AssertionError(f"ended with {self.server.returncode}: "
                                     + self.server.stdout.read())
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{self.admin}/readyz",
                                 trust_env=False).status_code == 200
        wait_for("davy serve is ready", ready)

    def ask(self, text, key=None):
        return httpx.post(f"http://127.0.0.1:{self.port}/v1/chat/completions",
                          json=chat_body(text), timeout=PATIENCE, trust_env=False,
                          headers={"Authorization": f"Bearer {key or self.key}"})

    def works(self):
        """A request through it, one refused, and what `davy why` and `davy health` say."""
        answered = self.ask("What is two and two?")
        assert answered.status_code == 200, answered.text
        assert answered.json()["choices"]
        refused = self.ask("Hello", key="davy_wrong")
        assert refused.status_code == 401, refused.text
        request = re.search(r"req_[0-9a-z]+", refused.text).group()
        assert "access.keys" in self.run("why", "-c", self.config, request)
        assert self.run("health", "-c", self.config) == "ready\n"

    def stop(self):
        """Ends it as systemd would; the exit status."""
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(PATIENCE)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)
            process.stdout.close()


class NotifySocket:
    """What systemd would hear."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(PATIENCE)
        os.chmod(path, 0o777)

    def next(self):
        return self.socket.recv(4096).decode()
