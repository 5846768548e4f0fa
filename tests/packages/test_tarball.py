"""The tarball: it works from any folder, and only glibc is not inside."""

import os
import re
import subprocess

import pytest
from conftest import ROOT, run
from service import Service

SHARED = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def test_it_holds_what_the_documents_say(bundle):
    assert re.fullmatch(r"davylamp-\d+\.\d+\.\d+-linux-\w+", bundle.name)
    for name in ("bin/davy", "rules/access.yaml", "examples/server/davylamp.yaml",
                 "docs/packages.md", "deploy/systemd/davylamp.service", "deploy/systemd/davylamp.socket",
                 "deploy/docker/Dockerfile",
                 "LICENSE", "NOTICE", "README.md", "third-party/openssl.txt"):
        assert (bundle / name).is_file(), name


def test_its_files_belong_to_nobody_in_particular(tarball):
    for line in run("tar", "tvzf", tarball, "--numeric-owner").stdout.splitlines():
        mode, owner = line.split()[:2]
        assert owner == "0/0", line
        assert mode[5] == "-" and mode[8] == "-", line


def test_only_glibc_is_shared(bundle):
    loaded = {line.split()[0].split("/")[-1]
              for line in run("ldd", bundle / "bin/davy").stdout.splitlines()}
    assert loaded - {"linux-vdso.so.1"} <= SHARED
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "-T", bundle / "bin/davy").stdout)
    # docs/packages.md names the oldest glibc.
    assert max((int(a), int(b)) for a, b in versions) <= (2, 36)


def test_the_binary_is_hardened_and_names_no_folder(bundle):
    dynamic = run("readelf", "--dynamic", bundle / "bin/davy").stdout
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert "NOW PIE" in dynamic and "BIND_NOW" in dynamic
    segments = run("readelf", "--program-headers", "--wide", bundle / "bin/davy").stdout
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.* RW ", segments)


def test_it_serves_from_there(bundle, work):
    folder = work / "elsewhere"
    folder.mkdir(exist_ok=True)
    davy = bundle / "bin/davy"
    # Nothing of the environment is needed.
    shown = subprocess.run([davy, "--version"], env={}, capture_output=True, text=True, check=True)
    assert bundle.name.startswith("davylamp-" + shown.stdout.strip().removeprefix("davy "))
    run(davy, "init", folder)
    service = Service([davy], folder / "davylamp.yaml", cwd="/")
    try:
        service.works()
        assert service.stop() == 0
    finally:
        service.close()
    assert service.run("health", "-c", service.config, check=1).startswith("davy: not ready: ")


def test_the_debug_information_belongs_to_the_binaries(packages, bundle, tmp_path):
    [debug] = packages.glob("*-debug.tar.gz")
    run("tar", "xzf", debug, "-C", tmp_path)
    build_id = re.search(r"Build ID: (\w+)", run("readelf", "-n", bundle / "bin/davy").stdout)[1]
    [file] = tmp_path.glob(f"*/.build-id/{build_id[:2]}/{build_id[2:]}.debug")
    lines = run("readelf", "--debug-dump=info", "--dwarf-depth=1", file).stdout
    assert "src/app/main.cc" in lines
    assert str(ROOT) not in lines


def test_the_list_of_materials_names_every_library(packages, deb, tmp_path):
    import json
    by_file = {f.name: json.loads(f.read_text()) for f in packages.glob("*.cdx.json")}
    assert len(by_file) == 2
    for name, document in by_file.items():
        assert document["bomFormat"] == "CycloneDX" and document["specVersion"] == "1.5"
        linkage = {c["name"]: {p["value"] for p in c["properties"]} for c in document["components"]}
        assert {"openssl", "boost1.81", "sqlite3", "icu", "vectorscan", "yaml-cpp", "glibc",
                "gcc-12", "fmtlib", "cli11"} <= set(linkage), name
        assert "shared" in linkage["glibc"]
        portable = "linux" in name.split("-", 1)[-1]
        for library in ("openssl", "sqlite3", "icu", "vectorscan", "yaml-cpp", "gcc-12"):
            assert ("static" if portable else "shared") in linkage[library], (name, library)
        refs = [c["bom-ref"] for c in document["components"]]
        assert len(refs) == len(set(refs))
    run("dpkg-deb", "--extract", deb, tmp_path)
    for line in run("ldd", tmp_path / "usr/bin/davy").stdout.splitlines():
        if "=> /" in line:
            library = os.path.realpath(line.split()[2])
            package = run("dpkg", "-S", library, check=False).stdout or \
                run("dpkg", "-S", library.removeprefix("/usr")).stdout
            [document] = [d for n, d in by_file.items() if not n.startswith("davylamp-")]
            assert package.rsplit(":", 1)[0] in str(document), line


@pytest.mark.parametrize("option, message", [
    (["--no-such"], "unknown option"), (["--out"], "needs a folder")])
def test_a_mistake_is_told(option, message):
    said = run(ROOT / "script" / "package", *option, check=False)
    assert said.returncode == 2 and message in said.stderr
