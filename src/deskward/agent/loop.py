"""The turn loop: model, tools through the gate, model again, until the answer is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from time import monotonic
from types import MappingProxyType
from typing import Any

from deskward.agent.calling import Calls, Confirmed, Toolbox, nothing_confirmed
from deskward.agent.claims.check import ClaimCheck
from deskward.agent.comfort import words_of_comfort
from deskward.agent.events import Done, Event, MessageAdded, Text, ToolAnswered, Withheld
from deskward.agent.model import (
    Interrupted,
    Message,
    Model,
    ModelRequest,
    TextPiece,
    ToolRequest,
    with_timeout,
)
from deskward.agent.offering import Choosing, Offering, Telling, no_brand
from deskward.agent.outgoing import Outgoing
from deskward.agent.taint import addresses_known, sources_of
from deskward.agent.turn import (
    UNREAD,
    Heard,
    Limits,
    Turn,
    begun_at,
    distinct,
    gap_before,
    is_ours,
    on_record,
    questions_of,
    spec_of,
    steps_taken,
)
from deskward.agent.unsupported import Unsupportable
from deskward.core.aside import aside
from deskward.core.errors import ModelUnavailable, TimeLimitExceeded
from deskward.gate.catalogue import Catalogue
from deskward.gate.context import Context
from deskward.gate.questions import is_exact
from deskward.gate.readings import OUTSIDE
from deskward.gate.tool import Tool
from deskward.security.principals import AGENT
from deskward.security.vault import Vault
from deskward.text.distress import tells_of_self_harm

log = logging.getLogger(__name__)

CORRECTIONS = 1
"""How often in a turn a model may say again what nothing supported, before a person takes over."""

MAX_REASON = 10_000
"""Characters of a message that a person is given with a handover."""

ALONE = 0.002
"""Seconds for which a model's answer is read before others get a turn."""

MAX_TOKEN_LENGTH = 16
"""Characters per token, generously, by which a server is stopped that ignores the token limit."""


