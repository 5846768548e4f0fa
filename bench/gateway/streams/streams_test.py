"""davy_bench_streams counts what it must: all pieces where nothing is between its ends, and
those that are missing where something is. Run with the program as argument."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
import unittest

PROGRAM = sys.argv.pop()
STREAMS, PIECES = 20, 10


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(port):
    done = subprocess.run([PROGRAM, "client", str(port), str(STREAMS), str(PIECES), "2", "60"],
                          capture_output=True, text=True, timeout=90)
    return done.returncode, json.loads(done.stdout), done.stderr


class OneByOne:
    """Between the two: passes what the upstream sends in single bytes, as far as `most`."""

    def __init__(self, upstream, most=None):
        self.upstream, self.most = upstream, most
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=STREAMS)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        passed = 0
        with client, socket.create_connection(("127.0.0.1", self.upstream)) as upstream, \
                contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            upstream.sendall(client.recv(65536))
            while data := upstream.recv(65536):
                for byte in data:
                    if passed == self.most:
                        return
                    client.send(bytes([byte]))
                    passed += 1


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.upstream = subprocess.Popen([PROGRAM, "upstream", str(cls.port), str(PIECES), "10000"])
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", cls.port)).close()
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @classmethod
    def tearDownClass(cls):
        cls.upstream.kill()
        cls.upstream.wait()

    def assert_whole(self, port):
        status, found, said = read(port)
        self.assertEqual((status, found["pieces"], found["lost"], found["broken"]),
                         (0, STREAMS * PIECES, 0, 0), said)
        self.assertEqual(found["measured"], STREAMS * (PIECES - 2))
        self.assertGreater(found["p50_us"], 0)
        self.assertGreaterEqual(found["max_us"], found["p99_us"])

    def test_every_piece_is_counted(self):
        self.assert_whole(self.port)

    def test_however_the_bytes_are_split(self):
        self.assert_whole(OneByOne(self.port).port)

    def test_a_stream_that_is_cut_is_a_loss(self):
        status, found, said = read(OneByOne(self.port, most=1000).port)
        self.assertEqual((status, found["broken"]), (1, STREAMS), said)
        self.assertGreater(found["lost"], 0)
        self.assertEqual(found["pieces"] + found["lost"], STREAMS * PIECES)
        self.assertIn("was cut", said)

    def test_a_server_that_is_not_there_loses_all(self):
        status, found, _ = read(free_port())
        self.assertEqual((status, found["lost"], found["broken"]), (1, STREAMS * PIECES, STREAMS))


if __name__ == "__main__":
    unittest.main()
