#!/usr/bin/env python3
"""lock_python.py [FOLDER]: writes FOLDER/requirements.txt from the requirements.in beside it.

Every package, the indirect ones included, gets its version and the SHA-256 of its
wheels for the processors that we test on; no address of a registry is written. FOLDER is
tests/end_to_end unless given. Run it with Debian 12's /usr/bin/python3, then script/bootstrap.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile

USUAL = pathlib.Path(__file__).resolve().parent.parent / "tests" / "end_to_end"
PLATFORMS = ["x86_64", "aarch64"]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def wheels_for(processor, pinned, folder):
    """Downloads the wheels of the pinned packages for one processor."""
    tags = []
    for tag in ("manylinux_2_36", "manylinux_2_28", "manylinux_2_17", "manylinux2014"):
        tags += ["--platform", f"{tag}_{processor}"]
    run(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--only-binary", ":all:", "--python-version", "3.11", *tags,
        "--dest", str(folder), *pinned)


def main():
    here = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else USUAL
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        run(sys.executable, "-m", "venv", str(scratch / "venv"))
        python = str(scratch / "venv" / "bin" / "python")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--only-binary", ":all:",
            "-r", str(here / "requirements.in"))
        pinned = sorted(run(python, "-m", "pip", "freeze").split(), key=str.lower)
        hashes = {}
        for processor in PLATFORMS:
            folder = scratch / processor
            wheels_for(processor, pinned, folder)
            for wheel in sorted(folder.iterdir()):
                name = wheel.name.split("-")[0].replace("_", "-").lower()
                hashes.setdefault(name, set()).add(
                    hashlib.sha256(wheel.read_bytes()).hexdigest())
    lines = ["# Made by tools/lock_python.py from requirements.in; do not edit.\n"]
    for pin in pinned:
        name = pin.split("==")[0].replace("_", "-").lower()
        lines.append(pin)
        lines += [f" \\\n    --hash=sha256:{digest}" for digest in sorted(hashes[name])]
        lines.append("\n")
    (here / "requirements.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
