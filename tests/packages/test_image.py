"""The image: its Dockerfile, and its file system made by hand and run without Docker."""

import json
import os
import re
import shutil
import stat
import subprocess

import pytest
from conftest import ROOT, run
from service import Service

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"


def instructions():
    """[(stage, word, arguments)] of the Dockerfile."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE))
    stage, out = -1, []
    for line in filter(str.strip, text.splitlines()):
        word, _, arguments = line.strip().partition(" ")
        stage += word == "FROM"
        out.append((stage, word, re.sub(r"\s+", " ", arguments.strip())))
    return out


def final(word):
    last = max(stage for stage, _, _ in instructions())
    return [arguments for stage, name, arguments in instructions() if (stage, name) == (last, word)]


def test_the_last_stage_has_no_shell_and_a_numeric_user():
    assert final("FROM") == ["scratch"]
    assert not final("RUN")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final("USER")[0])
    for word in ("ENTRYPOINT", "CMD"):
        assert json.loads(final(word)[0])
    form = re.search(r"CMD (\[.*\])$", final("HEALTHCHECK")[0])
    assert json.loads(form[1])[:2] == ["/usr/bin/davy", "health"]


def test_nothing_comes_from_outside_but_debian():
    words = [word for _, word, _ in instructions()]
    assert "ADD" not in words
    assert not re.search(r"\b(curl|wget|https?://)", DOCKERFILE.read_text())
    [base] = [arguments for _, word, arguments in instructions() if word == "ARG"]
    assert re.fullmatch(r"DEBIAN=debian:bookworm-\d{8}-slim", base), "the base is pinned"
    for _, word, arguments in instructions():
        if word == "COPY" and "--from" in arguments:
            assert "--from=build " in arguments


@pytest.fixture
def image(work):
    """The file system that the last stage gets, made by the script that makes it there."""
    folder = work / "image"
    run("cmake", "--install", "build/portable", "--strip", "--prefix", folder / "bundle", cwd=ROOT)
    run(ROOT / "deploy/docker/rootfs", folder / "bundle", folder)
    yield folder
    shutil.rmtree(folder)


def test_it_holds_one_program(image):
    files = [f for f in (image / "root").rglob("*") if f.is_file() and not f.is_symlink()]
    programs = [f for f in files if f.stat().st_mode & 0o111 or f.read_bytes()[:2] == b"#!"]
    names = {str(f.relative_to(image / "root")) for f in programs}
    shared = {name for name in names if re.search(r"/(ld-linux[^/]*|libc|libm)\.so\.\d+$", name)}
    assert names - shared == {"usr/bin/davy"}
    for file in (image / "root").rglob("*"):
        assert not file.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID), file


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot and mounts")
def test_it_runs_read_only_without_rights(image, work):
    root, state = image / "root", image / "state" / "davylamp"
    user = final("USER")[0]
    uid = int(user.split(":")[0])
    assert (state.stat().st_uid, stat.S_IMODE(state.stat().st_mode)) == (uid, 0o700)
    config = root / "etc/davylamp/davylamp.yaml"
    made = run(root / "usr/bin/davy", "init", "--print", "--home", "/var/lib/davylamp")
    config.write_text(made.stdout)
    (root / "var/lib/davylamp").mkdir()

    # As the container has it: the root may only be read, the volume is the one place to
    # write, and the user has no rights.
    script = ('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && '
              'mount --bind "$1" "$0/var/lib/davylamp" && mount -t proc proc "$0/proc" && '
              'root=$0 && shift && cd / && '
              f'exec chroot --userspec={user} "$root" "$@"')
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    program = json.loads(final("ENTRYPOINT")[0])
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script,
               root, state, *program]
    arguments = json.loads(final("CMD")[0])
    service = Service(command, config, config_inside=arguments[-1])
    try:
        service.works()
        health = json.loads(re.search(r"CMD (\[.*\])$", final("HEALTHCHECK")[0])[1])
        assert service.run(*health[1:]) == "ready\n"
        shell = subprocess.run([*map(str, command[:-1]), "/bin/sh"], capture_output=True, text=True)
        assert shell.returncode == 127, shell.stderr
        assert service.stop() == 0, service.server.stdout.read()
        assert service.run(*health[1:], check=1)
    finally:
        service.close()
    assert {file.stat().st_uid for file in state.iterdir()} == {uid}
