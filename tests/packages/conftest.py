"""The packages, made once from the two release builds, and what the tests do with them."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))


def run(*command, check=True, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert not check or done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done


def packed(folder):
    run(ROOT / "script" / "package", "--no-build", "--out", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def deb(packages):
    [file] = packages.glob("*.deb")
    return file


@pytest.fixture(scope="session")
def tarball(packages):
    [file] = [f for f in packages.glob("*.tar.gz") if "debug" not in f.name]
    return file


@pytest.fixture(scope="session")
def work():
    """A folder that other users may pass through, which pytest's own are not."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="davy-packages-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def bundle(tarball, work):
    """The tarball, unpacked where nobody built it."""
    folder = work / "some folder"
    folder.mkdir()
    run("tar", "xzf", tarball, "-C", folder)
    [inside] = folder.iterdir()
    return inside
