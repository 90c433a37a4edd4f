"""All outside MCP servers of a desk: those of its file, which may change while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from deskward.core.database import Database
from deskward.core.tasks import background
from deskward.gate.call import Gate
from deskward.gate.tool import Tool
from deskward.hub.config import BadFile, Server, Servers, read_servers, text_of
from deskward.hub.connection import State
from deskward.hub.mounted import Mounted, Outside

PATIENCE = 10.0
"""Seconds that the desk's start waits for servers that neither answer nor refuse."""
LOOK = 2.0
"""Seconds between looks at the file."""

log = logging.getLogger(__name__)


class Hub:
    """Keeps a connection to each server, and their tools in the gate."""

    def __init__(
        self,
        gate: Gate,
        database: Database,
        *,
        tenant: str,
        fixed: Sequence[Outside] = (),
        file: Path | None = None,
    ) -> None:
        """Make a hub; `keep` connects it.

        Args:
            tenant: Whose the servers are that do not say so themselves.
            fixed: Servers that are there whatever the file says.
            file: Names the others; it is read again when it changes.

        Raises:
            ValueError: The file cannot be read.
        """
        self.servers: dict[str, Mounted] = {}
        self.problems: Mapping[str, str] = {}
        """Servers of the file that are left out, and why."""
        self._gate, self._database, self._tenant = gate, database, tenant
        self._fixed = tuple(fixed)
        self._file = file
        self._text: str | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        try:
            self._told = self._read()
        except BadFile as problem:
            raise ValueError(f"MCP_SERVERS_FILE: {file}: {problem}") from None

    @property
    def state(self) -> State:
        """The worst state of a server; `available` where there is none."""
        states = {server.state for server in self.servers.values()}
        return next((s for s in ("away", "connecting") if s in states), "available")

    @property
    def away(self) -> list[Mounted]:
        """The servers that do not answer."""
        return [server for server in self.servers.values() if server.state == "away"]

    @property
    def expected(self) -> dict[str, Tool]:
        """The built-in tools that servers' tools take the place of, by those tools' names."""
        return {n: tool for outside in self._fixed for n, tool in _expected(outside).items()}

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Keep the connections while the block runs. A server that is away is not waited for."""
        for outside in (*self._fixed, *map(self._outside, self._told.servers.values())):
            self._add(outside)
        self._tell()
        try:
            await asyncio.gather(*(s.replicas.tried(PATIENCE) for s in self.servers.values()))
            async with background(self._watch()):
                yield
        finally:
            await asyncio.gather(*(server.stop() for server in self.servers.values()))
            await asyncio.gather(*self._leaving)

    async def wait_for(self, tool: str) -> None:
        """Wait for a tool that only a server can have, as long as one request may take.

        Raises:
            Unavailable: The server should have it, and is away.
        """
        if tool in self._gate.tools:
            return
        server = self._server_of(tool)
        if server is not None and not await server.replicas.listed(server.outside.server.timeout):
            self.check(tool)

    def check(self, tool: str) -> None:
        """See that a tool that is not mounted is not only away.

        Raises:
            Unavailable: Its server should have it, and is away.
        """
        server = self._server_of(tool)
        if server is not None and server.state != "available":
            raise server.away()

    def _server_of(self, tool: str) -> Mounted | None:
        for server in self.servers.values():
            prefix = server.outside.prefix
            if tool in server.expected or (prefix.endswith("__") and tool.startswith(prefix)):
                return server
        return None

    def _outside(self, server: Server) -> Outside:
        return Outside(server, server.tenant or self._tenant, server.prefix)

    def _add(self, outside: Outside) -> None:
        server = Mounted(outside, self._gate, self._database)
        self.servers[server.name] = server
        server.start()

    async def _watch(self) -> None:
        problem = ""
        while self._file is not None:
            await asyncio.sleep(LOOK)
            try:
                text = await asyncio.to_thread(text_of, self._file)
                if text is None:
                    raise BadFile("it is not there any more")
                if text != self._text:
                    told = self._parsed(text)
                    self._text = text
                    self._change(told)
                problem = ""
            except BadFile as error:
                if str(error) != problem:
                    problem = str(error)
                    log.warning(
                        "%s cannot be read, and what it said before goes on: %s", self._file, error
                    )

    def _change(self, told: Servers) -> None:
        """Have the servers that the file names now; those that it names as before are let alone."""
        fixed = {outside.server.name for outside in self._fixed}
        wanted = {name: self._outside(server) for name, server in told.servers.items()}
        for name, server in list(self.servers.items()):
            if name not in fixed and server.outside != wanted.get(name):
                log.info("MCP server %s is not as it was in %s", name, self._file)
                del self.servers[name]
                server.leave()
                leaving = asyncio.create_task(server.stop(drain=True))
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)
        for name, outside in wanted.items():
            if name not in self.servers:
                self._add(outside)
        self._told = told
        self._tell()

    def _read(self) -> Servers:
        """What the file says at the desk's start; one that is not there yet says nothing."""
        if self._file is None:
            return Servers()
        self._text = text_of(self._file)
        if self._text is None:
            log.warning("%s is not there; it is read once it is", self._file)
            return Servers()
        return self._parsed(self._text)

    def _parsed(self, text: str) -> Servers:
        told = read_servers(text, os.environ)
        taken = {outside.server.name for outside in self._fixed} & told.servers.keys()
        if not taken:
            return told
        problem = "MCP_SERVER_URL is called so already: rename one"
        return Servers(
            {name: server for name, server in told.servers.items() if name not in taken},
            {**told.problems, **dict.fromkeys(taken, problem)},
        )

    def _tell(self) -> None:
        for name, problem in self._told.problems.items():
            if self.problems.get(name) != problem:
                log.warning("MCP server %s of %s is left out: %s", name[:64], self._file, problem)
        self.problems = self._told.problems


def _expected(outside: Outside) -> dict[str, Tool]:
    return {outside.prefix + name: twin for name, twin in outside.twins.items()}
