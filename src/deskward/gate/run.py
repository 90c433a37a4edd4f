"""Judging and running calls: both in one transaction, or with the intent recorded first.

What only reads is judged by the committed state and needs no transaction. What writes is judged in
the transaction in which it then acts, and what acts outside in the one that records the intent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from pydantic_core import from_json, to_json
from sqlalchemy.exc import SQLAlchemyError

from deskward.core.answers import CallStatus
from deskward.core.database import Connection, Database
from deskward.core.errors import DeskwardError, OutcomeUnknown, Unavailable
from deskward.core.locking import locking
from deskward.core.tasks import Stop, to_the_end, within
from deskward.core.turns import held_up
from deskward.gate import effects
from deskward.gate.context import Context, Port, new_id
from deskward.gate.counters import add
from deskward.gate.judging import Judging
from deskward.gate.ledger.chain import Beside
from deskward.gate.outcome import Call, Outcome, exact
from deskward.gate.policy.engine import Verdict
from deskward.gate.provenance import Record, found_in
from deskward.gate.readings import OUTSIDE, hand_of, note, sources_in
from deskward.gate.tool import Risk, Tool
from deskward.gate.transaction import CallTransaction, Repeated, claim
from deskward.security.key_rows import require_live

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 4
"""How often a call's transaction is tried while others are in its way."""
GRACE = 30.0
"""Seconds past a call's time limit before an unfinished outside effect counts as unknown."""


@dataclass(frozen=True)
class Answer:
    """What a tool has answered.

    Attributes:
        json: The answer as JSON text.
        sources: Whose texts are in it.
        written: The records that the call may have written a text into.
        hand: By whom they are written from now on.
    """

    json: str
    sources: frozenset[str] = frozenset()
    written: tuple[Record, ...] = ()
    hand: frozenset[str] = frozenset()

    async def sign(self, connection: Connection, tenant: str) -> None:
        """Note by whose hand the records were written, in the transaction that writes them."""
        for record in self.written:
            await note(connection, tenant, record, self.hand)

    def outcome(self, call: Call) -> Outcome:
        """The call's outcome."""
        request_id, decision = call.context.request_id, call.decision
        return Outcome("ok", self.json, request_id, decision=decision, sources=self.sources)


