"""What a configuration may not weaken, and words that are no commands."""

import json
import os
import signal

import pytest

from running import chat_body, configuration, free_port, run, wait_for


def check(folder, **more):
    file = folder / "davylamp.yaml"
    file.write_text(json.dumps({**configuration("http://127.0.0.1:9/v1"), **more}, indent=1))
    return run("check", "-c", file, check=None)


@pytest.mark.parametrize("rule", ["gateway.request.malformed", "gateway.*"])
@pytest.mark.parametrize("mode", ["off", "observe"])
def test_the_gateways_own_rules_cannot_be_weakened(tmp_path, rule, mode):
    done = check(tmp_path, rules={rule: mode})
    assert done.returncode == 2
    assert "gateway.request.malformed always acts" in done.stdout + done.stderr


def test_keys_cannot_be_weakened_where_the_network_reaches(tmp_path):
    weak = {"access.keys.missing": "off"}
    outside = check(tmp_path, listen="0.0.0.0:8080", rules=weak)
    assert outside.returncode == 2
    assert "access.keys.missing must be enforced" in outside.stdout + outside.stderr
    assert check(tmp_path, listen="127.0.0.1:8080", rules=weak).returncode == 0
    assert check(tmp_path, listen="0.0.0.0:8080", rules={}).returncode == 0


@pytest.mark.parametrize("words, part", [
    (("srve",), "did you mean `serve`"),
    (("key", "rotat"), "no command `rotat`"),
    (("nonsense",), "no command `nonsense`"),
])
def test_a_word_that_is_no_command_is_named(words, part):
    assert part in run(*words, check=2).stderr


def test_open_keys_are_refused_where_the_network_reaches(tmp_path):
    anybody = {"access": {"keys": "optional"}}
    outside = check(tmp_path, listen="0.0.0.0:8080", **anybody)
    assert outside.returncode == 2
    assert "only where we listen on loopback" in outside.stdout + outside.stderr
    assert check(tmp_path, listen="127.0.0.1:8080", **anybody).returncode == 0


def test_a_reload_cannot_open_keys_by_naming_another_listener(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    changed = {**gateway.config, "listen": f"127.0.0.1:{free_port()}", "access": {"keys": "optional"}}
    gateway.config_file.write_text(json.dumps(changed))
    os.kill(gateway.process.pid, signal.SIGHUP)
    wait_for("the reload to be refused", lambda: "needs a restart" in gateway.process.said())
    assert gateway.post(chat_body("hi"), key="").status_code == 401
