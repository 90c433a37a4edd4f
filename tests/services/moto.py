"""A peer that speaks AWS's protocols: moto's server, whose functions answer without a container."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.services.programs import START_TIMEOUT, free_port, wait_for

KEYS = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "a-secret"}


class Moto:
    """The running server.

    Attributes:
        url: Its address.
    """

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        wait_for(port, self._process, folder / "log", 4 * START_TIMEOUT)
        told = json.dumps({"lambda": {"use_docker": False}}).encode()
        kind = {"content-type": "application/json"}
        asked = urllib.request.Request(f"{self.url}/moto-api/config", told, kind)
        with urllib.request.urlopen(asked, timeout=60):
            pass

    def client(self, service: str) -> Any:
        """A client of boto3's, for what an operator does."""
        import boto3

        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", **KEYS)

    def pause(self, *, on: bool) -> None:
        """Have it hang."""
        os.kill(self._process.pid, signal.SIGSTOP if on else signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def moto() -> Iterator[Moto]:
    """Run the server."""
    with tempfile.TemporaryDirectory(prefix="deskward-moto-") as name:
        running = Moto(Path(name))
        try:
            yield running
        finally:
            running.stop()