class Runner:
    """Judges and runs calls, each effect at most once."""

    def __init__(
        self, database: Database, key: bytes, time_limit: float, ports: Mapping[type, Any]
    ) -> None:
        """Make one.

        Args:
            key: Keys the digests of calls.
            time_limit: Seconds that one call may run.
            ports: What tools get by `Context.port`.
        """
        self.database = database
        self.time_limit = time_limit
        self._key = key
        self._ports = ports

    def port(self, kind: Callable[..., Port]) -> Port:
        """What tools get by `Context.port` for this type."""
        assert isinstance(kind, type)  # said as a callable, because a port may be abstract
        found: Port = self._ports[kind]
        assert isinstance(found, kind)
        return found

    async def act(self, call: Call, values: Mapping[str, Any], judging: Judging) -> Outcome:
        """Judge a call and run it, both in the way that its tool's risk asks for."""
        try:
            if call.tool.risk is Risk.READ:
                return await self._read(call, values, judging)
            if call.tool.risk is Risk.OUTSIDE:
                return await self._act_outside(call, values, judging)
            return await again(call, partial(self._write, call, values, judging))
        except Repeated as repeated:
            return await self.repeat(call, repeated.first)

    async def first_answer(
        self, tool: Tool | None, name: str, context: Context, key: effects.Key
    ) -> Outcome | None:
        """The first answer to a key whose call this process does not remember, or None.

        A turn that goes on after a crash asks this before it calls again: the arguments may have
        held a secret that died with the process.

        Args:
            tool: The tool of that name; None where it is gone, so that nobody knows any more whose
                words it brought.
        """
        principal = context.principal
        stored = effects.stored(key)
        probe = effects.Effect(principal.tenant, principal.label, stored, "", name, "")
        first = await probe.any_answer(self.database.reader)
        if first is None:
            return None
        answer = from_json(first)
        result = to_json(answer["result"]).decode()
        sources = await self._read_again(tool, context, answer["result"])
        return Outcome(answer["status"], result, context.request_id, repeated=True, sources=sources)

    def effect(self, call: Call, values: Mapping[str, Any], key: effects.Key) -> effects.Effect:
        """The call's claim on an idempotency key."""
        principal = call.context.principal
        return effects.Effect(
            tenant=principal.tenant,
            principal=principal.label,
            key=effects.stored(key),
            effect_id=call.context.effect_id,
            tool=call.tool.name,
            digest=self.digest(call, values),
        )

    def digest(self, call: Call, values: Mapping[str, Any]) -> str:
        """The keyed digest of the exact call."""
        return self.digest_of(call.tool.name, exact(call, values))

    def digest_of(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """The keyed digest of a call by its tool's name and its arguments as JSON, whole."""
        return effects.digest(self._key, tool, arguments)

    def reading(self, context: Context) -> Context:
        """The context of what only reads."""
        return context.completed(_db=self.database.reader, _ports=self._ports)

    async def _look(
        self, call: Call, values: Mapping[str, Any], judging: Judging, transaction: Connection
    ) -> None:
        """Load all that a call is judged by, so that nobody changes it before the call's end."""
        if call.tool.composed:
            await judging.look(self.reading(call.context))
            return
        looking = call.context.completed(_db=locking(transaction), _ports=self._ports)
        await judging.look(looking)
        if call.tool.counted:
            effect = self.effect(call, values, call.key) if call.key is not None else None
            again = effect is not None and await effect.first_answer(transaction) is not None
            await judging.reckon(transaction, again=again)

    def _writing(self, call: Call, transaction: Connection) -> Context:
        """The context of what writes."""
        if call.tool.composed:
            return self.reading(call.context)
        return call.context.completed(_db=transaction, _ports=self._ports)

    async def _run(self, call: Call, context: Context, values: Mapping[str, Any]) -> Answer:
        tool = call.tool
        hand = hand_of(context.principal, context.reading, by_model=context.by_model)
        result = await within(self.time_limit, tool.function(context, **values))
        text = tool.result.dump_json(result).decode()
        if context.holder is None and not context.by_model and not tool.writes_text:
            return Answer(text)  # nobody reads on
        found = found_in(tool.reader, result)
        sources = await sources_in(context.db, context.principal, found)
        context.reading.add(sources)
        call.sources = sources
        written = tuple(found.records) if tool.writes_text else ()
        return Answer(text, sources, written, hand)

    async def _read(self, call: Call, values: Mapping[str, Any], judging: Judging) -> Outcome:
        principal = call.context.principal
        if principal.key and principal.agent:  # a turn may last; doors have just looked
            await require_live(self.database.reader, principal.key)
        context = self.reading(call.context)
        await judging.look(context)
        if judging.verdict() is not Verdict.ALLOW:
            entries: list[Any] = []
            async with self.database.transaction(entries) as transaction:
                return await self._wait(call, values, judging, transaction, entries)
        beside: list[Beside] = []
        answer = await self._run(call, context.completed(_beside=beside), values)
        await self.database.append(replace(call.entry("ok", answer.json), beside=beside))
        return answer.outcome(call)

    async def _write(self, call: Call, values: Mapping[str, Any], judging: Judging) -> Outcome:
        key, turn = _key_in_use(call.context), _turn_of(call)
        await self.database.commits.over()
        async with CallTransaction(self.database, self.time_limit, key, turn) as transaction:
            await within(self.time_limit, self._look(call, values, judging, transaction))
            if judging.verdict() is not Verdict.ALLOW:
                opened = await transaction.open()
                return await self._wait(call, values, judging, opened, transaction.entries)
            call.context = call.context.completed(effect_id=new_id())
            effect = self.effect(call, values, call.key) if call.key else None
            if effect:
                await transaction.claim(effect)
            if call.counted is not None:
                await add(transaction, call.counted)
            answer = await self._run(call, self._writing(call, transaction), values)
            opened = await transaction.open()
            await answer.sign(opened, call.context.tenant)
            if effect:
                await effect.finish(opened, answer_of("ok", answer.json))
            transaction.entries.append(call.entry("ok", answer.json))
        return answer.outcome(call)

    async def _wait(
        self,
        call: Call,
        values: Mapping[str, Any],
        judging: Judging,
        db: Connection,
        entries: list[Any],
    ) -> Outcome:
        """Have a call wait until it is answered."""
        effect = self.effect(call, values, call.key) if call.key else None
        if effect:
            await claim(effect, db, self.time_limit)
        if call.tool.possible is not None:  # nobody is asked about what can only fail
            looking = call.context.completed(_db=locking(db), _ports=self._ports)
            await call.tool.possible(looking, values)
        receipt = await judging.wait(db, self.digest(call, values))
        assert call.decision is not None
        confirms = call.decision.verdict is Verdict.CONFIRM
        status: CallStatus = "confirm" if confirms else "pending"
        if effect:
            await effect.finish(db, answer_of(status, receipt))
        entries.append(call.entry(status, receipt))
        return Outcome(status, receipt, call.context.request_id, decision=call.decision)

    async def _act_outside(
        self, call: Call, values: Mapping[str, Any], judging: Judging
    ) -> Outcome:
        if call.tool.server is not None:
            # Its server says what the call is about; nobody waits for a server in a transaction.
            await judging.look(self.reading(call.context))
        # Once it is begun it goes on to its end, whatever becomes of its caller: halfway, nobody
        # would know what it has done. An outside server is told that nobody waits any more.
        stop = Stop()
        call.context = call.context.completed(stop=stop)
        return await to_the_end(self._outside(call, values, judging), stop)

    async def _intend(
        self, call: Call, values: Mapping[str, Any], judging: Judging
    ) -> effects.Effect | Outcome:
        """Judge a call that acts outside and record that it is begun; or have it wait."""
        entries: list[Any] = []
        async with self.database.transaction(entries, turn=_turn_of(call)) as transaction:
            if key := _key_in_use(call.context):
                await require_live(transaction, key)
            await self._look(call, values, judging, transaction)
            if judging.verdict() is not Verdict.ALLOW:
                return await self._wait(call, values, judging, transaction, entries)
            call.context = call.context.completed(effect_id=new_id())
            effect = self.effect(call, values, call.key or call.context.effect_id)
            await claim(effect, transaction, self.time_limit + GRACE)
            assert call.counted is not None
            await add(transaction, call.counted)
            entries.append(call.entry("started", "null"))
        return effect

    async def _outside(self, call: Call, values: Mapping[str, Any], judging: Judging) -> Outcome:
        effect = await again(call, partial(self._intend, call, values, judging))
        if isinstance(effect, Outcome):
            return effect
        assert call.counted is not None
        try:
            answer = await self._run(call, self.reading(call.context), values)
        except OutcomeUnknown as error:
            error.details |= {"effect_id": effect.effect_id, "tool": effect.tool}
            with contextlib.suppress(SQLAlchemyError, Unavailable):  # then it is when its time ends
                async with self.database.transaction() as transaction:
                    await effect.ended(transaction)
            raise
        except DeskwardError:
            # The tool knows that nothing happened; anything else leaves the outcome open.
            async with self.database.transaction() as transaction:
                await add(transaction, call.counted, undo=True)
                await effect.forget(transaction)
            raise
        except Exception as error:
            log.exception("%s ended in an error", call.tool.name)
            raise _unknown(effect) from error
        try:
            async with self.database.transaction([call.entry("ok", answer.json)]) as transaction:
                await answer.sign(transaction, call.context.tenant)
                await effect.finish(transaction, answer_of("ok", answer.json))
        except Exception as error:
            log.exception("what %s did could not be recorded", call.tool.name)
            raise _unknown(effect) from error
        return answer.outcome(call)

    async def repeat(self, call: Call, first: str) -> Outcome:
        """The first answer again."""
        answer = from_json(first)
        result = to_json(answer["result"]).decode()
        call.sources = sources = await self._read_again(call.tool, call.context, answer["result"])
        await self.database.append(call.entry("repeated", result))
        return Outcome(
            answer["status"],
            result,
            call.context.request_id,
            decision=call.decision,
            repeated=True,
            sources=sources,
        )

    async def _read_again(self, tool: Tool | None, context: Context, result: Any) -> frozenset[str]:
        """Whose texts an answer holds that is given once more."""
        if tool is None:
            sources = frozenset({OUTSIDE})
        else:
            found = found_in(tool.reader, result)
            sources = await sources_in(self.database.reader, context.principal, found)
        context.reading.add(sources)
        return sources


def _key_in_use(context: Context) -> str | None:
    """The API key that must still count; of an approved call, the approval looks after that."""
    return None if context.approval_id else context.principal.key


def _turn_of(call: Call) -> str | None:
    return call.context.tenant if call.tool.counted or call.tool.in_turn else None


async def again(call: Call, work: Callable[[], Awaitable[T]]) -> T:
    """Do a call's transaction, a few times where others were in its way and nothing was kept."""
    before = dict(vars(call))
    for number in range(TRIES):
        try:
            return await work()
        except (SQLAlchemyError, Unavailable) as error:
            if number + 1 == TRIES or call.tool.composed or not held_up(error):
                raise
        vars(call).update(before)
        # Each waits for another time, and the group of calls that it was in commits meanwhile.
        await asyncio.sleep(random.uniform(0.01, 0.05) * (number + 1))  # noqa: S311 no secret
    raise AssertionError


def _unknown(effect: effects.Effect) -> OutcomeUnknown:
    return OutcomeUnknown(
        "Whether this took effect is not known. A person has to look before it is tried again.",
        details={"effect_id": effect.effect_id, "tool": effect.tool},
    )


def answer_of(status: str, result: str) -> str:
    """What is kept of an effect, for its repetitions."""
    return f'{{"status":"{status}","result":{result}}}'
