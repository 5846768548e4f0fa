"""Compares gateways in front of the same upstream, alternating in one run. See README.md."""

import argparse
import os
import pathlib
import resource
import tempfile

import peers
import proxies
import tables
from measure import Streams, Wrk, idle_memory
from servers import ANSWER, QUESTION, Failed

CONNECTIONS, MANY = 64, 1000
DIRECT, NGINX = "nginx alone", "nginx proxy_pass"
PARTS = ["load", "latency", "tls", "memory", "streams"]


def arguments():
    parser = argparse.ArgumentParser(prog="bench/gateway/run")
    parser.add_argument("--short", action="store_true", help="a smoke run of a minute or so")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--loops", type=int, default=max(1, len(os.sched_getaffinity(0)) // 2),
                        help="cores, and so loops, workers and threads, of each gateway")
    parser.add_argument("--idle", type=int, default=10_000, help="idle connections")
    parser.add_argument("--streams", type=int, default=2_000, help="at once")
    parser.add_argument("--pieces", type=int, default=50, help="of each stream")
    parser.add_argument("--every", type=int, default=200, help="milliseconds from piece to piece")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"--only: unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.short:
        options.rounds, options.seconds, options.idle = 1, 1, 500
        options.streams, options.pieces, options.every = 100, 10, 100
    return options


def split_cores(loops):
    """Cores of the gateways, and of clients and upstreams: apart where there are enough."""
    cores = sorted(os.sched_getaffinity(0))
    if loops < len(cores):
        return set(cores[:loops]), set(cores[loops:])
    return set(cores), set(cores)


