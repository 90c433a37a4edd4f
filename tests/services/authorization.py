"""A real authorization server, for whoever signs in."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.services.npm import installed, newer_node
from tests.services.programs import free_port

PACKAGE = ("oidc-provider", "9.13.3")
SECRET = "the-secret-of-the-desk"
HERE = Path(__file__).parent


@contextlib.contextmanager
def authorization_server(*, seconds: int = 600, audience: str = "") -> Iterator[str]:
    """Run one; gives its issuer.

    Args:
        seconds: How long a token lives.
        audience: Whom its tokens are for, whatever was asked.
    """
    port = free_port()
    script = str(HERE / "authorization.mjs")
    command = [newer_node(), script, str(installed(*PACKAGE)), str(port), str(seconds), audience]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            assert b"ready" in process.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
