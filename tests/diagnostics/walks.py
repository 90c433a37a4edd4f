"""A process that walks diagnostic sessions, and may be killed at any moment of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from deskward.app import Desk, open_desk
from tests.conftest import CUSTOMER, caller, settings_in
from tests.diagnostics.test_sessions import TO_CAUSE, TO_SPECIALIST

KEY = "k" * 32
WAYS = (TO_CAUSE, TO_SPECIALIST)


async def walk(desk: Desk, number: int) -> None:
    """Walk a session from where it is to its end; each answer has a key of its own.

    What was answered last is said once more with its key: whoever was killed does not know whether
    it was heard.
    """
    call, way = caller(desk), WAYS[number % len(WAYS)]
    session = (await call("get_diagnostic_session", session_id=f"D{1001 + number}")).value
    for place in range(max(0, session["revision"] - 2), len(way)):
        given = {"session_id": session["id"], "revision": place + 1, "answer": way[place]}
        told = await call("answer_diagnostic_step", CUSTOMER, f"{session['id']}-{place}", **given)
        assert told.status == "ok", told.value


async def main(data: Path, sessions: int) -> None:
    """Walk all of them at once."""
    async with open_desk(settings_in(data, secret_key=KEY), chat=False) as desk:
        await asyncio.gather(*(walk(desk, number) for number in range(sessions)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
