"""A way to PostgreSQL that fails as it is told: it loses the answers to a COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url

from deskward.core.settings import Settings

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Cutting:
    """What the way does to the next COMMIT."""

    def __init__(self) -> None:
        self.next: str | None = None
        """`cut`: the connection is closed; `silent`: the answer never comes."""

    async def carry(self, client: Stream, server: Stream) -> None:
        """Carry one connection until one side closes it."""
        lost: list[str] = []

        async def up() -> None:
            while data := await client[0].read(65536):
                if self.next and b"COMMIT;" in data:
                    lost.append(self.next)
                    self.next = None
                server[1].write(data)

        async def down() -> None:
            while data := await server[0].read(65536):
                if not lost:
                    client[1].write(data)
                elif lost[0] == "cut":
                    return

        ways = [asyncio.create_task(up()), asyncio.create_task(down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for _, writer in (client, server):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()


@asynccontextmanager
async def cutting(settings: Settings) -> AsyncIterator[tuple[Cutting, Settings]]:
    """Run one before the database of these settings; yields it and settings that go through it."""
    way = Cutting()
    direct = make_url(settings.database.url or "")
    carried: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        carried.add(task)
        server = await asyncio.open_connection(direct.host, direct.port)
        with contextlib.suppress(asyncio.CancelledError):  # asyncio logs a handler's cancellation
            await way.carry((reader, writer), server)
        carried.discard(task)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    url = direct.set(host="127.0.0.1", port=port, query={"ssl": "disable"})
    try:
        yield (
            way,
            settings.changed(database_url=url.render_as_string(hide_password=False)),
        )
    finally:
        listener.close()
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
