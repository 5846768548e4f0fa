"""The sixty seconds of the README: its prompts do what it says they do."""

import pathlib
import re

import httpx

from running import chat_body, configuration

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = "PRACTICE-4711"


def test_the_sixty_seconds_happen_as_the_readme_tells(practice, make_gateway):
    readme = (ROOT / "README.md").read_text()
    prompts = re.findall(r"^ask http://127\.0\.0\.1:(9001|8080) '(.+)'$", readme, re.M)
    assert [port for port, _ in prompts] == ["9001", "8080", "8080", "8080"]
    direct, denied, harmless, still_passes = (text for _, text in prompts)
    assert SECRET in readme

    example = (ROOT / "examples/server/davylamp.yaml").read_text()
    phrases = re.findall(r"^      - (.+)$", example, re.M)
    assert phrases
    gateway = make_gateway(configuration(practice.url + "/v1", phrases=phrases))

    answer = httpx.post(practice.url + "/v1/chat/completions", json=chat_body(direct),
                        trust_env=False)
    assert SECRET in answer.text

    before = practice.calls()
    refused = gateway.post(chat_body(denied))
    assert refused.status_code == 403
    assert practice.calls() == before
    assert "guardrails.sanitize.phrase" in gateway.why(refused.headers["davy-request-id"])

    passed = gateway.post(chat_body(harmless))
    assert passed.status_code == 200 and SECRET not in passed.text

    # An attack that this version does not stop. When it does, the README is out of date.
    attack = gateway.post(chat_body(still_passes))
    assert attack.status_code == 200 and SECRET in attack.text
