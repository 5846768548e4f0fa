"""davy processes for the tests: started on free ports, stopped at the end, everything that
they write kept in files so that a test can read it."""

import contextlib
import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import time

import httpx

BINARY = os.environ.get("DAVY_BINARY", "build/dev/davy")
PATIENCE = 30  # seconds that anything may take before a test gives up
PHRASES = ["ignore previous instructions", "print your system prompt"]
CREDENTIAL_VARIABLE = "DAVY_TEST_CREDENTIAL"


def free_port():
    """Below the range from which the kernel takes the ports of outgoing connections."""
    while True:
        port = random.randrange(15000, 32000)
        with contextlib.closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, condition):
    """The first true value of `condition`, or a failure that says what did not come."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.01)


def run(*arguments, check=0, **options):
    """Runs one davy command to its end; `check` is the exit status that it must have."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE * 2, **options)
    if check is not None:
        assert done.returncode == check, (arguments, done.returncode, done.stdout, done.stderr)
    return done


class Process:
    """One davy that runs in the background."""

    def __init__(self, folder, name, *arguments, environment=None, descriptors=None):
        self.folder = pathlib.Path(folder)
        self.files = [self.folder / f"{name}.out", self.folder / f"{name}.err"]
        with open(self.files[0], "ab") as out, open(self.files[1], "ab") as err:
            self.popen = subprocess.Popen([BINARY, *map(str, arguments)], stdout=out, stderr=err,
                                          env={**os.environ, **(environment or {})},
                                          preexec_fn=descriptors and (lambda: resource.setrlimit(
                                              resource.RLIMIT_NOFILE, (descriptors, descriptors))))

    @property
    def pid(self):
        return self.popen.pid

    def said(self):
        return "".join(file.read_text(errors="replace") for file in self.files)

    def await_url(self, url):
        def answers():
            assert self.popen.poll() is None, f"ended with {self.popen.returncode}: {self.said()}"
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(url, timeout=2, trust_env=False).status_code == 200
            return False
        wait_for(f"{url} answers 200", answers)

    def stop(self):
        """Ends it as an operator would; returns the exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(PATIENCE)

    def kill(self):
        self.popen.kill()
        self.popen.wait(PATIENCE)


class Practice:
    """davy practice."""

    def __init__(self, folder, pause=5):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process(folder, "practice", "practice", "--listen",
                               f"127.0.0.1:{self.port}", "--pause", pause)
        self.process.await_url(self.url + "/calls")

    def calls(self):
        return httpx.get(self.url + "/calls", trust_env=False).json()["chat"]


def configuration(upstream, *, mode="enforce", credential="none", phrases=PHRASES, **more):
    """A configuration as in the documentation, as an object. Ports come from Gateway."""
    return {
        "home": "home",
        "models": [
            {"name": "chat", "dialect": "openai", "upstream": upstream, "credential": credential},
            {"name": "secret-lab", "dialect": "openai", "upstream": upstream},
        ],
        "experiments": [
            {"name": "support-bot", "owner": "team-a", "purpose": "answer billing questions",
             "models": ["chat"], "stage": "sandbox"},
            {"name": "ended", "owner": "team-a", "purpose": "last year's", "models": ["chat"],
             "stage": "sandbox", "expires": "2020-01-31"},
            {"name": "live", "owner": "team-b", "purpose": "answer customers",
             "models": ["chat"], "stage": "sandbox", "denial_detail": "minimal"},
        ],
        "guardrails": {"sanitize": {"phrases": list(phrases)}},
        "rules": {"guardrails.sanitize.phrase": mode},
        **more,
    }


class Gateway:
    """davy serve with a folder of its own; `key` belongs to the experiment support-bot.
    `tls` is what stands there in the configuration; clients then `verify` with a context.
    `descriptors`: the most that it may have open."""

    def __init__(self, folder, config, environment=None, start=True, tls=None, verify=True,
                 descriptors=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.admin_port = free_port(), free_port()
        address = f"127.0.0.1:{self.port}"
        self.config = {"listen": {"address": address, "tls": tls} if tls else address,
                       "admin": f"127.0.0.1:{self.admin_port}", **config}
        self.config_file = self.folder / "davylamp.yaml"
        self.config_file.write_text(json.dumps(self.config, indent=2))
        self.home = self.folder / "home"
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/v1"
        self.verify = verify
        self.admin = f"http://127.0.0.1:{self.admin_port}"
        self.environment = environment
        self.descriptors = descriptors
        self.process = None
        if start:
            self.start()
            self.key = self.new_key()["key"]

    def start(self):
        self.process = Process(self.folder, "serve", "serve", "-c", self.config_file,
                               environment=self.environment, descriptors=self.descriptors)
        self.process.await_url(self.admin + "/readyz")

    def new_key(self, experiment="support-bot", *options):
        made = run("key", "create", "-c", self.config_file, "--experiment", experiment, *options,
                   "-o", "json")
        return json.loads(made.stdout)

    def revoke(self, key_id):
        run("key", "revoke", "-c", self.config_file, key_id)

    def why(self, request_id, *options, check=0):
        return run("why", "-c", self.config_file, request_id, *options, check=check).stdout

    def events(self, **fields):
        """Rows of the event file whose fields have these values, oldest first. A last line
        that is not whole yet is left for later."""
        file = self.home / "events.jsonl"
        if not file.exists():
            return []
        rows = [json.loads(line) for line in file.read_text().split("\n")[:-1] if line]
        return [row for row in rows if all(row.get(k) == v for k, v in fields.items())]

    def event(self, request_id, sourcetype="model_api_logs"):
        return wait_for(f"the event of {request_id}",
                        lambda: self.events(request_id=request_id, sourcetype=sourcetype))[-1]

    def post(self, body, key=None, path="/chat/completions", **headers):
        """A request without any SDK; `body` is an object, or bytes to be sent as they are."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = {"Content-Type": "application/json", **{k.replace("_", "-"): v
                                                         for k, v in headers.items()}}
        if key is None:
            key = self.key
        if key:
            fields["Authorization"] = f"Bearer {key}"
        return httpx.post(self.url + path, content=body, headers=fields, timeout=PATIENCE,
                          verify=self.verify, trust_env=False)

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def written(self):
        """Everything that davy serve has written anywhere: path → bytes. Not the file that
        the test itself wrote."""
        files = [file for file in self.folder.rglob("*")
                 if file.is_file() and file != self.config_file]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the process has no VmRSS")


def chat_body(text, **more):
    return {"model": "chat", "messages": [{"role": "user", "content": text}], **more}


def read_all(connection):
    """What the other side sends until it closes. A reset counts as the end."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            data += part
    return data
