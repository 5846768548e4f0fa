"""No door around the guard: what cannot be examined or has two meanings is refused."""

import gzip
import json

import pytest

from running import chat_body, configuration

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg"


def picture():
    return {"model": "chat", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PNG}}]}]}


@pytest.mark.parametrize("body,part", [
    (b'{"model":"chat","model":"secret-lab","messages":[]}', "same key twice"),
    (b'{"model":"chat","messages":[{"role":"user","content":"hi","content":"ho"}]}', "same key twice"),
    (b'{"model":"chat","messages":[],"\\u006dodel":"secret-lab"}', "same key twice"),
    (b'{"model":"chat","messages":[{"role":"user","content":"\xff"}]}', "UTF-8"),
    (b'{"model":"chat","messages":[', ""),
    (b"", ""),
    (b"null", ""),
    (b'{"model":"chat","messages":[]} trailing', ""),
    (b'{"model":"chat","messages":"hi"}', "messages"),
    (b'{"model":7,"messages":[]}', "model"),
    (b'{"messages":[{"role":"user","content":"hi"}]}', "model"),
], ids=range(11))
def test_a_malformed_body_is_400_and_goes_nowhere(gateway, practice, body, part):
    before = practice.calls()
    answer = gateway.post(body)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert problem["rule"] == "gateway.request.malformed"
    assert part in problem["detail"]
    assert practice.calls() == before


def test_a_malformed_body_is_not_repeated_in_the_answer(gateway):
    answer = gateway.post(b'{"model":"chat","messages":[{"role":"user","content":"mark-81d2"} oops')
    assert answer.status_code == 400
    assert "mark-81d2" not in answer.text


@pytest.mark.parametrize("fields,body", [
    ({"content_encoding": "gzip"}, gzip.compress(json.dumps(chat_body("hi")).encode())),
    ({"content_encoding": "br"}, b"whatever"),
    ({"content_type": "multipart/form-data; boundary=x"},
     b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nhi\r\n--x--\r\n'),
    ({"content_type": "text/plain"}, json.dumps(chat_body("hi")).encode()),
    ({"content_type": "application/x-www-form-urlencoded"}, b"a=b"),
])
def test_a_body_that_hides_its_text_is_refused(gateway, practice, fields, body):
    before = practice.calls()
    fields = dict(fields)
    headers = {"Content-Type": fields.pop("content_type", "application/json"), **fields}
    answer = gateway.post(body, **headers)
    assert answer.status_code in (403, 415), answer.text
    assert answer.json()["rule"] == "gateway.request.not_examined"
    assert practice.calls() == before


def test_a_picture_is_refused_while_a_rule_must_read_everything(gateway, practice):
    before = practice.calls()
    answer = gateway.post(picture())
    assert answer.status_code == 403
    assert answer.json()["rule"] == "gateway.request.not_examined"
    assert "unexamined: allow" in answer.json()["next_step"]
    assert practice.calls() == before


def test_a_picture_passes_where_the_model_says_so_and_the_event_says_it(practice, make_gateway):
    config = configuration(practice.url + "/v1")
    config["models"][0]["unexamined"] = "allow"
    gateway = make_gateway(config)
    answer = gateway.post(picture())
    assert answer.status_code == 200
    assert gateway.event(answer.headers["davy-request-id"])["bytes_not_examined"] >= len(PNG)


def test_a_body_beyond_the_limit_is_413(gateway, practice):
    before = practice.calls()
    answer = gateway.post(b'{"model":"chat","messages":[],"x":"' + b"y" * (17 << 20) + b'"}')
    assert answer.status_code == 413
    assert answer.json()["rule"] == "gateway.request.too_large"
    assert practice.calls() == before


@pytest.mark.parametrize("method,path,status", [
    ("POST", "/v1/unknown", 404),
    ("POST", "/v1/chat/completions/", 404),
    ("POST", "//v1/chat/completions", 404),
    ("POST", "/v1/%63hat/completions", 404),
    ("POST", "/v1/../v1/chat/completions", 404),
    ("POST", "/V1/chat/completions", 404),
    ("GET", "/v1/chat/completions", 404),
    ("DELETE", "/v1/chat/completions", 404),
    ("GET", "/", 404),
    ("GET", "/metrics", 404),
])
def test_an_unknown_path_or_method_is_refused(gateway, practice, method, path, status):
    before = practice.calls()
    body = json.dumps(chat_body("hi")).encode()
    with gateway.connect() as connection:
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body)
        head = connection.recv(65536)
    assert head.split(b" ")[1] in (str(status).encode(), b"405"), head
    assert b"gateway.route.unknown" in head
    assert practice.calls() == before


def test_a_websocket_upgrade_is_refused(gateway):
    with gateway.connect() as connection:
        connection.sendall(
            f"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        status = connection.recv(65536).split(b" ")[1]
    assert status.startswith(b"4"), status


def test_an_unknown_model_is_the_sdks_not_found_error(gateway, practice, client_of):
    import openai
    before = practice.calls()
    with pytest.raises(openai.NotFoundError) as refused:
        client_of(gateway).chat.completions.create(
            model="gpt-unknown", messages=[{"role": "user", "content": "hi"}])
    assert refused.value.code == "model_not_found"
    assert practice.calls() == before


def test_a_body_nested_without_end_is_refused(gateway, practice):
    before = practice.calls()
    answer = gateway.post(b"[" * 100_000)
    assert answer.status_code == 400, answer.text
    assert answer.json()["rule"] == "gateway.request.malformed"
    assert "nested too deeply" in answer.json()["detail"]
    assert practice.calls() == before
