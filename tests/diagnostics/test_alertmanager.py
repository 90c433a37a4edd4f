"""A running desk that a running Alertmanager posts to, as its operator sets both up."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deskward.client.mcp import MCPClient
from deskward.core.database import now
from tests.services.alertmanager import Alertmanager, Receiver, alertmanager
from tests.services.server import new_key, server

pytestmark = pytest.mark.slow

LABELS = {"alertname": "ApiErrors", "product": "Acme API", "code": "503", "severity": "critical"}
MINUTE = timedelta(minutes=1)


async def added(folder: Path) -> tuple[str, str]:
    """A source that the command line adds: its path, and its secret."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "EMBEDDINGS": "off"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deskward", "incidents", "source", "add", "Production"),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told = (await process.communicate())[0].decode()
    assert process.returncode == 0, told
    (path,) = re.findall(r"POST (/hooks/alerts/\w+)", told)
    (secret,) = re.findall(r"whsec_\S+", told)
    return path, secret


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not await look():
            await asyncio.sleep(0.1)


async def posted(monitor: Alertmanager, *, taken: int = 0, refused: int = 0) -> None:
    """Wait until so many posts were taken, and so many refused."""

    async def so_many() -> bool:
        have_been, have_not = await monitor.posts()
        return have_been >= taken and have_not >= refused

    await until(so_many)


async def test_an_alert_is_one_incident_until_it_is_over(tmp_path: Path) -> None:
    home = tmp_path / "data"
    async with server(home) as (url, _pid):
        path, secret = await added(home)
        key = await new_key(home, "staff", "anna")
        hook = f"{url}{path}"
        receivers = {"desk": Receiver(hook, secret), "stranger": Receiver(hook, f"{secret}x")}
        with alertmanager(**receivers) as monitor:
            async with MCPClient(f"{url}/mcp", key=key) as client:

                async def incidents() -> list[dict[str, Any]]:
                    found: Any = await client.call_tool("list_incidents", {})
                    listed: list[dict[str, Any]] = found["incidents"]
                    return listed

                async def status(wanted: str) -> None:
                    async def is_so() -> bool:
                        return [one["status"] for one in await incidents()] == [wanted]

                    await until(is_so)

                began = now() - MINUTE
                # Who has another secret is not heard.
                await monitor.tell({**LABELS, "team": "stranger"}, began=began)
                await posted(monitor, refused=1)
                assert await incidents() == []
                assert (await monitor.posts())[0] == 0

                await monitor.tell({**LABELS, "team": "desk"}, began=began)
                await status("open")
                (one,) = await incidents()
                assert (one["title"], one["severity"]) == ("ApiErrors is firing", "critical")
                assert (one["product"], one["code"], one["firing"]) == ("Acme API", "503", 1)

                # The same again: told twice, and posted again because it goes on.
                await monitor.tell({**LABELS, "team": "desk"}, began=began)
                before, _refused = await monitor.posts()
                await posted(monitor, taken=before + 2)
                assert await incidents() == [one]

                await monitor.tell({**LABELS, "team": "desk"}, began=began, ended=now())
                await status("resolved")
                (over,) = await incidents()
                assert over["incident_id"] == one["incident_id"]
                assert over["firing"] == 0
