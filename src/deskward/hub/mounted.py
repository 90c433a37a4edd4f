"""One outside MCP server behind the gate: discovery, pins, and tools that come and go with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from deskward.core.database import Database
from deskward.core.errors import Unavailable
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.reconcile import Reconcile
from deskward.gate.tool import Facts, Risk, Tool
from deskward.hub import pins
from deskward.hub.besides import stands_for
from deskward.hub.config import Server
from deskward.hub.connection import Connection, Listing, State
from deskward.hub.naming import names_of
from deskward.hub.remote_tools import answer_check, calls, remote_tool
from deskward.hub.replicas import Replicas

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """An outside server, and what its tools are here.

    Attributes:
        server: Where it is.
        tenant: Whose it is; nobody else sees its tools.
        prefix: What its tools' names get in front.
        twins: Built-in tools that its tools of the same name take the place of.
        lookup: The tool that gives the record of a call, for policies: its name, its parameter,
            and the field of its result that says whose the record is.
    """

    server: Server
    tenant: str
    prefix: str = ""
    twins: Mapping[str, Tool] = field(default_factory=dict)
    lookup: tuple[str, str, str] | None = None


class Mounted:
    """Mounts one outside server's tools into the gate, and takes them out when they change."""

    def __init__(self, outside: Outside, gate: Gate, database: Database) -> None:
        self.outside = outside
        self.replicas = Replicas(outside.server)
        self._gate = gate
        self._database = database
        self._listings: dict[int, dict[str, dict[str, Any]]] = {}
        """By the number of a replica, what it offers."""
        self._shown: Any = None
        self._quarantined: set[str] = set()
        self._gone = False

    @property
    def name(self) -> str:
        """What pins, log and errors call it."""
        return self.outside.server.name

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.outside.server.ways[0].place

    @property
    def state(self) -> State:
        """Whether the server answers; `connecting` while it may be starting beside the desk."""
        return self.replicas.state

    @property
    def expected(self) -> dict[str, Tool]:
        """The built-in tools that its tools take the place of, by the names that those have."""
        return {self.outside.prefix + name: twin for name, twin in self.outside.twins.items()}

    def start(self) -> None:
        """Connect to it."""
        count = len(self.replicas.connections)
        self.replicas.start([self._listing(number) for number in range(count)])

    def leave(self) -> None:
        """Take its tools out for good."""
        self._gone = True
        self._gate.mount(self.name, [])

    async def stop(self, *, drain: bool = False) -> None:
        """Close the connections; see `Replicas.stop`."""
        await self.replicas.stop(drain=drain)

    def away(self) -> Unavailable:
        """The error of a call while it is away."""
        return self.replicas.connections[0].away()

    def _listing(self, number: int) -> Listing:
        return partial(self._listed, number)

    async def _listed(self, number: int, listed: list[dict[str, Any]]) -> None:
        """Compare what a replica offers with the pins, and mount what is accepted."""
        # What takes the place of the built-in tools brings nothing besides.
        self._listings[number] = {
            name: tool
            for tool in listed
            if len(name := str(tool["name"])) <= pins.LONGEST
            and not (self.outside.twins and stands_for(name))
        }
        offers: dict[str, dict[str, list[Connection]]] = {}
        by_shape: dict[str, dict[str, Any]] = {}
        for each, tools in self._listings.items():
            connection = self.replicas.connections[each]
            for name, tool in tools.items():
                shape = pins.shape_of(tool)
                by_shape[shape] = tool
                offers.setdefault(name, {}).setdefault(shape, []).append(connection)
        known = await self._compared(offers)
        accepted: dict[str, tuple[str, list[Connection], pins.Pin]] = {}
        for name, shapes in offers.items():
            for shape, at in shapes.items():
                if pins.fingerprint(shape) == known[name].fingerprint:
                    accepted[name] = (shape, at, known[name])
        shown = {
            name: (*it[:2], it[2].reads, it[2].audience, it[2].reconcile)
            for name, it in accepted.items()
        }
        if self._gone or shown == self._shown:
            return
        self._warn(offers.keys() - accepted.keys())
        names = names_of(self.outside.prefix, accepted)
        tools_ = [
            self._tool(by_shape[accepted[name][0]], names, *accepted[name][1:])
            for name in sorted(accepted)
            if name in names
        ]
        self._gate.mount(self.name, [tool for tool in tools_ if tool is not None])
        self._shown = shown

    async def _compared(self, offers: Mapping[str, Mapping[str, Any]]) -> dict[str, pins.Pin]:
        """The pins, with what is offered now noted: of several shapes the one not accepted."""
        known = {
            pin.name: pin
            for pin in await pins.pins(self._database.reader)
            if pin.server == self.name
        }
        shown = {}
        for name, shapes in offers.items():
            pinned = known[name].fingerprint if name in known else None
            shown[name] = max(shapes, key=lambda shape: pins.fingerprint(shape) != pinned)
        if any(
            name not in known or known[name].offered != pins.fingerprint(shape)
            for name, shape in shown.items()
        ):
            async with self._database.transaction() as transaction:
                return await pins.compare(transaction, self.name, shown)
        return known

    def _warn(self, quarantined: set[str]) -> None:
        for tool in sorted(quarantined - self._quarantined):
            log.warning(
                "tool %s of %s is quarantined: it is not what was accepted. Look at it with "
                "`deskward hub tools`.",
                tool[:64],
                self.name,
            )
        self._quarantined = quarantined

    def _tool(
        self,
        listed: Mapping[str, Any],
        names: Mapping[str, str],
        at: list[Connection],
        pin: pins.Pin,
    ) -> Tool | None:
        name = str(listed["name"])
        twin = self.outside.twins.get(name)
        safe = twin.risk is Risk.READ if twin is not None else pin.reads is True
        try:
            return remote_tool(
                listed,
                calls(
                    partial(self.replicas.call, at=at),
                    name,
                    safe=safe,
                    check=answer_check(listed),
                ),
                name=names[name],
                server=self.name,
                tenant=self.outside.tenant,
                twin=twin,
                facts=self._facts() if twin and twin.facts else None,
                reads=safe,
                for_customers=pin.for_customers,
                reconcile=_reconcile(pin, names),
            )
        except ValueError as error:
            log.warning("tool %r of %s is left out: %s", name[:64], self.name, error)
            return None

    def _facts(self) -> Facts | None:
        """Whose record a call is about, as the server itself says."""
        if self.outside.lookup is None:
            return None
        tool, parameter, owner = self.outside.lookup

        async def facts(_ctx: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
            record = await self.replicas.call(tool, {parameter: arguments[parameter]}, safe=True)
            # Nobody's, where the server does not say: then no customer may touch it.
            return {"id": str(arguments[parameter]), "owner": str(record.get(owner) or "")}

        return facts


def _reconcile(pin: pins.Pin, names: Mapping[str, str]) -> Reconcile | None:
    """How its calls are settled, with the counterpart as it is called here."""
    if pin.reconcile is None:
        return None
    told = Reconcile.model_validate_json(pin.reconcile)
    return told.model_copy(update={"tool": names.get(told.tool, told.tool)})
