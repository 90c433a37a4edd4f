"""The installation, as our Makefile does it, of a made-up project from a made-up index."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.package_index import PackageIndex, package_index
from tests.services.programs import give_up

ROOT = Path(__file__).parents[2]
LIMIT = 120.0
"""Seconds that anything here may take; much longer than it does."""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "madeup"
version = "1.0"
"""
BACKEND = """
import zipfile

WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def build_editable(folder, settings=None, metadata=None):
    name, about = "madeup-1.0-py3-none-any.whl", "madeup-1.0.dist-info/"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: madeup\\nVersion: 1.0\\n")
        wheel.writestr(about + "WHEEL", WHEEL)
        wheel.writestr(about + "RECORD", "")
    return name
"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("install"), pytest.mark.timeout(400)]


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with package_index() as opened:
        yield opened


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with our Makefile and our tools."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "tools", folder / "tools")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
    return folder


def environment(index: PackageIndex) -> dict[str, str]:
    """Environment variables with which pip knows nothing but the index."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**ours, "PIP_INDEX_URL": index.url, "PIP_CONFIG_FILE": os.devnull}


def make(project: Path, index: PackageIndex, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "setup", f"PYTHON={sys.executable}", *words],
        cwd=project,
        env=environment(index),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def python_with(pip: str, folder: Path) -> str:
    """A Python whose environments begin with another pip than the one it brings.

    Args:
        pip: What pip is to be, as a requirement.
        folder: A folder for it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), pip],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    if done.returncode != 0:
        give_up(f"{pip} could not be downloaded: {done.stderr[-500:]}")
    (wheel,) = folder.glob("pip-*.whl")
    script = folder / "python"
    script.write_text(
        f"""#!/bin/sh
{sys.executable} "$@" || exit
if [ "$2" = venv ]; then .venv/bin/python -m pip install --quiet --no-index {wheel}; fi
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(script)


def version(project: Path, package: str) -> str:
    """The version of a package that was installed, as its module says it."""
    done = subprocess.run(
        [project / ".venv/bin/python", "-c", f"import {package}; print({package}.version)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def lock_with_an_extra(project: Path, index: PackageIndex) -> None:
    """A lock as ours, in which one package wants another with an extra; then time goes on."""
    needs = 'madeupdns; extra == "email"'
    lines = [index.add("madeupmodels", "1.0", needs), index.add("madeupdns", "1.0")]
    lines += [index.add("madeupserver", "1.0", "madeupmodels[email]>=1.0")]
    elsewhere = index.add("madeupwindows", "1.0").replace(
        "==1.0", "==1.0 ; sys_platform == 'win32'"
    )
    (project / "requirements.lock").write_text("".join([*lines, elsewhere]), encoding="utf-8")
    index.add("madeupmodels", "2.0", needs)
    index.add("madeupdns", "2.0")


@pytest.mark.parametrize("pip", ["pip==23.0", "pip"], ids=["the oldest pip", "the newest pip"])
def test_newer_versions_in_the_index_change_nothing(
    project: Path, index: PackageIndex, tmp_path: Path, pip: str
) -> None:
    lock_with_an_extra(project, index)
    done = make(project, index, f"PYTHON={python_with(pip, tmp_path)}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert version(project, "madeupmodels") == version(project, "madeupdns") == "1.0"
    used = subprocess.check_output([project / ".venv/bin/pip", "--version"], text=True)
    assert used.startswith("pip 23.0 ") == (pip == "pip==23.0")


def test_with_its_resolver_pip_looks_beyond_the_lock(
    project: Path, index: PackageIndex, tmp_path: Path
) -> None:
    """Why the Makefile goes without it; the index above is one in which it fails."""
    lock_with_an_extra(project, index)
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    assert "--no-deps --require-hashes" in makefile
    (project / "Makefile").write_text(
        makefile.replace("--no-deps --require-hashes", "--require-hashes"), encoding="utf-8"
    )
    done = make(project, index, f"PYTHON={python_with('pip==23.0', tmp_path)}")
    assert done.returncode != 0
    assert "madeupmodels[email]>=1.0" in done.stderr
    assert not (project / ".venv/.ready").exists()


def test_what_is_not_in_the_lock_is_named(project: Path, index: PackageIndex) -> None:
    lines = [index.add("madeupa", "1.0", "madeupb>=1.0")]
    index.add("madeupb", "1.0")
    (project / "requirements.lock").write_text("".join(lines), encoding="utf-8")
    done = make(project, index)
    assert done.returncode != 0
    assert "madeupa 1.0 requires madeupb, which is not installed" in done.stdout
    assert not (project / ".venv/.ready").exists()


def test_another_lock_leaves_nothing_of_the_one_before(project: Path, index: PackageIndex) -> None:
    lock = project / "requirements.lock"
    lock.write_text(index.add("madeupa", "1.0") + index.add("madeupb", "1.0"), encoding="utf-8")
    assert make(project, index).returncode == 0
    assert "Installing" not in make(project, index).stdout
    time.sleep(0.01)
    lock.write_text(index.add("madeupa", "2.0"), encoding="utf-8")
    done = make(project, index)
    assert done.returncode == 0, done.stdout + done.stderr
    assert version(project, "madeupa") == "2.0"
    assert not list(project.glob(".venv/lib/*/site-packages/madeupb*"))


def interrupted(project: Path, index: PackageIndex, reached: Callable[[], bool]) -> None:
    """Begin an installation and kill it with all that it started, once it has come so far."""
    process = subprocess.Popen(
        ["make", "setup", f"PYTHON={sys.executable}"],
        cwd=project,
        env=environment(index),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + LIMIT
    while not reached():
        assert process.poll() is None, "it ended before it was interrupted"
        assert time.monotonic() < until
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (project / ".venv/.ready").exists()


def test_an_interrupted_installation_is_finished_by_the_next(
    project: Path, index: PackageIndex
) -> None:
    many = {f"module_{number}.py": f"value = {number}\n" for number in range(3_000)}
    lines = [index.add("madeupa", "1.0"), index.add("madeupbig", "1.0", modules=many)]
    (project / "requirements.lock").write_text("".join(lines), encoding="utf-8")

    def found(pattern: str) -> Callable[[], bool]:
        return lambda: any(project.glob(f".venv/lib/*/site-packages/{pattern}"))

    # While the environment itself is made.
    interrupted(project, index, found("pip/*"))
    # While pip downloads.
    held = "madeupbig-1.0-py3-none-any.whl"
    index.held.add(held)
    interrupted(project, index, lambda: held in index.asked)
    index.held.clear()
    # While pip copies files: what it leaves looks whole to the next pip, and is not.
    interrupted(project, index, found("madeupbig/module_1.py"))
    assert found("madeupbig-1.0.dist-info/METADATA")()
    assert not found("madeupbig/module_2999.py")()
    # While pip installs the project itself.
    interrupted(project, index, lambda: (project / ".venv/.locked.used").exists())

    done = make(project, index)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found("madeupbig/module_2999.py")()
    assert version(project, "madeupa") == version(project, "madeupbig") == "1.0"
