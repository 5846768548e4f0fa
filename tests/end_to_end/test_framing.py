"""Framing attacks through the real gateway: each is refused, and the upstream sees nothing.

Every attack is sent with a good key and a body that would otherwise be served, so that only
its framing can be the reason of the refusal."""

import pytest

from running import read_all

BODY = b'{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
SIZE = str(len(BODY)).encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
COMMON = b"Host: x\r\nContent-Type: application/json\r\nAuthorization: Bearer KEY\r\n"
LENGTH = b"Content-Length: " + SIZE + b"\r\n"
TE = b"Transfer-Encoding: "

ATTACKS = {
    "length and chunked": (LINE + COMMON + LENGTH + TE + b"chunked\r\n\r\n" + CHUNKED, 400),
    "chunked and length": (LINE + COMMON + TE + b"chunked\r\n" + LENGTH + b"\r\n" + CHUNKED, 400),
    "two lengths that differ": (LINE + COMMON + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, 400),
    "two lengths that agree": (LINE + COMMON + LENGTH + LENGTH + b"\r\n" + BODY, 400),
    "a list of lengths": (LINE + COMMON + b"Content-Length: " + SIZE + b", " + SIZE + b"\r\n\r\n"
                          + BODY, 400),
    "a length with a sign": (LINE + COMMON + b"Content-Length: +" + SIZE + b"\r\n\r\n" + BODY, 400),
    "a negative length": (LINE + COMMON + b"Content-Length: -1\r\n\r\n" + BODY, 400),
    "a length in hexadecimal": (LINE + COMMON + b"Content-Length: 0x3c\r\n\r\n" + BODY, 400),
    "a length beyond 64 bits": (LINE + COMMON + b"Content-Length: 18446744073709551676\r\n\r\n"
                                + BODY, 400),
    "xchunked": (LINE + COMMON + TE + b"xchunked\r\n\r\n" + CHUNKED, 501),
    "chunked, identity": (LINE + COMMON + TE + b"chunked, identity\r\n\r\n" + CHUNKED, 501),
    "gzip, chunked": (LINE + COMMON + TE + b"gzip, chunked\r\n\r\n" + CHUNKED, 501),
    "identity": (LINE + COMMON + TE + b"identity\r\n\r\n" + BODY, 501),
    "chunked twice": (LINE + COMMON + TE + b"chunked\r\n" + TE + b"chunked\r\n\r\n" + CHUNKED, 501),
    "chunked after a vertical tab": (LINE + COMMON + TE + b"\x0bchunked\r\n\r\n" + CHUNKED, 400),
    "chunked on a folded line": (LINE + COMMON + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKED,
                                 400),
    "chunked in HTTP/1.0": (LINE.replace(b"1.1", b"1.0") + COMMON + TE + b"chunked\r\n\r\n"
                            + CHUNKED, 400),
    "space before the colon": (LINE + COMMON + b"Content-Length : " + SIZE + b"\r\n\r\n" + BODY,
                               400),
    "a tab before the colon": (LINE + COMMON + b"Transfer-Encoding\t: chunked\r\n\r\n" + CHUNKED,
                               400),
    "a folded line": (LINE + COMMON + b"X-A: b\r\n c\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a field without a colon": (LINE + COMMON + b"X-A\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "NUL in a value": (LINE + COMMON + b"X-A: b\x00c\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a lone CR in a value": (LINE + COMMON + b"X-A: b\rTransfer-Encoding: chunked\r\n" + LENGTH
                             + b"\r\n" + BODY, 400),
    "bare LF as a line end": ((LINE + COMMON + LENGTH).replace(b"\r\n", b"\n") + b"\n" + BODY, 400),
    "bare LF before a field": (LINE + COMMON + b"X-A: b\nX-B: c\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "no Host": (LINE + COMMON.replace(b"Host: x\r\n", b"") + LENGTH + b"\r\n" + BODY, 400),
    "two Hosts": (LINE + b"Host: y\r\n" + COMMON + LENGTH + b"\r\n" + BODY, 400),
    "absolute form that differs from Host": (
        LINE.replace(b" /v1", b" http://evil.example/v1") + COMMON + LENGTH + b"\r\n" + BODY, 400),
    "a chunk size that overflows": (LINE + COMMON + TE + b"chunked\r\n\r\n"
                                    + b"fffffffffffffffff\r\n" + BODY, 400),
    "a chunk size with a sign": (LINE + COMMON + TE + b"chunked\r\n\r\n+3c\r\n" + BODY
                                 + b"\r\n0\r\n\r\n", 400),
    "a chunk size with a prefix": (LINE + COMMON + TE + b"chunked\r\n\r\n0x3c\r\n" + BODY
                                   + b"\r\n0\r\n\r\n", 400),
    "a chunk that ends with LF": (LINE + COMMON + TE + b"chunked\r\n\r\n"
                                  + CHUNKED.replace(b"\r\n", b"\n"), 400),
    "a chunk longer than its size": (LINE + COMMON + TE + b"chunked\r\n\r\n5\r\n" + BODY
                                     + b"\r\n0\r\n\r\n", 400),
    "a target with a fragment": (LINE.replace(b"completions ", b"completions#x ") + COMMON + LENGTH
                                 + b"\r\n" + BODY, 400),
    "a target with a space": (LINE.replace(b"completions ", b"completions x ") + COMMON + LENGTH
                              + b"\r\n" + BODY, 400),
    "HTTP/0.9": (b"POST /v1/chat/completions\r\n\r\n" + BODY, 400),
    "HTTP/2.0": (LINE.replace(b"1.1", b"2.0") + COMMON + LENGTH + b"\r\n" + BODY, 505),
    "HTTP/2 with prior knowledge": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a head that never ends": (LINE + COMMON + b"X-A: " + b"y" * 200_000, 431),
    "more fields than anyone needs": (LINE + COMMON + b"X-A: b\r\n" * 5000, 431),
    "a target longer than anyone needs": (LINE.replace(b"completions ", b"completions?"
                                                       + b"y" * 100_000 + b" ") + COMMON, 414),
    "a TLS greeting": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, 400),
    "CONNECT": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", None),
    "TRACE": (b"TRACE /models/chat/x HTTP/1.1\r\n" + COMMON + b"\r\n", 501),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_framing_is_refused(gateway, practice, name):
    attack, status = ATTACKS[name]
    before = practice.calls()
    with gateway.connect() as connection:
        try:
            connection.sendall(attack.replace(b"KEY", gateway.key.encode()))
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent
        if status is None:
            connection.shutdown(1)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    got = int(answer.split(b" ")[1])
    assert 400 <= got < 600, answer[:300]
    if status is not None:
        assert got == status, answer[:300]
        assert b"connection: close" in answer.lower()
    # The sentence in a body may name a version too: only lines count.
    assert (b"\n" + answer).count(b"\nHTTP/1.1 ") == 1, "a second request was read out of the first"
    assert practice.calls() == before


def test_each_attack_is_recorded(gateway):
    marks = len(gateway.events(sourcetype="model_api_logs", rules="gateway.request.malformed"))
    with gateway.connect() as connection:
        connection.sendall(ATTACKS["length and chunked"][0].replace(b"KEY", gateway.key.encode()))
        answer = read_all(connection)
    request_id = next(line.split(b": ")[1].decode() for line in answer.split(b"\r\n")
                      if line.lower().startswith(b"davy-request-id"))
    event = gateway.event(request_id)
    assert event["decision"] == "deny"
    assert event["status"] == 400
    assert len(gateway.events(sourcetype="model_api_logs", rules="gateway.request.malformed")) > marks
    assert gateway.key not in str(gateway.events(request_id=request_id))


def test_the_same_request_without_an_attack_is_served(gateway, practice):
    """What shows that the attacks are refused for their framing."""
    before = practice.calls()
    for body in (LENGTH + b"\r\n" + BODY, TE + b"chunked\r\n\r\n" + CHUNKED):
        with gateway.connect() as connection:
            connection.sendall(LINE + COMMON.replace(b"KEY", gateway.key.encode()) + body)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert practice.calls() == before + 2


def test_pipelined_requests_are_answered_in_order(gateway):
    bodies = [b'{"model":"chat","messages":[{"role":"user","content":"What is %d + 0?"}]}' % n
              for n in (1, 2, 3)]
    with gateway.connect() as connection:
        connection.sendall(b"".join(
            LINE + COMMON.replace(b"KEY", gateway.key.encode())
            + b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies))
        answer = b""
        while answer.count(b"total_tokens") < len(bodies):
            part = connection.recv(65536)
            assert part, answer
            answer += part
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert answer.index(b"1 + 0 = 1") < answer.index(b"2 + 0 = 2") < answer.index(b"3 + 0 = 3")


def test_a_request_byte_by_byte_is_served(gateway):
    request = LINE + COMMON.replace(b"KEY", gateway.key.encode()) + LENGTH + b"\r\n" + BODY
    with gateway.connect() as connection:
        for at in range(len(request)):
            connection.sendall(request[at:at + 1])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
