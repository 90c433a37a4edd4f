"""Running what the gate lets through: in one transaction, or with its intent recorded first."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr
from pydantic_core import from_json, to_json

from deskward.core.database import Database
from deskward.core.errors import DeskwardError, OutcomeUnknown
from deskward.core.tasks import to_the_end
from deskward.gate import effects
from deskward.gate.context import Context, Port, new_id
from deskward.gate.outcome import Call, Outcome
from deskward.gate.tool import Risk
from deskward.gate.transaction import CallTransaction, Repeated, claim

log = logging.getLogger(__name__)

GRACE = 30.0
"""Seconds past a call's time limit before an unfinished outside effect counts as unknown."""


class Runner:
    """Runs calls that were let through, each effect at most once."""

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

    def port(self, kind: type[Port]) -> Port:
        """What tools get by `Context.port` for this type."""
        found = self._ports[kind]
        assert isinstance(found, kind)
        return found

    async def act(self, call: Call, values: Mapping[str, Any]) -> Outcome:
        """Run a call in the way that its tool's risk asks for."""
        if call.tool.risk is Risk.READ:
            return await self._read(call, values)
        if call.tool.risk is Risk.OUTSIDE:
            return await self._act_outside(call, values)
        return await self._write(call, values)

    async def first_answer(self, name: str, context: Context, key: effects.Key) -> Outcome | None:
        """The first answer to a key whose call this process does not remember, or None.

        A turn that goes on after a crash asks this before it calls again: the arguments may have
        held a secret that died with the process.
        """
        principal = context.principal
        stored = effects.stored(key)
        probe = effects.Effect(principal.tenant, principal.label, stored, "", name, "")
        first = await probe.any_answer(self.database.reader)
        if first is None:
            return None
        answer = from_json(first)
        result = to_json(answer["result"]).decode()
        return Outcome(answer["status"], result, context.request_id, repeated=True)

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
        return effects.digest(self._key, call.tool.name, exact(call, values))

    def reading(self, context: Context) -> Context:
        """The context of what only reads."""
        return replace(context, _db=self.database.reader, _ports=self._ports)

    async def _run(self, call: Call, context: Context, values: Mapping[str, Any]) -> str:
        async with asyncio.timeout(self.time_limit):
            result = await call.tool.function(context, **values)
        return call.tool.result.dump_json(result).decode()

    async def _read(self, call: Call, values: Mapping[str, Any]) -> Outcome:
        result = await self._run(call, self.reading(call.context), values)
        await self.database.append(call.entry("ok", result))
        return Outcome("ok", result, call.context.request_id, decision=call.decision)

    async def _write(self, call: Call, values: Mapping[str, Any]) -> Outcome:
        call.context = replace(call.context, effect_id=new_id())
        effect = self.effect(call, values, call.key) if call.key else None
        if effect and (first := await effect.first_answer(self.database.reader)) is not None:
            return await self.repeat(call, first)
        try:
            async with contextlib.AsyncExitStack() as stack:
                transaction = CallTransaction(self.database, stack, self.time_limit)
                transaction.effect = effect
                context = replace(call.context, _db=transaction, _ports=self._ports)
                result = await self._run(call, context, values)
                connection = await transaction.open()
                if effect:
                    await effect.finish(connection, answer_of("ok", result))
                transaction.entries.append(call.entry("ok", result))
        except Repeated as repeated:
            return await self.repeat(call, repeated.first)
        return Outcome("ok", result, call.context.request_id, decision=call.decision)

    async def _act_outside(self, call: Call, values: Mapping[str, Any]) -> Outcome:
        effect_id = new_id()
        call.context = replace(call.context, effect_id=effect_id)
        effect = self.effect(call, values, call.key or effect_id)
        if (first := await effect.first_answer(self.database.reader)) is not None:
            return await self.repeat(call, first)
        # Once it is begun it goes on to its end, whatever becomes of its caller: halfway, nobody
        # would know what it has done.
        return await to_the_end(self._outside(call, values, effect))

    async def _outside(
        self, call: Call, values: Mapping[str, Any], effect: effects.Effect
    ) -> Outcome:
        try:
            async with self.database.transaction([call.entry("started", "null")]) as transaction:
                await claim(effect, transaction, self.time_limit + GRACE)
        except Repeated as repeated:
            return await self.repeat(call, repeated.first)
        try:
            result = await self._run(call, self.reading(call.context), values)
        except OutcomeUnknown:
            raise
        except DeskwardError:
            # The tool knows that nothing happened; anything else leaves the outcome open.
            async with self.database.transaction() as transaction:
                await effect.forget(transaction)
            raise
        except Exception as error:
            log.exception("%s ended in an error", call.tool.name)
            raise _unknown(effect) from error
        try:
            async with self.database.transaction([call.entry("ok", result)]) as transaction:
                await effect.finish(transaction, answer_of("ok", result))
        except Exception as error:
            log.exception("what %s did could not be recorded", call.tool.name)
            raise _unknown(effect) from error
        return Outcome("ok", result, call.context.request_id, decision=call.decision)

    async def repeat(self, call: Call, first: str) -> Outcome:
        """The first answer again."""
        answer = from_json(first)
        result = to_json(answer["result"]).decode()
        await self.database.append(call.entry("repeated", result))
        return Outcome(
            answer["status"],
            result,
            call.context.request_id,
            decision=call.decision,
            repeated=True,
        )


def exact(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON, with secrets."""
    exact = {}
    for name, value in (call.arguments or {}).items():
        given = values.get(name)
        exact[name] = given.get_secret_value() if isinstance(given, SecretStr) else value
    return exact


def _unknown(effect: effects.Effect) -> OutcomeUnknown:
    return OutcomeUnknown(
        "Whether this took effect is not known. A person has to look before it is tried again.",
        details={"effect_id": effect.effect_id, "tool": effect.tool},
    )


def answer_of(status: str, result: str) -> str:
    """What is kept of an effect, for its repetitions."""
    return f'{{"status":"{status}","result":{result}}}'
