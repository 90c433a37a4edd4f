"""Holding back what nothing supports: each sentence of an answer against this turn's tools.

A claim of an action counts only with a tool's result of this turn, so that a model cannot say that
something was done because it was done once, or because somebody's text says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deskward.agent.claims.unsupported import Evidence, Unsupported, unsupported
from deskward.agent.model import Message, ToolRequest
from deskward.core.answers import status_of


class Unsupportable(Exception):
    """A part of an answer claims what nothing supports: it must not be sent."""

    def __init__(self, claims: Sequence[Unsupported]) -> None:
        super().__init__("; ".join(f"{claim.sentence!r}: {claim.why}" for claim in claims))
        self.claims = tuple(claims)

    def note(self, sent: str) -> str:
        """What the model is told, so that it mends its answer."""
        problems = "\n".join(f"- {claim.sentence} ({claim.why})" for claim in self.claims)
        so_far = f"The customer has been sent: {sent!r}. Go on from there.\n" if sent else ""
        return (
            "\nYour last answer was not sent, because no result of a tool in this turn supports "
            f"it:\n{problems}\n{so_far}Say only what results of tools show, call a tool, or hand "
            "over.\n"
        )


def claim_check(messages: Sequence[Message]) -> Callable[[str], None]:
    """A check of the parts of an answer to a conversation's last message.

    It raises `Unsupportable`.
    """
    evidence = list(_evidence(messages))
    said = [message.text for message in messages if message.role == "user"]
    quotable = " ".join(_told_by_us(item.answer) for item in evidence)

    def check(part: str) -> None:
        claims = unsupported(part, evidence, said)
        if claims := [claim for claim in claims if claim.sentence not in quotable]:
            raise Unsupportable(claims)

    return check


def _told_by_us(answer: Mapping[str, Any]) -> str:
    """The words of our own in an answer, which may be repeated: its message, or its error's."""
    error = answer.get("error")
    told = error.get("message") if isinstance(error, Mapping) else answer.get("message")
    return told if isinstance(told, str) else ""


def _evidence(messages: Sequence[Message]) -> Iterator[Evidence]:
    """What tools answered in the present turn."""
    begun = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    asked: dict[str, ToolRequest] = {}
    for message in messages[begun:]:
        if message.tool_requests:
            asked = {request.id: request for request in message.tool_requests}
        request = asked.get(message.tool_request_id or "")
        if message.role != "tool" or request is None:
            continue
        answer = json.loads(message.text)
        yield Evidence(request.name, status_of(answer), request.arguments, answer)
