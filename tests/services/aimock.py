"""The peer of the model providers: aimock, which speaks their protocols and answers by fixture.

It comes from npm, in one pinned version, into a cache folder outside the repository: set
DESKWARD_TEST_CACHE to choose it. Where it cannot be had, tests skip, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

PACKAGE = "@copilotkit/aimock"
VERSION = "1.43.0"
START_TIMEOUT = 30
INSTALL_TIMEOUT = 180


@contextlib.contextmanager
def aimock(fixtures: Sequence[dict[str, Any]], *, keys: Sequence[str] = ()) -> Iterator[str]:
    """Run aimock on a free port of this machine; yields its address, without a path.

    Args:
        fixtures: What it answers to what, as its README describes; the first match wins.
        keys: The API keys that it takes; any at all where there are none.
    """
    script = _script()
    environment = {**os.environ, "AIMOCK_API_KEYS": ",".join(keys)}
    if not keys:
        del environment["AIMOCK_API_KEYS"]
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder, "fixtures.json"), Path(folder, "log")
        path.write_text(json.dumps({"fixtures": list(fixtures)}))
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    *("node", str(script), "--port", "0", "--host", "127.0.0.1"),
                    *("--fixtures", str(path), "--validate-on-load"),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(timeout=START_TIMEOUT)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < until:
        if found := re.search(r"listening on (http://\S+)", log.read_text()):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"aimock did not start: {log.read_text()}")


def _script() -> Path:
    """The program, installed first where it is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _give_up("node and npm are not installed")
    cache = os.environ.get("DESKWARD_TEST_CACHE") or Path.home() / ".cache" / "deskward-tests"
    folder = Path(cache, f"aimock-{VERSION}")
    script = folder / "node_modules" / PACKAGE / "dist" / "cli.js"
    if script.exists():
        return script
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    command = ["npm", "install", "--prefix", str(fresh), "--ignore-scripts", "--no-audit"]
    try:
        done = subprocess.run(
            [*command, "--no-fund", f"{PACKAGE}@{VERSION}"],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
        )
        if done.returncode != 0:
            _give_up(f"npm could not install {PACKAGE}: {done.stderr[-500:]}")
        # In place all at once; where another test process was first, its copy serves.
        with contextlib.suppress(OSError):
            fresh.rename(folder)
    except subprocess.TimeoutExpired:
        _give_up(f"npm took more than {INSTALL_TIMEOUT} s to install {PACKAGE}")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return script


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
