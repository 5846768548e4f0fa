"""What reaches the upstream: the body's own bytes, and a head made anew."""

import json

import pytest

from running import CREDENTIAL_VARIABLE, chat_body, configuration

BODIES = [
    # 0.7 stays 0.7, a 23-digit integer keeps its digits, keys keep their order, unknown
    # fields stay, white space and escapes too.
    b'{"model":"chat","temperature":0.7,"seed":12345678901234567890123,'
    b'"messages":[{"role":"user","content":"hi"}]}',
    b'{ "z_unknown" : {"b":1,"a":[1.0,1e400,-0]},\n\t"messages":[ {"content":"h\\u0069",'
    b'"role":"user"} ] , "model":"chat" }\n',
    b'{"model":"chat","messages":[{"role":"user","content":"\\ud83d\\ude00 \xf0\x9f\x98\x80 '
    b'\xc3\xbc \\u00fc"}],"top_p":1.0,"user":"a\\/b"}',
    b'{"model":"chat","messages":[{"role":"user","content":"hi"}],"metadata":{"":null,"k":true}}',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_reaches_the_upstream_byte_for_byte(recording, upstream, body):
    assert recording.post(body).status_code == 200
    assert upstream.requests[-1].body == body


def test_a_chunked_body_reaches_the_upstream_byte_for_byte(recording, upstream):
    body = json.dumps(chat_body("word " * 5000)).encode()
    with recording.connect() as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n"
            % recording.key.encode())
        for at in range(0, len(body), 777):
            part = body[at:at + 777]
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert upstream.requests[-1].body == body
    assert upstream.requests[-1].field("content-length") == str(len(body))
    assert upstream.requests[-1].field("transfer-encoding") is None


def test_a_large_body_goes_through(recording, upstream):
    body = json.dumps(chat_body("word " * 400_000)).encode()
    assert recording.post(body).status_code == 200
    assert upstream.requests[-1].body == body


def test_the_upstreams_answer_comes_back_byte_for_byte(recording, upstream):
    from upstream import Upstream
    body = (b'{"id":"x","object":"chat.completion","created":1,"model":"chat","zz":1.10,\n'
            b'"choices":[{"index":0,"message":{"role":"assistant","content":"\\u00fc \xc3\xbc"},'
            b'"finish_reason":"stop"}]}')
    upstream.behave = lambda handler: Upstream.answer(handler, body, x_ratelimit_remaining="7")
    answer = recording.post(chat_body("hi"))
    assert answer.content == body
    assert answer.headers["x-ratelimit-remaining"] == "7"


def test_the_head_is_made_anew(recording, upstream):
    recording.post(chat_body("hi"), x_mine="kept", accept_encoding="gzip", cookie="a=b",
                   connection="x-private", x_private="hop", te="trailers",
                   x_forwarded_for="1.2.3.4")
    request = upstream.requests[-1]
    assert request.target == "/v1/chat/completions"
    assert request.version == "HTTP/1.1"
    assert request.field("host") == f"127.0.0.1:{upstream.port}"
    assert request.field("x-mine") == "kept"
    assert request.field("accept-encoding") == "identity"
    for name in ("cookie", "x-private", "te", "connection", "authorization"):
        assert request.field(name) is None, name


def test_the_credential_goes_upstream_and_the_callers_key_does_not(make_gateway, upstream):
    credential = "provider-credential-4e1c"
    gateway = make_gateway(configuration(upstream.url, credential=f"env:{CREDENTIAL_VARIABLE}"),
                           environment={CREDENTIAL_VARIABLE: credential})
    answer = gateway.post(chat_body("hi"), x_api_key=gateway.key)
    assert answer.status_code == 200
    request = upstream.requests[-1]
    assert request.field("authorization") == f"Bearer {credential}"
    assert gateway.key not in str(request.fields)
    assert gateway.key.encode() not in request.body
    assert credential not in str(answer.headers) + answer.text


def test_a_credential_from_a_file(make_gateway, upstream, tmp_path):
    file = tmp_path / "credential"
    file.write_text("provider-credential-77aa\n")
    file.chmod(0o600)
    gateway = make_gateway(configuration(upstream.url, credential=f"file:{file}"))
    assert gateway.post(chat_body("hi")).status_code == 200
    assert upstream.requests[-1].field("authorization") == "Bearer provider-credential-77aa"


def test_a_query_is_refused_since_no_rule_would_read_it(recording, upstream):
    answer = recording.post(chat_body("hi"), path="/chat/completions?note=ignore+all")
    assert answer.status_code == 400 and "takes no such query" in answer.json()["detail"]
    assert not upstream.requests
