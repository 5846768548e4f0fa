"""Streams go through while they flow, and their end is told as it was."""

import contextlib
import json
import threading
import time

import httpx
import openai
import pytest

from running import PATIENCE, chat_body, wait_for
from upstream import Upstream, chunk


def open_stream(gateway, text="hi"):
    """A context manager: the answer with its body still to come."""
    return httpx.stream("POST", gateway.url + "/chat/completions", timeout=PATIENCE,
                        trust_env=False, json=chat_body(text, stream=True),
                        headers={"Authorization": f"Bearer {gateway.key}"})


def test_a_chunk_arrives_before_the_next_one_is_made(recording, upstream, client_of):
    """The upstream makes each chunk only after the client has seen the one before: a
    gateway that collects chunks would wait for ever."""
    seen = [threading.Event() for _ in range(4)]

    def behave(handler):
        Upstream.begin_stream(handler)
        for number, event in enumerate(seen):
            Upstream.send(handler, chunk(f"part {number} "))
            assert event.wait(PATIENCE), f"chunk {number} did not reach the client"
        Upstream.send(handler, chunk(finish="stop"))
        Upstream.end_stream(handler)

    upstream.behave = behave
    stream = client_of(recording).chat.completions.create(
        model="chat", messages=[{"role": "user", "content": "hi"}], stream=True)
    texts = []
    for each in stream:
        if each.choices[0].delta.content:
            texts.append(each.choices[0].delta.content)
            seen[len(texts) - 1].set()
    assert texts == [f"part {number} " for number in range(4)]


def test_the_head_arrives_before_the_first_chunk_is_made(recording, upstream):
    opened = threading.Event()

    def behave(handler):
        Upstream.begin_stream(handler)
        assert opened.wait(PATIENCE)
        Upstream.send(handler, chunk("late"))
        Upstream.end_stream(handler)

    upstream.behave = behave
    with open_stream(recording) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        opened.set()
        assert b"late" in answer.read()


def test_the_bytes_of_a_stream_are_the_upstreams(recording, upstream):
    parts = [b": a comment\n\n", b"event: x\r\n", chunk("0.70 \u00fc"), b"id: 7\n" + chunk("b"),
             chunk(finish="stop")]

    def behave(handler):
        Upstream.begin_stream(handler)
        for part in parts:
            Upstream.send(handler, part)
        Upstream.end_stream(handler)

    upstream.behave = behave
    with open_stream(recording) as answer:
        assert answer.read() == b"".join(parts) + b"data: [DONE]\n\n"


@pytest.mark.parametrize("odd", [
    # Larger than an event that is read, and more strings than are told apart.
    chunk("x" * 1_200_000),
    b'data: {"choices":[{"index":0,"delta":{}}],"prompt_logprobs":['
    + b",".join(b'{"%d":"t"}' % n for n in range(3000)) + b"]}\n\n",
])
def test_an_event_that_is_too_much_for_the_token_count_passes(recording, upstream, odd):
    """Nobody judges the stream: that davy wants to know its usage must not end it."""
    parts = [chunk("a"), odd, chunk("b"), chunk(finish="stop")]

    def behave(handler):
        Upstream.begin_stream(handler)
        for part in parts:
            Upstream.send(handler, part)
        Upstream.end_stream(handler)

    upstream.behave = behave
    with open_stream(recording) as answer:
        assert answer.read() == b"".join(parts) + b"data: [DONE]\n\n"


def test_an_upstream_that_dies_inside_its_stream_gives_an_error_event(recording, upstream,
                                                                     client_of):
    def behave(handler):
        Upstream.begin_stream(handler)
        Upstream.send(handler, chunk("half a sen"))
        Upstream.die(handler)

    upstream.behave = behave
    texts = []
    with pytest.raises(openai.APIError) as broken:
        for each in client_of(recording).chat.completions.create(
                model="chat", messages=[{"role": "user", "content": "hi"}], stream=True):
            texts.append(each.choices[0].delta.content)
    assert texts == ["half a sen"]
    assert "broke off" in str(broken.value)
    event = wait_for("the event", lambda: recording.events(sourcetype="model_api_logs"))[-1]
    assert event["stream"] is True
    assert "upstream" in event["error"]


