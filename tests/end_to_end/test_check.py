"""What a configuration may not weaken, and words that are no commands."""

import json

import pytest

from running import configuration, run


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
