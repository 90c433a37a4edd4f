"""`Gate.call`: the only way a tool runs.

validate → identify → policy, effect (idempotent) and ledger row in one transaction (`run.py`).
Doors make a `Context`, call, and render the `Outcome`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, timedelta, tzinfo
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from deskward.core.database import Database, Writer
from deskward.core.errors import (
    Cancelled,
    DeskwardError,
    Forbidden,
    Internal,
    OutcomeUnknown,
    TimeLimitExceeded,
    Unavailable,
    UnknownTool,
)
from deskward.core.veil import MASK
from deskward.gate import autonomy, effects
from deskward.gate.approvals import Approvals
from deskward.gate.confirmations import LIFETIME as CONFIRM_WITHIN
from deskward.gate.confirmations import Confirmations
from deskward.gate.context import Context, Port
from deskward.gate.judging import NewCall, refusal
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.gate.outcome import Call, Outcome
from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.gate.readings import OUTSIDE, Readings, note
from deskward.gate.run import Runner
from deskward.gate.tool import Risk, Tool
from deskward.gate.validation import require_in_bounds, validated
from deskward.gate.views import View
from deskward.security.principals import Kind, Principal

log = logging.getLogger(__name__)

MOST_OFFERED = 1_000
"""Tenants and roles of which it is remembered what they are offered."""


class Gate:
    """Holds the tools, and lets calls through to them or not."""

    def __init__(
        self,
        tools: Iterable[Tool],
        *,
        database: Database,
        policy: Policy,
        key: bytes,
        names: bytes | None = None,
        generation: int = 0,
        time_limit: float = 30.0,
        ports: Mapping[type, Any] | None = None,
        zone: tzinfo = UTC,
        confirm_within: timedelta = CONFIRM_WITHIN,
    ) -> None:
        """Make a gate.

        Args:
            key: The desk's secret key.
            names: What digests and names are made with, where that is another one by now.
            generation: Which secret key of the desk this is.
            time_limit: Seconds that one call may run.
            ports: What tools get by `Context.port`: by its type.
            zone: The desk's time zone, for policies that look at the clock.
            confirm_within: How long a customer can say yes to what they are asked.

        Raises:
            ValueError: Two tools have the same name or the same REST address, or one names another
                that is not there.
        """
        self.tools: dict[str, Tool] = {}
        self._foreign: list[Tool] = []
        """Those of which an outside server has written the description."""
        self.generation = 0
        """Grows whenever the tools change."""
        self._offered: dict[tuple[str, tuple[str, ...]], tuple[dict[str, Tool], Policy, list[Tool]]]
        self._offered = {}
        """By tenant and roles, which decide on it (`Policy.may_use`), what is offered: of these
        tools, by these policies."""
        self.database = database
        self.policy = policy
        self.zone = zone
        self._whereabouts = (ports or {}).get(autonomy.Whereabouts)
        self.runner = Runner(database, names or key, time_limit, {Gate: self, **(ports or {})})
        addresses: set[tuple[str, str]] = set()
        for tool in tools:
            if tool.name in self.tools or not addresses.isdisjoint(tool.addresses):
                raise ValueError(f"two tools are called {tool.name} or {tool.method} {tool.path}")
            self.tools[tool.name] = tool
            addresses.update(tool.addresses)
        for tool in self.tools.values():
            listed_by = tool.resource.listed_by if tool.resource is not None else ""
            if listed_by and listed_by not in self.tools:
                raise ValueError(f"{tool.name}: there is no tool {listed_by}")
        self.ledger = Ledger(key, names, generation=generation)
        self.readings = Readings()
        self.approvals = Approvals(key)
        self.confirmations = Confirmations(key, confirm_within)
        self.shadow: Policy | None = None
        """Policies that are asked beside those that count, and whose dissent is recorded."""
        database.before_commit = self._before_commit

    def mount(self, server: str, tools: Iterable[Tool]) -> None:
        """Have these tools of an outside server, instead of those that it had before.

        A tool that is called like another one, or is at its address, is left out.
        """
        self.tools = {name: tool for name, tool in self.tools.items() if tool.server != server}
        taken = {address for tool in self.tools.values() for address in tool.addresses}
        for tool in tools:
            if tool.name in self.tools or (tool.method, tool.path) in taken:
                log.warning("tool %s of %s is left out: there is one already", tool.name, server)
            else:
                self.tools[tool.name] = tool
        for policy in filter(None, (self.policy, self.shadow)):
            policy.know(self.tools.values())
        self.generation += 1
        self._foreign = [tool for tool in self.tools.values() if tool.foreign]

    def port(self, kind: Callable[..., Port]) -> Port:
        """The way to something outside the database, as tools get it by `Context.port`."""
        return self.runner.port(kind)

    def tools_for(self, principal: Principal, view: View | None = None) -> list[Tool]:
        """The tools that the principal's roles allow, and that are in a view."""
        who = principal.tenant, principal.roles
        known = self._offered.get(who)
        if known is None or known[0] is not self.tools or known[1] is not self.policy:
            found = [
                tool
                for tool in self.tools.values()
                if tool.offered and self.policy.may_use(tool, principal)
            ]
            if len(self._offered) >= MOST_OFFERED:
                self._offered.clear()
            known = self._offered[who] = (self.tools, self.policy, found)
        return [tool for tool in known[2] if view is None or view.holds(tool.name)]

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        context: Context,
        *,
        idempotency_key: effects.Key | None = None,
        strict: bool = True,
    ) -> Outcome:
        """Let one call through, or not. Raises nothing of its own: every end is an `Outcome`.

        Args:
            name: The tool.
            arguments: As the caller gave them.
            context: Who calls, and how.
            idempotency_key: Repeating the call with the same key gives the first answer again.
                Text is a caller's.
            strict: Whether `"5"` is no number; doors whose arguments are all text say False.
        """
        tool = self.tools.get(name)
        if tool is None or not tool.offered:
            error = UnknownTool(f"There is no tool {name[:64]!r}. List the tools to see them.")
            return Outcome("error", "", context.request_id, error)
        call = self.call_of(tool, context, idempotency_key)
        return await self.guarded(call, lambda: self._decide(call, arguments, strict))

    async def act(self, name: str, arguments: Mapping[str, Any], context: Context) -> Outcome:
        """Let a door do what is no tool, or not: it passes all that a tool's call passes.

        Args:
            name: What it does, declared as a tool without an address.
            arguments: See `call`.
            context: Who wants it; what it `carried` is not recorded.
        """
        call = self.call_of(self.tools[name], context, None)
        return await self.guarded(call, lambda: self._decide(call, arguments, True))

    def call_of(self, tool: Tool, context: Context, key: effects.Key | None) -> Call:
        """A call at its beginning."""
        call = Call(tool, context, key, policy_version=self.policy.version)
        if context.session_id is not None:
            call.conversation = self.ledger.conversation(
                context.tenant, context.principal.label, context.session_id
            )
        return call

    async def guarded(self, call: Call, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """What comes of a call, also where it fails. One that is cancelled is recorded as that."""
        name = call.tool.name
        try:
            return self._kept(call, await work())
        except DeskwardError as error:
            return await self._failed(call, error)
        except TimeoutError:
            problem = (
                f"{name} did not end within {self.runner.time_limit:g} seconds and was stopped."
            )
            return await self._failed(call, TimeLimitExceeded(problem))
        except SQLAlchemyError:
            log.exception("the database failed in %s", name)
            return await self._failed(
                call, Unavailable("The database did not answer. Try again.", retry_after=1)
            )
        except Exception:
            log.exception("%s failed", name)
            return await self._failed(
                call, Internal("Something went wrong on our side. Quote the request id to us.")
            )
        except asyncio.CancelledError as cancellation:
            # One that came after the end's row was made changes nothing: what was done stays done.
            if not call.ended:
                cause = cancellation.__cause__
                cancelled = Cancelled(f"{name} was cancelled before it ended.")
                await self._failed(call, cause if isinstance(cause, DeskwardError) else cancelled)
            raise

    async def first_answer(self, name: str, context: Context, key: effects.Key) -> Outcome | None:
        """See `Runner.first_answer`."""
        return await self.runner.first_answer(self.tools.get(name), name, context, key)

    async def _before_commit(self, connection: Writer, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.read is not None:
                holder, sources = entry.read
                await note(connection, entry.tenant, holder, sources)
            for table, row in entry.beside:
                await connection.execute(table.insert(), row)
        await self.ledger.write(connection, entries)

    def _kept(self, call: Call, outcome: Outcome) -> Outcome:
        """The outcome of a call whose row is committed, with what its caller has read by it."""
        context = call.context
        self.readings.kept(context.tenant, context.holder, context.reading)
        return outcome

    async def _failed(self, call: Call, error: DeskwardError) -> Outcome:
        if call.tool.server is not None:  # whose words the error's may be
            call.context.reading.add({OUTSIDE})
        request_id = call.context.request_id
        outcome = Outcome("error", "", request_id, error, call.decision)
        try:
            await self.database.append(call.entry("error", "null", error))
        except (Unavailable, SQLAlchemyError) as unavailable:
            log.error("request %s could not be written to the ledger: %s", request_id, unavailable)
            if isinstance(error, OutcomeUnknown):  # which must not turn into "try again"
                return outcome
            problem = "The database could not store this call. Try again."
            return Outcome("error", "", request_id, Unavailable(problem, retry_after=1))
        return self._kept(call, outcome)

    async def _decide(self, call: Call, given: Mapping[str, Any], strict: bool) -> Outcome:
        tool = call.tool
        if call.key is not None:
            effects.stored(call.key)  # before anything else is looked at
        values = self.validate(call, given, strict)
        if not self.policy.may_use(tool, call.context.principal):
            call.decision = Decision(Verdict.DENY, (f"scope:{tool.scope}",))
            raise refusal(call.decision, call.context.principal)
        return await self.runner.act(call, values, NewCall(self, call, values, given))

    async def load_reading(self, call: Call) -> None:
        """Know what the caller has read, in whatever process, before its call is judged."""
        context = call.context
        if context.holder is not None:
            fresh = call.tool.risk is not Risk.READ
            await self.readings.load(
                self.database.reader, context.tenant, context.holder, context.reading, fresh=fresh
            )
        if context.door == "mcp" and any(
            self.policy.may_use(tool, context.principal) for tool in self._foreign
        ):  # its model is shown their descriptions
            context.reading.add({OUTSIDE})

    async def load_autonomy(self, call: Call) -> None:
        """Know how much the agent whose call it is may do alone, by what is committed.

        The rows that say so are not locked: who changes queues holds them before records.
        """
        if call.context.principal.agent is not None and call.tool.risk is not Risk.READ:
            call.autonomy = await autonomy.facts_for(
                self.database.reader, call.context.tenant, call.record, self._whereabouts
            )

    def validate(self, call: Call, given: Mapping[str, Any], strict: bool) -> dict[str, Any]:
        """Bind, resolve secrets, validate; returns the arguments as the tool takes them."""
        tool, principal = call.tool, call.context.principal
        call.arguments = {name: MASK for name in given if name in tool.parameters}
        arguments = dict(given)
        if principal.kind is Kind.CUSTOMER:
            for name in tool.bound:
                if arguments.setdefault(name, principal.id) != principal.id:
                    call.arguments[name] = str(arguments[name])[:64]
                    call.decision = Decision(Verdict.DENY, (f"bound:{name}",))
                    raise Forbidden(
                        "You can only do this for your own account.",
                        details={"policies": [f"bound:{name}"]},
                    )
        if call.context.secrets is not None:
            for name in tool.secret & arguments.keys():
                if isinstance(arguments[name], str):
                    arguments[name] = (
                        call.context.secrets.resolve(arguments[name]) or arguments[name]
                    )
        model = validated(tool, arguments, strict=strict)
        dumped = model.model_dump(mode="json")
        require_in_bounds(tool, dumped)
        call.arguments = dumped
        given_values = {**model.__dict__, **(model.model_extra or {})}
        return {name: given_values[name] for name in tool.parameters if name in given_values}
