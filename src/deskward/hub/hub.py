"""An outside MCP server behind the gate: discovery, pins, and tools that come and go with it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deskward.core.database import Database
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import Facts, Risk, Tool
from deskward.hub import pins
from deskward.hub.connection import Connection
from deskward.hub.remote_tools import answer_check, calls, remote_tool

PATIENCE = 10.0
"""Seconds that the desk's start waits for a server that neither answers nor refuses."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """An outside server.

    Attributes:
        name: What pins, log and errors call it.
        url: Where it serves MCP.
        tenant: Whose it is; nobody else sees its tools.
        key: Its API key.
        prefix: What its tools' names get in front.
        timeout: Seconds that one request may take.
        twins: Built-in tools that its tools of the same name take the place of.
        lookup: The tool that gives the record of a call, for policies: its name, its parameter,
            and the field of its result that says whose the record is.
    """

    name: str
    url: str
    tenant: str
    key: str | None = None
    prefix: str = ""
    timeout: float = 10.0
    twins: Mapping[str, Tool] = field(default_factory=dict)
    lookup: tuple[str, str, str] | None = None


class Hub:
    """Mounts one outside server's tools into the gate, and takes them out when they change."""

    def __init__(self, outside: Outside, gate: Gate, database: Database) -> None:
        self.connection = Connection(
            outside.name, outside.url, key=outside.key, timeout=outside.timeout
        )
        self._outside = outside
        self._gate = gate
        self._database = database
        self._mounted: dict[str, str] = {}

    @property
    def state(self) -> Literal["connecting", "available", "away"]:
        """Whether the server answers; `connecting` while it may be starting beside the desk."""
        return self.connection.state

    @property
    def expected(self) -> dict[str, Tool]:
        """The built-in tools that its tools take the place of, by the names that those have."""
        return {self._outside.prefix + name: twin for name, twin in self._outside.twins.items()}

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Keep the connection while the block runs. A server that is away is not waited for."""
        async with self.connection.keep(self._listed, patience=PATIENCE):
            yield

    async def wait_for(self, tool: str) -> None:
        """Wait for a tool that only the server can have, as long as one request may take.

        Raises:
            Unavailable: The server should have it, and is away.
        """
        if tool in self._gate.tools:
            return
        if not await self.connection.listed(self._outside.timeout):
            self.check(tool)

    def check(self, tool: str) -> None:
        """See that a tool that is not mounted is not only away.

        Raises:
            Unavailable: The server should have it, and is away.
        """
        if tool in self.expected and self.state != "available":
            raise self.connection.away()

    async def _listed(self, listed: list[dict[str, Any]]) -> None:
        """Compare what the server offers with the pins, and mount what is accepted."""
        by_name = {str(tool["name"]): tool for tool in listed}
        shapes = {name: pins.shape_of(tool) for name, tool in by_name.items()}
        name = self._outside.name
        known = {
            pin.name: pin for pin in await pins.pins(self._database.reader) if pin.server == name
        }
        if any(
            n not in known or known[n].offered != pins.fingerprint(s) for n, s in shapes.items()
        ):
            async with self._database.transaction() as transaction:
                known = await pins.compare(transaction, name, shapes)
        accepted = {n: shape for n, shape in shapes.items() if not known[n].quarantined}
        if accepted == self._mounted:
            return
        for tool in sorted(shapes.keys() - accepted.keys()):
            log.warning(
                "tool %s of %s is quarantined: it is not what was accepted. Look at it with "
                "`deskward hub list`.",
                tool,
                name,
            )
        tools = [self._tool(by_name[n]) for n in sorted(accepted)]
        self._gate.mount(name, [tool for tool in tools if tool is not None])
        self._mounted = accepted

    def _tool(self, listed: Mapping[str, Any]) -> Tool | None:
        name = str(listed["name"])
        twin = self._outside.twins.get(name)
        safe = twin is not None and twin.risk is Risk.READ
        try:
            return remote_tool(
                listed,
                calls(self.connection.call, name, safe=safe, check=answer_check(listed)),
                prefix=self._outside.prefix,
                server=self._outside.name,
                tenant=self._outside.tenant,
                twin=twin,
                facts=self._facts() if twin and twin.facts else None,
            )
        except ValueError as error:
            log.warning("tool %r of %s is left out: %s", name[:64], self._outside.name, error)
            return None

    def _facts(self) -> Facts | None:
        """Whose record a call is about, as the server itself says."""
        if self._outside.lookup is None:
            return None
        tool, parameter, owner = self._outside.lookup

        async def facts(_ctx: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
            record = await self.connection.call(tool, {parameter: arguments[parameter]}, safe=True)
            # Nobody's, where the server does not say: then no customer may touch it.
            return {"id": str(arguments[parameter]), "owner": str(record.get(owner) or "")}

        return facts
