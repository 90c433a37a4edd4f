"""Marks: a model is told to end a sentence with the number of the result that shows it, `[[r2]]`.

Results are numbered through the messages that a model is given. Marks are taken out before a
customer sees the text, wherever a stream cuts them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deskward.agent.model import Message, ToolRequest
from deskward.core.answers import CallStatus, status_of

Result = tuple[str, CallStatus, Mapping[str, Any], Mapping[str, Any]]
"""Tool, status, arguments and answer."""
MARK = re.compile(r"\[\[r\d{1,4}\]\]")
_ANY = re.compile(r"\s?(?:\[\[r\d{0,4}\]{0,2}(?![^\W\d_])|\[\[?\Z)")
"""A mark, or what is left of one that was cut off."""
_LEADING = re.compile(r"\A(?:\s*\[\[r\d{1,4}\]\])+")


def marked(text: str) -> set[int]:
    """The numbers of the results that a text is marked with."""
    return {int(mark[3:-2]) for mark in MARK.findall(text)}


def marks_of(sentence: str) -> str:
    """The marks of a sentence, one after the other; one at its begin was the sentence's before."""
    return "".join(MARK.findall(_LEADING.sub("", sentence)))


def without_marks(text: str) -> str:
    """The text as a customer may see it: without marks, and parts of them."""
    return _ANY.sub("", text) if "[" in text else text


def results_of(messages: Sequence[Message], *, whole: bool = False) -> Iterator[tuple[int, Result]]:
    """What tools answered in the present turn, by the numbers that the model was told.

    Args:
        whole: Give those of all turns.
    """
    begun = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    asked: dict[str, ToolRequest] = {}
    number = 0
    for at, message in enumerate(messages):
        if message.tool_requests:
            asked = {request.id: request for request in message.tool_requests}
        number += message.role == "tool"
        request = asked.get(message.tool_request_id or "")
        if (at < begun and not whole) or message.role != "tool" or request is None:
            continue
        answer: dict[str, Any] = json.loads(message.text)
        yield number, (request.name, status_of(answer), request.arguments, answer)
