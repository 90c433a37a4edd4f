"""The peer of the model providers: aimock, which speaks their protocols and answers by fixture."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.services.npm import installed

PACKAGE = "@copilotkit/aimock"
VERSION = "1.43.0"
START_TIMEOUT = 30


@contextlib.contextmanager
def aimock(fixtures: Sequence[dict[str, Any]], *, keys: Sequence[str] = ()) -> Iterator[str]:
    """Run aimock on a free port of this machine; yields its address, without a path.

    Args:
        fixtures: What it answers to what, as its README describes; the first match wins.
        keys: The API keys that it takes; any at all where there are none.
    """
    script = installed(PACKAGE, VERSION) / "dist" / "cli.js"
    environment = {**os.environ, "AIMOCK_API_KEYS": ",".join(keys)}
    if not keys:
        del environment["AIMOCK_API_KEYS"]
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder, "fixtures.json"), Path(folder, "log")
        path.write_text(json.dumps({"fixtures": list(fixtures)}), encoding="utf-8")
        with log.open("w", encoding="utf-8") as output:
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
        if found := re.search(r"listening on (http://\S+)", log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"aimock did not start: {log.read_text(encoding='utf-8')}")
