"""What Anthropic's API answers, for tests that script an upstream."""

import json

from upstream import Upstream


def message(*content, stop="end_turn", **usage):
    return {
        "id": "msg_test", "type": "message", "role": "assistant", "model": "claude-test",
        "content": list(content) or [{"type": "text", "text": "Good morning."}],
        "stop_reason": stop, "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7, **usage},
    }


def answer(handler, body=None, status=200, **fields):
    data = body if isinstance(body, bytes) else json.dumps(body or message()).encode()
    Upstream.answer(handler, data, status, **fields)


def event(name, **members):
    data = json.dumps({"type": name, **members})
    return f"event: {name}\ndata: {data}\n\n".encode()


def start(**usage):
    begun = message(stop=None, output_tokens=1, **usage)
    return event("message_start", message={**begun, "content": []})


def block(index, kind="text", **members):
    if kind == "text":
        members = {"text": ""}
    return event("content_block_start", index=index, content_block={"type": kind, **members})


def delta(index, text=None, json_text=None, **members):
    if text is not None:
        members = {"type": "text_delta", "text": text}
    if json_text is not None:
        members = {"type": "input_json_delta", "partial_json": json_text}
    return event("content_block_delta", index=index, delta=members)


def stop(index):
    return event("content_block_stop", index=index)


def end(reason="end_turn", output_tokens=7):
    return (event("message_delta", delta={"stop_reason": reason, "stop_sequence": None},
                  usage={"output_tokens": output_tokens})
            + event("message_stop"))


def stream(handler, *events):
    Upstream.begin_stream(handler)
    for each in events:
        Upstream.send(handler, each)
    handler.wfile.write(b"0\r\n\r\n")
