"""One measurement each: load, memory, streams. Everything on loopback."""

import json
import os
import pathlib
import re
import socket
import subprocess
import time

from servers import QUESTION, TICKS, Failed, Server, free_port

HERE = pathlib.Path(__file__).resolve().parent
RESULT = re.compile(r"RESULT requests=(\d+) duration=(\d+) p50=(\d+) p99=(\d+) errors=(\d+)")


def result(server, out, said):
    """What wrk counted: requests, seconds, the match. An error or an empty run is no result."""
    found = RESULT.search(out)
    if not found:
        raise Failed(f"wrk against {server.name}: {out.strip()} {said.strip()}")
    if int(found[5]) or not int(found[1]):
        raise Failed(f"{found[1]} answers and {found[5]} errors in {int(found[2]) / 1e6:.1f} s "
                     f"of wrk against {server.name}")
    return int(found[1]), int(found[2]) / 1e6, found


class Wrk:
    """wrk with one thread on these cores."""

    def __init__(self, folder, cores):
        self.cores = cores
        self.body = folder / "body.json"
        self.body.write_text(QUESTION)

    def start(self, server, seconds, connections, close=False):
        fields = server.headers() | ({"Connection": "close"} if close else {})
        return subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s",
             "-s", str(HERE / "post.lua"), server.url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "BODY": str(self.body),
                 "FIELDS": "".join(f"{k}: {v}\n" for k, v in fields.items())},
            preexec_fn=lambda: os.sched_setaffinity(0, self.cores))

    def load(self, server, seconds, connections=64, close=False):
        """One run: rates, latencies in ms, cores used by the server."""
        before = server.cpu_seconds()
        out, said = self.start(server, seconds, connections, close).communicate()
        cpu = server.cpu_seconds() - before
        requests, duration, found = result(server, out, said)
        return {"rate": requests / duration, "per_cpu": requests / max(cpu, 1 / TICKS),
                "p50": int(found[3]) / 1e3, "p99": int(found[4]) / 1e3, "cores": cpu / duration}

    def memory_under_load(self, server, seconds, connections):
        """The most that it held while so many connections were busy."""
        running = self.start(server, seconds, connections)
        most = 0
        while running.poll() is None:
            most = max(most, server.memory())
            time.sleep(0.2)
        result(server, *running.communicate())
        return most


def idle_memory(server, count):
    """Memory without and with so many connections on which nothing is sent."""
    before = server.memory()
    held = []
    try:
        for _ in range(count):
            held.append(socket.create_connection(("127.0.0.1", server.port), 20))
        status, _ = server.ask(QUESTION)  # all before it are accepted by now
        if status != 200:
            raise Failed(f"{server.name} answers {status} beside {count} idle connections")
        return before, server.memory()
    finally:
        for connection in held:
            connection.close()


class Streams:
    """An upstream that streams, and a client that reads many streams at once."""

    SKIP = 5  # first pieces of each stream, while others are still being opened

    def __init__(self, program, folder, cores, pieces, every_ms):
        folder.mkdir()
        self.program, self.cores, self.pieces, self.every_ms = program, cores, pieces, every_ms
        port = free_port()
        self.upstream = Server("direct", folder, port,
                               [program, "upstream", str(port), str(pieces), str(every_ms * 1000)],
                               cores)

    def run(self, server, streams):
        """Delays in ms from the upstream's send to the client's receive; cores used."""
        seconds = self.pieces * self.every_ms / 1000
        before, began = server.cpu_seconds(), time.monotonic()
        done = subprocess.run(
            [self.program, "client", str(server.port), str(streams), str(self.pieces),
             str(self.SKIP), str(int(seconds * 2 + 20))],
            capture_output=True, text=True, env={**os.environ, "KEY": server.key or ""},
            preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
        cores = (server.cpu_seconds() - before) / (time.monotonic() - began)
        if not done.stdout:
            raise Failed(f"{streams} streams through {server.name}: {done.stderr}")
        found = json.loads(done.stdout)
        if found["broken"]:
            print(f"{server.name}: {found['broken']} streams broken: {done.stderr.strip()}")
        return {"p50": found["p50_us"] / 1e3, "p99": found["p99_us"] / 1e3,
                "pieces": found["pieces"], "lost": found["lost"], "cores": cores}
