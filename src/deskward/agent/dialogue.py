"""What a conversation is about by now: kept with the session, for whichever model answers next.

It follows from the messages alone, and each turn's last message keeps it, so that it is committed
with what it tells of, goes with the session, and is there in any process. It holds ids, fixed words
such as a status, and what the desk itself has done: no text that anybody else wrote. A value of
more than one word is none of these, and is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from deskward.core.answers import status_of
from deskward.gate.tool import Risk, Tool
from deskward.text.assent import answer_of
from deskward.text.language import language_now

if TYPE_CHECKING:
    from deskward.agent.model import Message, ToolRequest

MOST_SHOWN = 20
MOST_DONE = 20
MOST_SPOKEN = 8
_WORD = re.compile(r"[\w:.+-]{1,40}")
_KEPT = ("status", "priority", "category", "brand", "last4", "created_at", "placed_at", "opened_at")
"""Fields of a record that are kept beside its id, where they are one word."""
_ID = re.compile(r"(?:(\w{1,40})_)?id")
_PERSONS = frozenset({"user", "customer", "session", "request", "approval", "confirmation", "call"})
"""Whose ids name no thing that a customer would point at."""


@dataclass(frozen=True)
class Shown:
    """A record that stood in an answer: its id, or a card's last four digits, and fixed words."""

    id: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Done:
    """Something that was done, waits, was refused, or failed.

    Attributes:
        status: `ok`, `pending`, `declined` or `error`.
        about: The ids and fixed words of its arguments and its answer.
        request: The id of the call, by which its answer is found among the messages.
    """

    tool: str
    status: str
    about: tuple[str, ...]
    request: str


@dataclass(frozen=True)
class Dialogue:
    """See the module.

    Attributes:
        language: The customer's last one, or nothing where they said nothing that tells.
        shown: The records of the last answer that had any, in their order on the screen.
        spoken: The ids last spoken of, the latest first.
        tasks: What is still open, the latest last, as the model left it behind.
        done: What was to be changed in the conversation, in order.
        handed: The record that a person has of it.
        by: The model whose answer showed the records.
    """

    language: str = ""
    shown: tuple[Shown, ...] = ()
    spoken: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    done: tuple[Done, ...] = ()
    handed: str = ""
    by: str = ""

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Dialogue:
        """The dialogue of its JSON."""
        lists: dict[str, Any] = {
            "shown": tuple(Shown(**one) for one in plain.get("shown", ())),
            "done": tuple(Done(**{**d, "about": tuple(d["about"])}) for d in plain.get("done", ())),
            "spoken": tuple(plain.get("spoken", ())),
            "tasks": tuple(plain.get("tasks", ())),
        }
        known = {name: value for name, value in plain.items() if name in cls.__dataclass_fields__}
        return cls(**{**known, **lists})


def before(messages: Sequence[Message]) -> Dialogue:
    """What the conversation was about when its last message came."""
    for message in reversed(messages):
        if message.dialogue is not None:
            return Dialogue.of(message.dialogue)
    return Dialogue()


def followed(messages: Sequence[Message], tools: Mapping[str, Tool], by: str) -> Dialogue:
    """What a conversation is about when a turn has ended.

    Args:
        messages: With those of the turn, the answer last.
        tools: All tools, by name.
        by: The model that answered.
    """
    found = before(messages)
    begin = next((n for n in reversed(range(len(messages))) if messages[n].role == "user"), 0)
    turn = messages[begin:]
    said = [m.text for m in turn if m.role == "user" and answer_of(m.text) is None]
    found = replace(found, language=language_now(said, found.language) if said else found.language)
    asked: dict[str, ToolRequest] = {}
    shown: list[Shown] = []
    for message in turn:
        asked |= {request.id: request for request in message.tool_requests}
        request = asked.get(message.tool_request_id or "")
        if message.role == "tool" and request is not None:
            tool, answer = tools.get(request.name), _answer(message)
            if tool is None or tool.server is not None:
                continue  # what an outside server calls an id may be anything
            shown += records_in(answer)
            if tool.risk is not Risk.READ:
                found = _with_deed(found, request, tool, answer)
    shown = _on_screen(shown, messages[-1].text)
    ids = dict.fromkeys([*(one.id for one in reversed(shown)), *found.spoken])
    if len(shown) > 1:  # of a list none is the one that is spoken of
        ids = dict.fromkeys(found.spoken)
    if shown:
        found = replace(found, shown=tuple(shown[:MOST_SHOWN]), by=by)
    state = next((m.state for m in reversed(turn) if m.role == "assistant" and m.state), {})
    tasks = [str(state["skill"])] if "waits_for" in state else []
    tasks = [str(one["skill"]) for one in reversed(state.get("then", ()))] + tasks
    return replace(found, spoken=tuple(ids)[:MOST_SPOKEN], tasks=tuple(tasks))


def _on_screen(records: Sequence[Shown], text: str) -> list[Shown]:
    """The records that an answer names, in the order in which it does."""
    named = {one.id: one for one in reversed(records) if one.id in text}
    return sorted(named.values(), key=lambda one: text.index(one.id))


def records_in(answer: Any) -> list[Shown]:
    """The records of an answer in their order; one within another counts only by itself."""
    found = [Shown(*one) for one in _records(answer)]
    return [one for n, one in enumerate(found) if one.id not in {two.id for two in found[:n]}]


def _records(value: Any) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(value, list):
        for item in value:
            yield from _records(item)
    elif isinstance(value, dict):
        named = _id_of(value)
        if named:
            yield named, {name: value[name] for name in _KEPT if is_word(value.get(name))}
        for item in value.values():
            if isinstance(item, dict | list) and not named:
                yield from _records(item)


def _id_of(record: Mapping[str, Any]) -> str:
    if is_word(record.get("last4")):
        return str(record["last4"])
    for name, value in record.items():
        match = _ID.fullmatch(name)
        if match and match[1] not in _PERSONS and is_word(value) and any(map(str.isdigit, value)):
            return str(value)
    return ""


def is_word(value: Any) -> bool:
    """Whether a value is one word, which can tell nobody to do anything."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _with_deed(found: Dialogue, request: ToolRequest, tool: Tool, answer: Any) -> Dialogue:
    status: str = status_of(answer) if isinstance(answer, dict) else "error"
    if status == "confirm":
        return found
    if status == "error" and isinstance(answer.get("error"), dict):
        status = "declined" if answer["error"].get("code") == "NOT_CONFIRMED" else "error"
    if tool.hands_over:
        handed = str(answer.get(tool.hands_over, "")) if status == "ok" else ""
        return replace(found, handed=handed or found.handed)
    values = [v for name, v in request.arguments.items() if name not in tool.secret and is_word(v)]
    for one in records_in(answer):
        values += [one.id, *(v for name, v in one.facts.items() if name == "brand")]
    deed = Done(request.name, status, tuple(dict.fromkeys(values)), request.id)
    done = [one for one in found.done if one.request != deed.request]
    return replace(found, done=(*done, deed)[-MOST_DONE:])


def _answer(message: Message) -> Any:
    try:
        return json.loads(message.text)
    except ValueError:
        return None
