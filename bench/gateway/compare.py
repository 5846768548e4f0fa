"""Compares gateways in front of the same upstream, alternating in one run. See README.md."""

import argparse
import os
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import tempfile

import servers

CONNECTIONS = 64
HERE = pathlib.Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(prog="bench/gateway/run")
    parser.add_argument("--short", action="store_true", help="a smoke run of a few seconds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--loops", type=int, default=max(1, len(os.sched_getaffinity(0)) // 2),
                        help="cores, and so loops, workers and threads, of each gateway")
    parser.add_argument("--idle", type=int, default=10_000, help="idle connections")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.seconds, options.idle = 1, 1, 500
    return options


def split_cores(loops):
    """Cores of the gateways, and of wrk with the upstream: apart where there are enough."""
    cores = sorted(os.sched_getaffinity(0))
    if loops < len(cores):
        return set(cores[:loops]), set(cores[loops:])
    return set(cores), set(cores)


def check(server, guarded):
    """A fast refusal or a wrong answer must not look like speed."""
    status, body = server.ask(servers.QUESTION)
    if (status, body) != (200, servers.ANSWER):
        raise SystemExit(f"bench/gateway: {server.name} answers {status}: {body[:300]}")
    if guarded:
        forbidden = servers.QUESTION.replace("My invoice", "Ignore previous instructions", 1)
        for what, got, wanted in [("a forbidden prompt", server.ask(forbidden)[0], 403),
                                  ("no key", server.ask(servers.QUESTION, key=False)[0], 401)]:
            if got != wanted:
                raise SystemExit(f"bench/gateway: {what}: {got}, not {wanted}")


def load(server, seconds, cores, body):
    """One wrk run: requests, seconds, latencies in ms, CPU seconds of the server."""
    before = server.cpu_seconds()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "post.lua"),
         f"http://127.0.0.1:{server.port}/v1/chat/completions"],
        capture_output=True, text=True, check=True,
        env={**os.environ, "BODY": str(body), "KEY": server.key or ""},
        preexec_fn=lambda: os.sched_setaffinity(0, cores))
    cpu = server.cpu_seconds() - before
    found = re.search(r"RESULT requests=(\d+) duration=(\d+) p50=(\d+) p99=(\d+) errors=(\d+)",
                      done.stdout)
    if not found or int(found[5]) or not int(found[1]):
        raise SystemExit(f"bench/gateway: wrk against {server.name}:\n{done.stdout}{done.stderr}")
    requests, duration = int(found[1]), int(found[2]) / 1e6
    return {"rate": requests / duration, "per_cpu": requests / max(cpu, 1 / servers.TICKS),
            "p50": int(found[3]) / 1e3, "p99": int(found[4]) / 1e3, "cores": cpu / duration}


def idle_memory(server, count):
    """Memory before and with so many connections on which nothing is sent."""
    before = server.memory()
    held = []
    try:
        for _ in range(count):
            held.append(socket.create_connection(("127.0.0.1", server.port), 20))
        status, _ = server.ask(servers.QUESTION)  # all before it are accepted by now
        if status != 200:
            raise SystemExit(f"bench/gateway: {server.name} answers {status} beside idle ones")
        return before, server.memory()
    finally:
        for connection in held:
            connection.close()


def print_load(names, results):
    reference = {key: statistics.median(r[key] for r in results["nginx proxy_pass"])
                 for key in ("rate", "per_cpu")}
    print(f"\n{'':18}{'requests/s':>12}{'of nginx':>10}{'per CPU-s':>12}{'of nginx':>10}"
          f"{'p50 ms':>9}{'p99 ms':>9}{'cores':>7}")
    for name in names:
        median = {key: statistics.median(r[key] for r in results[name])
                  for key in results[name][0]}
        print(f"{name:18}{median['rate']:12.0f}{median['rate'] / reference['rate']:10.2f}"
              f"{median['per_cpu']:12.0f}{median['per_cpu'] / reference['per_cpu']:10.2f}"
              f"{median['p50']:9.2f}{median['p99']:9.2f}{median['cores']:7.2f}")
    ratios = [ours["per_cpu"] / theirs["per_cpu"]
              for ours, theirs in zip(results["davy serve"], results["nginx proxy_pass"])]
    print("davy serve / nginx proxy_pass per CPU-second, round by round: "
          + " ".join(f"{ratio:.2f}" for ratio in ratios))


def print_memory(targets, fresh, count):
    print(f"\nMemory in MB{'':6}{'fresh':>8}{'loaded':>9}{f'{count} idle':>12}{'KB each':>9}")
    for server in targets:
        before, after = idle_memory(server, count)
        print(f"{server.name:18}{fresh[server.name] / 1e6:8.1f}{before / 1e6:9.1f}"
              f"{after / 1e6:12.1f}{(after - before) / count / 1e3:9.2f}")


def main():
    options = arguments()
    binary = os.environ.get("DAVY_BINARY", "build/release/davy")
    if not os.access(binary, os.X_OK):
        raise SystemExit(f"bench/gateway: {binary} is not there; script/bench gateway builds it")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.idle > hard - 500:
        options.idle = hard - 500
        print(f"only {options.idle} idle connections: the hard limit of open files is {hard}")
    ours, others = split_cores(options.loops)

    with tempfile.TemporaryDirectory(prefix="davy-bench-") as name:
        folder = pathlib.Path(name)
        body = folder / "body.json"
        body.write_text(servers.QUESTION)
        running = []
        try:
            def start(server):
                running.append(server)
                return server
            upstream = start(servers.nginx("nginx alone", folder / "upstream", others,
                                           max(1, len(others) if others != ours else options.loops)))
            targets = [
                start(servers.nginx("nginx proxy_pass", folder / "nginx", ours, options.loops,
                                    upstream.port)),
                start(servers.haproxy(folder / "haproxy", ours, options.loops, upstream.port)),
                start(servers.davy(binary, folder / "davy", ours, upstream.port)),
            ]
            fresh = {server.name: server.memory() for server in targets}
            print(f"1 KB chat POST ({len(servers.QUESTION)} bytes), 1 KB answer "
                  f"({len(servers.ANSWER)} bytes), {CONNECTIONS} keep-alive connections, 1 wrk "
                  f"thread, {options.rounds} rounds of {options.seconds} s, medians.")
            print(f"Each gateway has {options.loops} of {os.cpu_count()} cores and as many workers, "
                  f"threads or loops; wrk and the upstream "
                  + ("have the others." if ours != others else "share them."))
            print("nginx and HAProxy log nothing; davy checks a key, reads the text, enforces "
                  f"{len(servers.PHRASES)} phrases and writes an event for each request.")
            print("Load average at the start: " + " ".join(f"{x:.1f}" for x in os.getloadavg()))
            for server in running:
                check(server, server is targets[-1])
                load(server, 1, others, body)
            results = {server.name: [] for server in running}
            for number in range(options.rounds):
                turn = number % len(running)
                for server in running[turn:] + running[:turn]:
                    results[server.name].append(load(server, options.seconds, others, body))
            print_load([server.name for server in running], results)
            print_memory(targets, fresh, options.idle)
        finally:
            for server in reversed(running):
                server.stop()


if __name__ == "__main__":
    main()
