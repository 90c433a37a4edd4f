"""A process of its own: says of each session and key on its input whose texts policies know of."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from deskward.app import open_desk
from deskward.gate.context import Context
from deskward.security.principals import AGENT
from tests.conftest import STAFF, settings_in
from tests.gate.texts import probe

READER = replace(STAFF, roles=("support-3",))


async def _main() -> None:
    asked = json.load(sys.stdin)
    told: dict[str, list[str]] = {}
    async with open_desk(settings_in(Path(asked["folder"]), secret_key="k" * 32)) as desk:
        for session in asked["sessions"]:
            context = Context(READER.with_agent(AGENT), "agent", session_id=session)
            told[session] = await probe(desk, context)
        for key in asked["keys"]:
            told[key] = await probe(desk, Context(await desk.keys.verify(key), "mcp"))
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(_main())
