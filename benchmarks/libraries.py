"""What is installed beside the project, each in an environment of its own in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.processes import CannotMeasure

INSTALL_LIMIT = 600.0
"""Seconds that an installation may take."""

AGENTS = ("pydantic_ai", "agent_framework")
"""The agent libraries that turns are compared with; see `subjects.turn_NAME`."""

PINS = Path(__file__).parent / "environments"
"""What each environment is to have (`NAME.in`), and all that it then has (`NAME.lock`)."""
CHECK_LOCK = Path(__file__).parents[1] / "tools" / "check_lock.py"


def _pins(file: Path) -> tuple[str, ...]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


LIBRARIES = {file.stem: _pins(file) for file in sorted(PINS.glob("*.in"))}
"""Name, and what is installed for it. What Deskward has, too, is in the version of its lock."""


def cache_folder() -> Path:
    """Where the environments are kept from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "deskward-benchmarks"


def python_of(name: str) -> Path:
    """The interpreter of an environment, which is made if need be.

    Args:
        name: One of `LIBRARIES`.

    Raises:
        CannotMeasure: It cannot be installed, for example without network.
    """
    wanted = LIBRARIES[name]
    lock = PINS / f"{name}.lock"
    digest = hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()[:10]
    folder = cache_folder() / f"{name}-{digest}"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {', '.join(wanted)} into {folder} …", file=sys.stderr)
        _run([sys.executable, "-m", "venv", str(folder)])
        python = str(folder / "bin/python")
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(lock)])
        _run([*pip, "check"])
        _run([python, str(CHECK_LOCK), str(lock)])
        (folder / ".ready").touch()
    return folder / "bin/python"


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """What is pinned in some environments."""
    pins = (pin.split("==") for name in names for pin in LIBRARIES[name])
    return {package.partition("[")[0]: version for package, version in pins}


def told(names: Iterable[str]) -> list[str]:
    """A remark for the report on each of some environments."""
    pins = {name: versions_of([name]) for name in names}
    return [
        f"In {name}'s own environment: " + ", ".join(f"{k} {v}" for k, v in found.items())
        for name, found in pins.items()
    ]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"the installation took over {INSTALL_LIMIT:g} s") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["pip gave no reason"]
        raise CannotMeasure(f"it could not be installed: {lines[-1][:200]}")
