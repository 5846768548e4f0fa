"""The .deb: what it says, what it lays down, and that the service runs from it."""

import os
import pathlib
import re
import shutil
import signal
import stat

import pytest
from conftest import ROOT, packed, run
from running import PATIENCE
from service import NotifySocket, Service
from unit import Sandbox

UNIT = ROOT / "deploy" / "systemd" / "davylamp.service"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to install into a folder")


def dpkg(root, *arguments, **options):
    return run("dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends",
               *arguments, **options)


@pytest.fixture
def installed(deb, work):
    """The package as dpkg installs it, with its scripts, below a folder."""
    root = work / "system"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg(root, "--install", deb)
    yield root
    shutil.rmtree(root)


def test_the_same_build_gives_the_same_bytes(packages, tmp_path):
    again = packed(tmp_path)
    assert sorted(f.name for f in again.iterdir()) == sorted(f.name for f in packages.iterdir())
    assert (again / "SHA256SUMS").read_text() == (packages / "SHA256SUMS").read_text()
    run("sha256sum", "--check", "SHA256SUMS", cwd=again)


def test_it_names_the_libraries_that_the_binary_loads(deb):
    depends = run("dpkg-deb", "--field", deb, "Depends").stdout
    for library in ("libc6", "libssl3", "libsqlite3-0", "libicu72"):
        assert re.search(rf"\b{library} \(>= ", depends), depends


def test_everything_belongs_to_root_and_only_root_writes(deb):
    for line in run("dpkg-deb", "--contents", deb).stdout.splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root", line
        assert mode[5] == "-" and mode[8] == "-", line
        assert "s" not in mode and "t" not in mode, line


def test_the_configuration_is_the_administrators(deb, tmp_path):
    run("dpkg-deb", "--control", deb, tmp_path)
    assert (tmp_path / "conffiles").read_text() == "/etc/davylamp/davylamp.yaml\n"
    for script in ("postinst", "prerm", "postrm"):
        text = (tmp_path / script).read_text()
        run("sh", "-n", tmp_path / script)
        assert not re.search(r"\b(curl|wget|apt|pip|ftp|https?)\b", text), script


def test_it_carries_no_path_of_the_machine_that_built_it(deb, bundle, tmp_path):
    run("dpkg-deb", "--extract", deb, tmp_path)
    for binary in (tmp_path / "usr/bin/davy", bundle / "bin/davy"):
        assert str(ROOT).encode() not in binary.read_bytes(), binary


def test_lintian_has_nothing_to_say(deb):
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    # The question whether the service runs is what lintian warns of; only systemctl answers it.
    said = run("lintian", "--fail-on", "error,warning", "--suppress-tags",
               "maintainer-script-calls-systemctl", deb, check=False)
    assert said.returncode == 0, said.stdout


@root_only
def test_the_service_runs_as_the_unit_says(installed, work):
    """Installed by dpkg with its scripts, started as its user under the unit's filter of
    system calls and mappings, told to systemd, reloaded, relieved by another, stopped."""
    users = dict(line.split(":")[0::2][:2] for line in
                 (installed / "etc/passwd").read_text().splitlines())
    uid = int(users["davy"])
    home = installed / "var/lib/davylamp"
    assert (home.stat().st_uid, stat.S_IMODE(home.stat().st_mode)) == (uid, 0o700)
    config = installed / "etc/davylamp/davylamp.yaml"
    assert (config.stat().st_uid, stat.S_IMODE(config.stat().st_mode)) == (0, 0o644)
    config.write_text(config.read_text().replace("home: /var/lib/davylamp", f"home: {home}"))

    manager = NotifySocket(work / "notify")
    sandbox = Sandbox(installed / "usr/lib/systemd/system/davylamp.service", uid, uid)
    service = Service([installed / "usr/bin/davy"], config, notify=work / "notify",
                      preexec_fn=sandbox.preexec, cwd=home)
    try:
        assert manager.next() == "READY=1\n"
        service.works()
        service.server.send_signal(signal.SIGHUP)
        assert manager.next().startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert manager.next() == "READY=1\n"
        service.works()
        old, service.server = service.server, service.start(
            "serve", "-c", config, "--take-over",
            env={**os.environ, "NOTIFY_SOCKET": str(work / "notify")})
        heard = {manager.next(), manager.next()}
        assert heard == {"READY=1\n", f"MAINPID={service.server.pid}\n"}
        assert old.wait(PATIENCE) == 0
        service.works()
        limits = pathlib.Path(f"/proc/{service.server.pid}/limits").read_text()
        assert re.search(rf"Max open files +{sandbox.files} +{sandbox.files} ", limits)
        assert service.stop() == 0, service.server.stdout.read()
        assert manager.next() == "STOPPING=1\n"
    finally:
        service.close()
    for file in home.rglob("*"):
        status = file.lstat()
        assert status.st_uid == uid, file
        assert stat.S_IMODE(status.st_mode) & 0o077 == 0, file
    assert (home / "events.jsonl").stat().st_size > 0


@root_only
def test_what_the_unit_forbids_is_stopped(work):
    """The filter of these tests is no empty one."""
    sandbox = Sandbox(UNIT)
    for forbidden in ("import os; os.chroot('/')", "import os; os.nice(1)",
                      "import mmap; mmap.mmap(-1, 4096, prot=7)",
                      "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"):
        done = run("/usr/bin/python3", "-c", forbidden, check=False, preexec_fn=sandbox.preexec)
        assert done.returncode != 0, forbidden
    run("/usr/bin/python3", "-c", "import socket; socket.socket()", preexec_fn=sandbox.preexec)


@root_only
def test_purge_keeps_the_evidence_unless_asked(installed, deb):
    home = installed / "var/lib/davylamp"
    (home / "events.jsonl").write_text("{}\n")
    said = dpkg(installed, "--purge", "davylamp")
    assert "with keys and evidence stays" in said.stderr
    assert (home / "events.jsonl").exists()
    assert not (installed / "etc/davylamp").exists()
    assert not (installed / "usr/bin/davy").exists()

    dpkg(installed, "--install", deb)
    assert (home / "events.jsonl").exists()
    dpkg(installed, "--purge", "davylamp", env={**os.environ, "DAVYLAMP_PURGE_EVIDENCE": "yes"})
    assert not home.exists()


def test_an_upgrade_keeps_what_the_administrator_wrote(installed, deb):
    if os.geteuid() != 0:
        pytest.skip("needs root to install into a folder")
    config = installed / "etc/davylamp/davylamp.yaml"
    config.write_text("# mine\n")
    dpkg(installed, "--install", deb, input="")
    assert config.read_text() == "# mine\n"


def test_the_units_are_such_that_systemd_understands_them():
    said = run("systemd-analyze", "verify", "--man=no", UNIT, UNIT.with_suffix(".socket"),
               check=False)
    wrong = [line for line in (said.stdout + said.stderr).splitlines()
             if "davylamp." in line and "/usr/bin/davy is not executable" not in line]
    assert not wrong
    # docs/packages.md gives the number; lower is better.
    run("systemd-analyze", "security", "--offline=true", "--threshold=12", UNIT)
