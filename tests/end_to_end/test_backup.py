"""davy backup while the gateway works, davy restore, davy upgrade."""

import json
import stat
import subprocess
import threading

import httpx
import pytest

from running import chat_body, configuration, run


def restored(make_gateway, practice, backup):
    """A gateway that stands still, with a home made of the backup."""
    gateway = make_gateway(configuration(practice.url + "/v1"), start=False)
    said = run("restore", backup, "--home", gateway.home)
    return gateway, said


def ids_in(events):
    return {json.loads(line).get("request_id") for line in events.read_text().splitlines()}


class Load:
    """Requests that go on until the block ends; `answered` has the ids of those answered 200."""

    def __init__(self, gateway, threads=4):
        self.gateway, self.answered, self.failed = gateway, [], []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(threads)]

    def work(self):
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self.ended.is_set():
                answer = client.post(self.gateway.url + "/chat/completions",
                                     json=chat_body("What is two and two?"),
                                     headers={"Authorization": f"Bearer {self.gateway.key}"})
                (self.answered if answer.status_code == 200 else self.failed).append(
                    answer.headers["davy-request-id"])

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_a_backup_under_load_is_a_home_again(make_gateway, practice, tmp_path):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    revoked = gateway.new_key()
    gateway.revoke(revoked["id"])
    backup = tmp_path / "b.tar"
    with Load(gateway) as load:
        while len(load.answered) < 50:
            pass
        before = list(load.answered)
        said = run("backup", "-c", gateway.config_file, "--out", backup, "--with-secrets")
        taken = len(load.answered)
        while len(load.answered) < taken + 50:
            pass
    assert not load.failed, "nobody waits for a backup or is refused by it"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert said.stderr == ""

    # Any tar lists it.
    listed = subprocess.run(["tar", "tf", backup], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["format", "state.sqlite", "events.jsonl", "pepper",
                                     "manifest.json"]

    other, _ = restored(make_gateway, practice, backup)
    there = ids_in(other.home / "events.jsonl")
    assert set(before) <= there, "every exchange that ended before the backup began"
    assert there < ids_in(gateway.home / "events.jsonl"), "and none that came after"
    other.start()
    assert other.post(chat_body("Hello"), key=gateway.key).status_code == 200
    assert other.post(chat_body("Hello"), key=revoked["key"]).status_code == 401
    assert before[0] in other.why(before[0])


def test_without_the_pepper_no_key_works_and_that_is_said(make_gateway, practice, tmp_path):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    said = run("backup", "-c", gateway.config_file, "--out", tmp_path / "b.tar")
    assert "the pepper is not in this backup" in said.stderr
    pepper = (gateway.home / "pepper").read_text()
    assert pepper.strip().encode() not in (tmp_path / "b.tar").read_bytes()

    other, said = restored(make_gateway, practice, tmp_path / "b.tar")
    assert "no key is accepted without" in said.stderr
    refused = run("serve", "-c", other.config_file, check=2)
    assert "the pepper is gone" in refused.stderr
    # As the sentence says: with that file all keys are back.
    (other.home / "pepper").write_text(pepper)
    (other.home / "pepper").chmod(0o600)
    other.start()
    assert other.post(chat_body("Hello"), key=gateway.key).status_code == 200


def test_a_backup_of_a_gateway_that_stands_still(make_gateway, practice, tmp_path):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    assert gateway.post(chat_body("Hello")).status_code == 200
    assert gateway.process.stop() == 0
    said = run("backup", "--home", gateway.home, "--out", tmp_path)
    [backup] = tmp_path.glob("davylamp-*Z.tar")
    sha256 = said.stdout.split("sha256 ")[1].strip()
    assert run("restore", backup, "--home", tmp_path / "a", "--sha256", sha256)
    run("restore", backup, "--home", tmp_path / "b", "--sha256", "0" * 64, check=2)
    assert "1 events" in said.stdout


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_damaged_backup_leaves_nothing(make_gateway, practice, tmp_path, at):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    backup = tmp_path / "b.tar"
    run("backup", "-c", gateway.config_file, "--out", backup, "--with-secrets")
    data = bytearray(backup.read_bytes())
    data[int(len(data) * at)] ^= 1
    backup.write_bytes(data)
    said = run("restore", backup, "--home", tmp_path / "home", check=2)
    assert str(backup) in said.stderr
    assert list((tmp_path / "home").iterdir()) == []


def old_home(gateway):
    """What a davy from before formats left: no file `format`."""
    assert gateway.process.stop() == 0
    (gateway.home / "format").unlink()


def test_an_older_home_is_upgraded_when_asked_and_not_before(make_gateway, practice, tmp_path):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    request = gateway.post(chat_body("Hello")).headers["davy-request-id"]
    old_home(gateway)
    before = {f.name: f.read_bytes() for f in gateway.home.iterdir()}
    refused = run("serve", "-c", gateway.config_file, check=2)
    assert "has format 0" in refused.stderr and "davy upgrade --dry-run" in refused.stderr

    said = run("upgrade", "--dry-run", "-c", gateway.config_file, check=1)
    assert "0 to 1: " in said.stdout and "nothing was changed" in said.stdout
    assert {f.name: f.read_bytes() for f in gateway.home.iterdir()} == before

    said = run("upgrade", "-c", gateway.config_file)
    assert "nothing to do" in run("upgrade", "--dry-run", "-c", gateway.config_file).stdout
    gateway.start()
    assert gateway.post(chat_body("Hello")).status_code == 200
    assert request in gateway.why(request)
    # The backup that it made first is the home as it was.
    [backup] = gateway.home.glob("before-format-1-*.tar")
    run("restore", backup, "--home", tmp_path / "was")
    assert not (tmp_path / "was" / "format").exists()
    assert request in (tmp_path / "was" / "events.jsonl").read_text()


def test_a_running_home_is_not_upgraded(make_gateway, practice):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    (gateway.home / "format").unlink()
    said = run("upgrade", "-c", gateway.config_file, check=2)
    assert "in use by process" in said.stderr
    assert not (gateway.home / "format").exists()
    (gateway.home / "format").write_text("davylamp-home 1\n")


def test_a_newer_home_is_read_where_it_says_so_and_never_written(make_gateway, practice, tmp_path):
    gateway = make_gateway(configuration(practice.url + "/v1"))
    request = gateway.post(chat_body("Hello")).headers["davy-request-id"]
    assert gateway.process.stop() == 0
    (gateway.home / "format").write_text("davylamp-home 2 readable-by 1\n")
    assert request in gateway.why(request)
    run("backup", "--home", gateway.home, "--out", tmp_path / "b.tar", "--with-secrets")
    for command in ("serve",), ("key", "create", "--experiment", "support-bot"):
        said = run(*command, "-c", gateway.config_file, check=2)
        assert "may read it and not write it" in said.stderr
    (gateway.home / "format").write_text("davylamp-home 2\n")
    assert "knows formats up to 1" in run("why", "-c", gateway.config_file, request, check=2).stderr