class Agent:
    """Answers messages with a model and the gate's tools."""

    def __init__(
        self,
        gate: Toolbox,
        model: Model,
        limits: Limits | None = None,
        *,
        claims: ClaimCheck,
        hosts: Collection[str] = (),
        confirmed: Confirmed = nothing_confirmed,
        crisis_lines: Mapping[str, str] = MappingProxyType({}),
        brand: Callable[[str], Awaitable[str]] = no_brand,
        choosing: Choosing | None = None,
    ) -> None:
        """Make one.

        Args:
            claims: Checks what answers claim.
            hosts: Hosts that answers may link to.
            confirmed: Makes the call that a customer has said yes to.
            crisis_lines: Tenant → whom somebody in danger can call; see `comfort.py`.
            brand: Says what a model is told of a tenant.
            choosing: Chooses the tools that a step tells; None: by words.
        """
        self._crisis_lines = crisis_lines
        self.model = model
        self._claims = claims
        self._hosts = hosts
        self._gate = gate
        self._limits = limits or Limits()
        self._handing_over: tuple[Mapping[str, Tool], dict[str, str]] = ({}, {})
        """The tools that were there last, and those of them that call a person."""
        most = self._limits.step_tokens
        self._telling = Telling(model, choosing or Offering(Catalogue()), brand, most=most)
        self._calls = Calls(gate, self._limits.calls, confirmed)
        # Of several models each may take its time, before the next one is asked.
        self._patience = self._limits.timeout * getattr(model, "chances", 1)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """All tools, by name."""
        return self._gate.tools

    @property
    def outages(self) -> list[str]:
        """Which models are away, and why."""
        return list(getattr(self.model, "outages", ()))

    @property
    def handover_tools(self) -> dict[str, str]:
        """The tools that give a conversation to a person: name → the field that says as what."""
        tools = self._gate.tools
        if self._handing_over[0] is not tools:
            self._handing_over = (
                tools,
                {t.name: t.hands_over for t in tools.values() if t.hands_over},
            )
        return self._handing_over[1]

    async def run(
        self, context: Context, vault: Vault, history: Sequence[Message], *, resumed: bool = False
    ) -> AsyncIterator[Event]:
        """Answer the last message of a conversation.

        A turn that was cut off goes on where its recorded messages end: calls that it asked for
        and that were not answered are made with their first idempotency keys.

        Args:
            context: The caller, with session and turn.
            vault: The conversation's secrets.
            history: The conversation up to now, with this turn's messages.
            resumed: Whether another process began the turn.
        """
        context = Context(
            principal=context.principal.with_agent(AGENT),
            door="agent",
            request_id=context.request_id,
            session_id=context.session_id,
            turn_id=context.turn_id,
            secrets=vault,
            reading=context.reading,
        )
        context.reading.add(sources_of(history))
        turn = Turn(
            context,
            vault,
            list(history),
            # A prompt is picked by a person, and not by a model.
            [t for t in self._gate.tools_for(context.principal) if t.stands_for != "prompts/get"],
            step=steps_taken(history),
            told=begun_at(history),
        )
        if any(tool.foreign for tool in turn.tools):  # their descriptions are read, too
            context.reading.add({OUTSIDE})
        async for event in self._calls.make(turn, resumed):
            yield event
        instead = await self._instead_of_a_model(turn)
        while turn.messages[-1].role != "assistant":
            if instead is not None:
                async for event in instead():
                    yield event
                break
            if questions := questions_of(turn.messages):
                for question in self._ask(turn, questions):
                    yield question
                break
            if turn.step >= self._limits.steps or turn.tokens >= self._limits.tokens:
                async for event in self._give_up(turn, "The turn reached its limit."):
                    yield event
                break
            async for event in self._guarded_step(turn):
                yield event
            async for event in self._calls.make(turn, False):
                yield event
        yield Done("".join(turn.text), turn.model or self.model.name, turn.tokens)

    async def _instead_of_a_model(self, turn: Turn) -> Callable[[], AsyncIterator[Event]] | None:
        """What answers a message that no model is to answer."""
        said = next((m.text for m in reversed(turn.messages) if m.role == "user"), "")
        unread = partial(self._give_up, turn, "The message could not be read in time.")
        try:
            in_danger = await aside(partial(tells_of_self_harm, said), len(said))
        except TimeLimitExceeded:
            return unread
        if said == UNREAD:
            return unread
        return partial(self._comfort, turn) if in_danger else None

    async def _guarded_step(self, turn: Turn) -> AsyncIterator[Event]:
        """One call of the model; of one that fails, what is said instead."""
        try:
            async for event in self._step(turn):
                yield event
        except Unsupportable as error:
            async for event in self._correct(turn, error):
                yield event
        except Interrupted as error:  # the next step is another model's
            assert turn.call is not None
            yield Withheld(error.model, replace(turn.call, error=error.message), "interrupted")
            turn.call, turn.told = None, len(turn.messages)
        except (ModelUnavailable, TimeLimitExceeded) as error:
            log.info("no model could answer: %s", error.message)  # an outage is warned of once
            if turn.call is not None:
                turn.call = replace(turn.call, error=error.message)
            async for event in self._give_up(turn, "No model could answer."):
                yield event

    async def _step(self, turn: Turn) -> AsyncIterator[Event]:
        """One call of the model."""
        turn.step += 1
        request = await self._telling.request(turn)
        turn.call = on_record(turn, request)
        heard = Heard()
        sent: list[str] = []
        gap = gap_before(turn)
        try:
            async for piece in self._let_out(turn, request, heard):
                sent.append(piece if sent or piece.startswith("\n") else gap + piece)
                yield Text(sent[-1])
        except (Unsupportable, Interrupted):
            turn.call = replace(turn.call, raw="".join(heard.text))
            raise
        finally:
            turn.text += sent
            turn.unsaid += sent
        finished = heard.finished
        if finished is None:
            raise ModelUnavailable("The model stopped in the middle of its answer.")
        turn.tokens += finished.tokens
        turn.model = finished.model
        text = "".join(turn.unsaid)
        if not heard.text and not heard.requests:
            raise ModelUnavailable("The model gave an empty answer.")
        if not heard.requests and not text.strip():
            raise ModelUnavailable("Nothing of the model's answer may be sent.")
        requests = distinct(heard.requests, turn.messages)
        # What a model left behind may name its own ids, which these are not then.
        state = finished.state if requests == tuple(heard.requests) else None
        ours = is_ours(heard, text, turn.messages)
        message = Message("assistant", text, requests, state=state, ours=ours)
        turn.messages.append(message)
        turn.unsaid = []
        kept = None if text in (raw := "".join(heard.text), gap + raw) else raw
        call, turn.call = replace(turn.call, tokens=finished.tokens, raw=kept), None
        turn.told = len(turn.messages)
        yield MessageAdded(message, turn.model, call)

    async def _let_out(self, turn: Turn, request: ModelRequest, heard: Heard) -> AsyncIterator[str]:
        """The pieces of a model's answer that may be sent; all of it is noted as it comes."""

        def make() -> Outgoing:
            supported = self._claims.of_turn(turn.messages)

            def check(part: str) -> None:
                if not heard.built:
                    supported(part)

            return Outgoing(self._hosts, addresses_known(turn.messages), check)

        outgoing = await aside(make, sum(len(m.text) for m in turn.messages))
        written, others = 0, monotonic()
        async with aclosing(with_timeout(self.model.stream(request), self._patience)) as events:
            async for event in events:
                if isinstance(event, TextPiece):
                    heard.text.append(event.text)
                    heard.built = heard.built and event.built
                    if not heard.built:
                        await self._claims.ready()
                    written += len(event.text)
                    if written > self._limits.step_tokens * MAX_TOKEN_LENGTH:
                        raise ModelUnavailable("The model wrote more than it was allowed to.")
                    feed = partial(_pieces, outgoing, event.text)
                    pieces = await aside(feed, len(event.text) + outgoing.held)
                    for piece in pieces:
                        yield piece
                    # A model may give all of its answer at once: others want a turn.
                    if pieces and monotonic() - others > ALONE:
                        await asyncio.sleep(0)
                        others = monotonic()
                elif isinstance(event, ToolRequest):
                    heard.requests.append(replace(event, confirmation=None))
                else:
                    heard.finished = event
        for piece in await aside(partial(_pieces, outgoing, None), outgoing.held):
            yield piece

    async def _correct(self, turn: Turn, error: Unsupportable) -> AsyncIterator[Event]:
        """Have the model say what it can answer for, or a person take over."""
        assert turn.call is not None
        turn.corrections += 1
        log.warning("an answer was withheld: %s", error)
        yield Withheld(
            turn.model or self.model.name, replace(turn.call, error=str(error)), "withheld"
        )
        turn.call, turn.told = None, len(turn.messages)
        turn.note = error.note("".join(turn.unsaid))
        if turn.corrections > CORRECTIONS:
            async for event in self._give_up(turn, "The answer claimed what no record shows."):
                yield event

    def _ask(self, turn: Turn, receipts: Sequence[dict[str, Any]]) -> Iterator[Event]:
        """Ask the customer, in the desk's words and not in a model's; that ends the turn."""
        question = "\n".join(str(receipt["question"]) for receipt in receipts)
        asks = tuple(str(receipt["confirmation_id"]) for receipt in receipts)
        if not is_exact(question):  # another server's: nobody can say yes to what they do not see
            out = Outgoing(self._hosts, addresses_known(turn.messages))
            question, asks = "".join([*out.feed(question), *out.flush()]), ()
        text = gap_before(turn) + question
        turn.text.append(text)
        yield Text(text)
        message = Message("assistant", text, asks=asks)
        turn.messages.append(message)
        yield MessageAdded(message, turn.model or self.model.name)

    async def _give_up(self, turn: Turn, reason: str) -> AsyncIterator[Event]:
        """End the turn with a person, because no model can end it."""
        text = "I am sorry, I cannot answer at the moment."
        # While no model answers, a customer's messages are one matter for one person.
        async for event in self._to_a_person(turn, reason, {"join": True}):
            if isinstance(event, ToolAnswered) and event.status == "ok":
                text += f" {event.answer.get('message', '')}"
            yield event
        for event in self._end_with(turn, text):
            yield event

    async def _comfort(self, turn: Turn) -> AsyncIterator[Event]:
        """Answer somebody who writes of harming themselves, and call a person at once."""
        said = [message.text for message in turn.messages if message.role == "user"]
        if turn.messages[-1].role == "user":  # else another process has called one
            reason = "The customer writes of harming themselves."
            async for event in self._to_a_person(turn, reason, {"urgent": True}):
                yield event
        for event in self._end_with(
            turn, words_of_comfort(said, turn.context.tenant, self._crisis_lines)
        ):
            yield event

    async def _to_a_person(
        self, turn: Turn, reason: str, how: Mapping[str, bool]
    ) -> AsyncIterator[Event]:
        """Hand the conversation over, if a tool can, with what of `how` it takes."""
        said = next((m.text for m in reversed(turn.messages) if m.role == "user"), "")
        arguments: dict[str, Any] = {"reason": f"{reason}\n\n{said}"[:MAX_REASON]}
        tool = next((tool for tool in turn.tools if tool.hands_over), None)
        needs = () if tool is None else spec_of(tool, turn.context).input_schema["required"]
        if tool is None or not arguments.keys() >= set(needs):  # staff: of which customer?
            return
        arguments |= {name: value for name, value in how.items() if name in tool.parameters}
        request = ToolRequest("give-up", tool.name, arguments)
        yield self._say(turn, "".join(turn.unsaid), (request,))
        turn.step = steps_taken(turn.messages)
        async for event in self._calls.make(turn, False):
            yield event

    def _end_with(self, turn: Turn, text: str) -> Iterator[Event]:
        """End the turn with a text of the desk's own."""
        if turn.text:
            text = f"\n\n{text}"
        turn.text.append(text)
        yield Text(text)
        yield self._say(turn, "".join([*turn.unsaid, text]))

    def _say(self, turn: Turn, text: str, requests: tuple[ToolRequest, ...] = ()) -> MessageAdded:
        message = Message("assistant", text, distinct(requests, turn.messages))
        turn.messages.append(message)
        turn.unsaid = []
        call, turn.call = turn.call, None
        return MessageAdded(message, turn.model or self.model.name, call)


def _pieces(outgoing: Outgoing, text: str | None) -> list[str]:
    """What may be sent after a piece of an answer, or at its end."""
    return list(outgoing.flush() if text is None else outgoing.feed(text))
