"""Slow clients and many of them."""

import resource
import time

import pytest

from running import chat_body, wait_for

IDLE = 2000
BYTES_EACH = 16 * 1024  # what an idle connection may cost: buffer, socket object, coroutine


def test_a_head_that_dribbles_is_cut(gateway):
    """Slow loris: a byte now and then keeps no connection for ever."""
    with gateway.connect() as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n")
        connection.setblocking(False)
        deadline = time.monotonic() + 60  # the gateway's own limit is 10 s

        def dribble_until_cut():
            try:
                connection.sendall(b"X")
                return connection.recv(4096) in (b"",) or None
            except BlockingIOError:
                return None
            except (BrokenPipeError, ConnectionResetError):
                return True
        while not dribble_until_cut():
            assert time.monotonic() < deadline, "a slow head holds its connection"
            time.sleep(0.2)
    assert gateway.post(chat_body("hi")).status_code == 200


def test_dribbling_clients_do_not_keep_others_out(gateway):
    slow = [gateway.connect() for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A: ")
        for _ in range(10):
            assert gateway.post(chat_body("hi")).status_code == 200
    finally:
        for connection in slow:
            connection.close()


def test_idle_connections_cost_little_and_keep_nobody_out(gateway):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this needs {wanted} descriptors, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    assert gateway.post(chat_body("hi")).status_code == 200  # what is made once is made
    before = gateway.resident_bytes()
    idle = []
    try:
        for _ in range(IDLE):
            idle.append(gateway.connect())
        # All are accepted when the last one is served.
        for connection in idle[-3:]:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 4")
        assert gateway.post(chat_body("hi")).status_code == 200
        grown = gateway.resident_bytes() - before
        assert grown < IDLE * BYTES_EACH, f"{grown / IDLE:.0f} bytes a connection"
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_for("the connections are let go", lambda: open_sockets(gateway) < 100)


def open_sockets(gateway):
    import os
    folder = f"/proc/{gateway.process.pid}/fd"
    return len(os.listdir(folder))


def test_a_client_that_leaves_inside_its_body_is_recorded(gateway):
    with gateway.connect() as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                           b"User-Agent: leaves-early\r\nContent-Type: application/json\r\n"
                           b"Authorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{"
                           % gateway.key.encode())
    event = wait_for("the event", lambda: gateway.events(user_agent="leaves-early"))[0]
    assert event["key_id"] == gateway.key.split("_")[1]
    assert event["experiment"] == "support-bot"