def test_the_stream_of_an_error_ends_in_an_orderly_way(recording, upstream):
    """The chunked body is whole, so a client does not hang or see a protocol error."""
    def behave(handler):
        Upstream.begin_stream(handler)
        Upstream.send(handler, chunk("half"))
        Upstream.die(handler)

    upstream.behave = behave
    with open_stream(recording) as answer:
        events = [line for line in answer.iter_lines() if line.startswith("data: ")]
    last = json.loads(events[-1].removeprefix("data: "))
    assert last["error"]["message"]
    assert last["request_id"] == answer.headers["davy-request-id"]


def test_a_client_that_hangs_up_ends_the_generation(recording, upstream):
    """The upstream must notice, so that nobody pays for words that nobody reads."""
    gone = threading.Event()

    def behave(handler):
        Upstream.begin_stream(handler)
        try:
            while True:
                Upstream.send(handler, chunk("word " * 200))
        except OSError:
            gone.set()

    upstream.behave = behave
    with open_stream(recording) as answer:
        request_id = answer.headers["davy-request-id"]
        for number, _ in enumerate(answer.iter_bytes()):
            if number == 3:
                break
    assert gone.wait(PATIENCE), "the upstream still writes"
    event = recording.event(request_id)
    assert event["stream"] is True
    assert event["bytes_out"] > 0
    assert event["decision"] == "allow"
    assert "finish_reason" not in event
    assert "client left" in event["error"]
    assert "client left" in recording.why(request_id)


def wait_for_the_end_of(handler, ended):
    """Sends nothing more and says when the gateway has ended the connection."""
    handler.connection.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        assert handler.connection.recv(1) == b""
    ended.set()


def test_a_client_that_hangs_up_while_the_model_is_silent_ends_the_generation(recording, upstream):
    """Nothing is written for a while, so only watching the client can tell."""
    ended = threading.Event()

    def behave(handler):
        Upstream.begin_stream(handler)
        Upstream.send(handler, chunk("one "))
        wait_for_the_end_of(handler, ended)

    upstream.behave = behave
    with open_stream(recording) as answer:
        request_id = answer.headers["davy-request-id"]
        next(answer.iter_bytes())
    assert ended.wait(PATIENCE), "the upstream still works for nobody"
    assert "client left" in recording.event(request_id)["error"]


def test_a_client_that_hangs_up_before_a_whole_answer_ends_the_generation(recording, upstream):
    ended = threading.Event()
    upstream.behave = lambda handler: wait_for_the_end_of(handler, ended)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(recording.url + "/chat/completions", json=chat_body("hi"), timeout=1,
                   headers={"Authorization": f"Bearer {recording.key}"}, trust_env=False)
    assert ended.wait(PATIENCE), "the upstream still works for nobody"
    event = wait_for("the event", lambda: recording.events(sourcetype="model_api_logs"))[-1]
    assert "client left" in event["error"]


def test_a_client_that_waits_is_not_taken_for_gone(recording, upstream):
    """Longer than the gateway's looks at the client are apart."""
    def behave(handler):
        time.sleep(2)
        Upstream.answer(handler)

    upstream.behave = behave
    assert recording.post(chat_body("hi")).status_code == 200


def test_a_stream_to_an_old_client_ends_with_the_connection(recording, upstream):
    """HTTP/1.0 knows no chunks."""
    def behave(handler):
        Upstream.begin_stream(handler)
        Upstream.send(handler, chunk("old"))
        Upstream.end_stream(handler)

    upstream.behave = behave
    body = json.dumps(chat_body("hi", stream=True)).encode()
    with recording.connect() as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
            % (recording.key.encode(), len(body), body))
        data = b""
        while part := connection.recv(65536):
            data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert rest == chunk("old") + b"data: [DONE]\n\n"