class Bench:
    """The servers that run, and the parts of the comparison. Each part starts what it needs
    and stops it at its end, so that no part works beside the idle servers of another."""

    def __init__(self, options, binary, folder):
        self.options, self.binary, self.folder = options, binary, folder
        self.ours, self.others = split_cores(options.loops)
        self.wrk = Wrk(folder, self.others)
        self.running = []
        self.started = 0

    def start(self, make, *given, **named):
        """`make` gets a folder that no other server has."""
        self.started += 1
        server = make(self.folder / str(self.started), *given, **named)
        self.running.append(server)
        return server

    def stop(self):
        while self.running:
            self.running.pop().stop()

    def nginx(self, name, upstream=None, cores=None, **named):
        cores = cores or self.ours
        return self.start(lambda folder: proxies.nginx(
            name, folder, cores, max(1, len(cores)) if cores != self.ours else self.options.loops,
            upstream, **named))

    def davy(self, mode, upstream, name=None, tls=None):
        name = name or ("davy, rules off" if mode == "off" else "davy, phrases enforced")
        return self.start(lambda folder: proxies.Davy(name, self.binary, folder, self.ours,
                                                      upstream, mode, tls))

    def peers(self, upstream):
        """Those that run, and why the others do not."""
        found, reasons = [], {}
        for name in peers.PEERS:
            self.started += 1
            server, why = peers.start(name, self.folder / str(self.started), self.ours,
                                      self.options.loops, upstream)
            if server:
                self.running.append(server)
                found.append(server)
            else:
                reasons[name] = why
        return found, reasons

    def rounds(self, targets, measure, reasons, rounds=None):
        """Results by name. The order turns from round to round; a peer that fails is left out
        and said; anything else that fails ends the run."""
        results = {server.name: [] for server in targets}
        targets = list(targets)
        for number in range(rounds or self.options.rounds):
            turn = number % len(targets)
            for server in targets[turn:] + targets[:turn]:
                try:
                    results[server.name].append(measure(server))
                except Failed as why:
                    if server.name not in peers.PEERS:
                        raise
                    reasons[server.name] = peers.reason(why)
                    targets.remove(server)
                    del results[server.name]
        return results

    def plain(self):
        """The usual company: upstream alone, nginx, HAProxy, davy twice, the peers."""
        alone = self.nginx(DIRECT, cores=self.others)
        targets = [
            alone, self.nginx(NGINX, alone.port),
            self.start(proxies.haproxy, self.ours, self.options.loops, alone.port),
            self.davy("off", alone.port), self.davy("enforce", alone.port)]
        found, reasons = self.peers(alone.port)
        for server in targets:
            server.check()
        return targets + found, reasons

    def load(self):
        targets, reasons = self.plain()
        warm = self.rounds(targets, lambda server: self.wrk.load(
            server, self.options.seconds, CONNECTIONS), reasons, 1)
        targets = [server for server in targets if server.name in warm]
        results = self.rounds(targets, lambda server: self.wrk.load(
            server, self.options.seconds, CONNECTIONS), reasons)
        tables.rates(f"Load: {CONNECTIONS} keep-alive connections", results, NGINX, reasons)

    def latency(self):
        targets, reasons = self.plain()
        results = self.rounds(targets, lambda server: self.wrk.load(
            server, self.options.seconds, 1), reasons)
        tables.added("Added latency: one connection", results, DIRECT, reasons)

    def tls(self):
        pair = proxies.certificate(self.folder)
        alone = self.nginx(DIRECT, cores=self.others)
        targets = [self.nginx(NGINX, alone.port, tls=pair), self.davy("off", alone.port, tls=pair)]
        for server in targets:
            server.check()
        for what, close in [("keep-alive", False), ("a new connection for each request", True)]:
            results = self.rounds(targets, lambda server: self.wrk.load(
                server, self.options.seconds, CONNECTIONS, close), {})
            tables.rates(f"TLS to the client: {CONNECTIONS} connections, {what}", results, NGINX, {})

    def memory(self):
        """Idle connections and load each on servers that were just started: what an allocator
        keeps of the one would be counted to the other."""
        results, reasons = {}, {}

        def on_fresh_ones(measure):
            targets, missing = self.plain()
            reasons.update(missing)
            for server in targets[1:]:
                m = results.setdefault(server.name, dict.fromkeys(
                    ("fresh", "loaded", "before", "after")))
                try:
                    measure(server, m)
                except (Failed, OSError) as why:
                    if server.name not in peers.PEERS:
                        raise
                    reasons[server.name] = peers.reason(why)
            self.stop()

        def idle(server, m):
            m["fresh"] = server.memory()
            m["before"], m["after"] = idle_memory(server, self.options.idle)

        def loaded(server, m):
            m["loaded"] = self.wrk.memory_under_load(server, max(3, self.options.seconds), MANY)

        on_fresh_ones(idle)
        on_fresh_ones(loaded)
        tables.memory("Memory in MB", results, reasons, self.options.idle, MANY)

    def streams(self):
        o = self.options
        program = os.environ.get("DAVY_BENCH_STREAMS", "build/release/bench/gateway/streams/"
                                 "davy_bench_streams")
        if not os.access(program, os.X_OK):
            raise Failed(f"{program} is not there; script/bench gateway builds it")
        self.started += 1
        both = Streams(os.path.abspath(program), self.folder / str(self.started), self.others,
                       o.pieces, o.every)
        self.running.append(both.upstream)
        targets = [both.upstream, self.nginx(NGINX, both.upstream.port, streams=True),
                   self.davy("off", both.upstream.port), self.davy("enforce", both.upstream.port)]
        results = self.rounds(targets, lambda server: both.run(server, o.streams), {})
        tables.added(
            f"Streams: {o.streams} at once, {o.pieces} pieces each, one every {o.every} ms",
            results, both.upstream.name, {},
            [("pieces", lambda rounds: str(sum(one["pieces"] for one in rounds))),
             ("lost", lambda rounds: str(sum(one["lost"] for one in rounds))),
             ("cores", lambda rounds: f"{tables.median(rounds)['cores']:.2f}")])
        print("\nNo rule of the product reads answers yet, so no stream was held back by one.")


def describe(options, ours, others):
    print(f"1 KB chat POST ({len(QUESTION)} bytes), 1 KB answer ({len(ANSWER)} bytes), one wrk "
          f"thread, {options.rounds} rounds of {options.seconds} s, medians.")
    print(f"Each gateway has {options.loops} of {os.cpu_count()} cores and as many workers, threads "
          "or loops; clients and upstream " + ("have the others." if ours != others
                                               else "share them."))
    print("nginx, HAProxy and the peers log nothing; davy checks a key and writes an event for "
          f"each request, and where phrases are enforced it looks for {len(proxies.PHRASES)}.")
    print("Load average at the start: " + " ".join(f"{x:.1f}" for x in os.getloadavg()))


def main():
    options = arguments()
    binary = os.path.abspath(os.environ.get("DAVY_BINARY", "build/release/davy"))
    if not os.access(binary, os.X_OK):
        raise Failed(f"{binary} is not there; script/bench gateway builds it")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.idle > hard - 500:
        options.idle = hard - 500
        print(f"only {options.idle} idle connections: the hard limit of open files is {hard}")
    with tempfile.TemporaryDirectory(prefix="davy-bench-") as name:
        bench = Bench(options, binary, pathlib.Path(name))
        describe(options, bench.ours, bench.others)
        for part in options.only:
            try:
                getattr(bench, part)()
            finally:
                bench.stop()


if __name__ == "__main__":
    main()
