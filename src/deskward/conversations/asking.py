"""What begins a turn: a customer's message, and the answer that it gives to what they were asked.

An answer counts only as the very next message to the question, and only where the whole of it is a
yes or a no, or a yes that names the deed once more. No model is asked what the customer meant. A
typed yes counts only where the question stood alone: a model may have asked something of its own
before it ("Shall I keep all as it is?"), and then the desk asks once more, alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from deskward.agent.model import Message, ToolRequest
from deskward.agent.turn import UNREAD
from deskward.conversations import store
from deskward.conversations.store import Where
from deskward.conversations.wording import NO, YES
from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.core.errors import DeskwardError, NotFound, TimeLimitExceeded
from deskward.gate.confirmations import (
    Confirmation,
    Confirmations,
    How,
    NotConfirmed,
    answer_entry,
)
from deskward.gate.context import Context
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.security.masking import mask
from deskward.security.vault import Vault, Vaults
from deskward.text.agreeing import agrees_to
from deskward.text.assent import answer_of
from deskward.text.wishes import Wish


@dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    call: Confirmation
    yes: bool
    how: How


@dataclass(frozen=True)
class Opening:
    """What a turn begins with.

    Attributes:
        said: The customer's message; where it answers a question, with the call that was asked
            about, and what came of it where it is not made.
        answers: What is recorded in the turn's own transaction.
    """

    said: Sequence[Message]
    answers: Sequence[Answer] = ()


class Openings:
    """Makes what turns begin with."""

    def __init__(
        self,
        reader: Connection,
        confirmations: Confirmations,
        ledger: Ledger,
        vaults: Vaults,
        wish_of: Callable[[str], Wish | None] = lambda _: None,
    ) -> None:
        """Make it.

        Args:
            wish_of: How the deed of a tool is named.
        """
        self._wish_of = wish_of
        self._reader = reader
        self._confirmations = confirmations
        self._ledger = ledger
        self._vaults = vaults

    async def spoken(self, context: Context, where: Where, text: str) -> Opening:
        """What a message begins: its secrets are replaced by placeholders."""
        history = await store.history(self._reader, where)
        last = history[-1] if history and history[-1].role == "assistant" else Message("user", "")
        vault = self._vaults.of(where.tenant, where.owner, where.session_id)
        asked_by = "" if last.asks else last.text
        message = Message("user", await _masked(text, vault, asked_by))
        if not last.asks:
            return Opening([message])
        calls = await self._open(context.tenant, last.asks)
        yes = answer_of(text)
        if yes is None and len(calls) == 1 and self._is_agreed(calls[0], text, last.text):
            yes = True
        if yes is None:  # the question is no longer the one that is being answered
            return Opening([message], [Answer(call, False, "passed over") for call in calls])
        context = replace(context, session_id=where.session_id)
        return self._answered(context, history, message, calls, yes, "text")

    async def pressed(
        self, context: Context, where: Where, confirmation_id: str, yes: bool
    ) -> Opening:
        """What the answer to one question begins, which names it by its id.

        Raises:
            NotFound: This session was asked nothing of that id.
            Forbidden: Somebody else answers.
            Conflict: It was answered before, or it is too late.
        """
        context = replace(context, session_id=where.session_id)
        call = await self._confirmations.get(self._reader, where.tenant, confirmation_id)
        self._confirmations.check(call, context)
        history = await store.history(self._reader, where)
        message = Message("user", YES if yes else NO)
        return self._answered(context, history, message, [call], yes, "button")

    async def record(self, db: Connection, opening: Opening, context: Context) -> list[Entry]:
        """Record the answers of an opening; gives their rows for the ledger.

        Raises:
            Conflict: A question was answered otherwise in the meantime.
        """
        for answer in opening.answers:
            await self._confirmations.answer(db, answer.call, answer.yes, answer.how)
        return [
            answer_entry(self._ledger, answer.call, context, answer.yes, answer.how)
            for answer in opening.answers
        ]

    def _is_agreed(self, call: Confirmation, text: str, question: str) -> bool:
        """Whether an answer is a yes that names the deed once more."""
        wish = self._wish_of(call.tool)
        meant = (wish.means.get(str(value)) for value in call.shown.values()) if wish else ()
        wish = next((one for one in meant if one is not None), wish)
        return wish is not None and agrees_to(text, wish, question)

    async def _open(self, tenant: str, asks: Sequence[str]) -> list[Confirmation]:
        """The questions that wait for an answer."""
        found = []
        for key in asks:
            try:
                call = await self._confirmations.get(self._reader, tenant, key)
            except NotFound:  # erased
                continue
            if call.status == "pending":
                found.append(call)
        return found

    def _answered(
        self,
        context: Context,
        history: Sequence[Message],
        message: Message,
        calls: Sequence[Confirmation],
        yes: bool,
        how: How,
    ) -> Opening:
        answers: list[Answer] = []
        made: list[ToolRequest] = []
        refused: list[tuple[ToolRequest, DeskwardError]] = []
        again: list[ToolRequest] = []
        receipts: list[Message] = []
        for call in calls:
            asked = request_of(history, call.id) or ToolRequest(
                f"confirmed-{call.id[:12]}", call.tool, call.shown, confirmation=call.id
            )
            try:
                self._confirmations.check(call, context)
            except DeskwardError as error:
                refused.append((asked, error))
                continue
            if yes and how == "text" and (receipt := asked_besides(history, call.id)):
                request = replace(asked, id=f"again-{call.id[:12]}")
                again.append(request)
                receipts.append(replace(receipt, tool_request_id=request.id))
                continue
            answers.append(Answer(call, yes, how))
            if yes:
                made.append(asked)
            else:
                refused.append((asked, NotConfirmed("The customer said no. Nothing was done.")))
        if not (
            made or refused or again
        ):  # answered by a button already: it is a message like any other
            return Opening([message])
        requests = (*(request for request, _ in refused), *again, *made)
        told = [_told(request, error, context) for request, error in refused]
        return Opening([message, Message("assistant", "", requests), *told, *receipts], answers)


def request_of(history: Sequence[Message], confirmation_id: str) -> ToolRequest | None:
    """The call that was asked about, as its model asked for it, with the yes to make it with."""
    asked: dict[str, ToolRequest] = {}
    found: ToolRequest | None = None
    for message in history:
        if message.tool_requests:
            asked = {request.id: request for request in message.tool_requests}
        elif message.role == "tool" and confirmation_id in message.asks:
            found = asked.get(message.tool_request_id or "")
    if found is None:
        return None
    named = f"confirmed-{confirmation_id[:12]}"
    return replace(found, id=named, unsure=False, confirmation=confirmation_id)


def asked_besides(history: Sequence[Message], confirmation_id: str) -> Message | None:
    """The receipt of a call that was asked about below a text that is not the desk's own, or None.

    Args:
        history: The conversation up to the question.
    """
    receipt: Message | None = None
    besides = False
    for message in reversed(history):
        if message.role == "user":
            break
        if message.role == "tool" and confirmation_id in message.asks:
            receipt = message
        besides = besides or (
            message.role == "assistant"
            and not (message.asks or message.ours)
            and bool(message.text.strip())
        )
    return receipt if besides else None


async def _masked(text: str, vault: Vault, asked_by: str) -> str:
    """A message without its secrets; of one that cannot be read in time nothing is kept."""
    try:
        return await aside(partial(mask, text, vault, asked_by=asked_by), len(text))
    except TimeLimitExceeded:
        return UNREAD


def _told(request: ToolRequest, error: DeskwardError, context: Context) -> Message:
    text = json.dumps(error.tool_envelope(context.request_id), ensure_ascii=False)
    return Message("tool", text, tool_request_id=request.id)
