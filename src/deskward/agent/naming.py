"""What a customer points at counts as its name: "cancel the second one" is "cancel the O1002 one".

Own words count only for what they name (decision 12). Words that point name a record where the desk
itself, and no model, can say which: by its place among the records that the desk's own template
showed last, by a status, by its date, by a word of what it is, or as the only one that is open, and
only where exactly one is meant. Before the deed the customer still reads its id in the desk's
question (decision 32).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from deskward.agent.dialogue import Dialogue
from deskward.agent.model import OFFLINE, Message
from deskward.agent.offline.lookup import Lookup, plain, tokens_of
from deskward.agent.offline.refers import PRONOUN, TOLD, Pointed, Records, pointed, records_of
from deskward.text.lists import read_list

SHORT = 120
"""Characters of what may point; a longer text says too much for that."""
FOUND_BY = 300
"""Characters of an utterance by which records are found."""
FEW = 5
"""Words of what may point by a pronoun alone."""
_ID = re.compile(r"[A-Z]\d{3,18}|\d{4}")
_WORD = re.compile(r"\w+")
_CLAUSE = re.compile(r"[,;:.!?…،؛؟。！？、]+")


def said_in(messages: Sequence[Message]) -> tuple[str, ...]:
    """What the principal said, with the ids of what they point at."""
    found: list[str] = []
    screen: Records = {}
    spoken: Sequence[str] = ()
    known: dict[str, Mapping[str, Any]] = {}
    for at, message in enumerate(messages):
        if message.role == "user":
            named = _named(message.text, screen, spoken, _whole_list(messages, at))
            found.append(_told(named, _found_by(messages, at)) if named == message.text else named)
        elif message.role == "tool":
            known |= _listed(message)
        elif message.dialogue is not None:
            about = Dialogue.of(message.dialogue)
            ours = about.shown if about.by == OFFLINE else ()
            screen = {one.id: {**known.get(one.id, {}), **one.facts} for one in ours}
            spoken = about.spoken
    return tuple(found)


def _named(text: str, screen: Records, spoken: Sequence[str], listed: Records) -> str:
    """The text, with an id in place of the words that point at it."""
    if len(text) > SHORT:
        return text
    found = pointed(text, screen, spoken) if screen else None
    if found is not None and found.by == PRONOUN and len(_clause(text, found).split()) > FEW:
        return text
    if found is None and listed:  # nobody saw it before they spoke: its places say nothing
        found = pointed(text, listed)
        if found is None:
            return _with_only(text, listed)
        if not found.by_itself:
            return text
    if found is None:
        return _behind_verb(text, spoken)
    if found.by == PRONOUN and not found.names:
        found = replace(found, names=_open_in(listed))
    if found.all or len(found.names) != 1:
        return text
    before = text[: found.start]
    before = f"{before[:-1]} " if before.endswith("-") else before  # "annulez-la"
    return f"{before}{found.names[0]}{text[found.end :]}"


def _behind_verb(text: str, spoken: Sequence[str]) -> str:
    """The text, with the id of what was spoken of last behind a verb that ends in a pronoun."""
    verb = next((one for one in _WORD.finditer(text) if one[0].casefold() in _clinging()), None)
    if verb is None or not spoken or len(text.split()) > FEW:
        return text
    return f"{text[: verb.end()]} {spoken[0]}{text[verb.end() :]}"


def _open_in(listed: Records) -> tuple[str, ...]:
    """The records that are open, of a kind of which there is an "open"."""
    opens = {status for own in _own().values() for status in own["open"]}
    return tuple(name for name, one in listed.items() if one.get("status") in opens)


@cache
def _clinging() -> frozenset[str]:
    """Verbs that end in a pronoun: "cancélalo"."""
    return frozenset(word for own in _own().values() for word in own.get("clinging", ()))


def _told(text: str, listed: Records) -> str:
    """The text, with an id behind the words by which one record alone was found."""
    found = pointed(text, listed) if listed and len(text) <= SHORT else None
    if found is None or found.by != TOLD or found.all or len(found.names) != 1:
        return text
    return f"{text[: found.end]} {found.names[0]}{text[found.end :]}"


def _with_only(text: str, listed: Records) -> str:
    """The text, "my order" with the id of the only one that is open."""
    tokens = tokens_of(plain(text))
    found = _things().find(tokens)
    kind = next(iter(found), "")
    names = [n for n, one in listed.items() if kind and one.get("status") in _own()[kind]["open"]]
    hits = found.get(kind, ())
    if len(names) != 1 or len(hits) != 1:
        return text
    end = tokens[hits[0].end - 1].end
    return f"{text[:end]} {names[0]}{text[end:]}"


def _clause(text: str, found: Pointed) -> str:
    """The part of the text in which the words that point stand."""
    before, behind = text[: found.start], text[found.start :]
    return _CLAUSE.split(before)[-1] + _CLAUSE.split(behind)[0]


@cache
def _own() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = read_list("own")
    return found


@cache
def _things() -> Lookup:
    return Lookup([(kind, own["called"]) for kind, own in _own().items()])


def _whole_list(messages: Sequence[Message], at: int) -> Records:
    """The records that were looked up for an utterance, where all of them were asked for."""
    return _looked_up(messages, at, {})


def _found_by(messages: Sequence[Message], at: int) -> Records:
    """The records that the desk found by the utterance itself: no model chose its words."""
    said = messages[at].text[:FOUND_BY]
    return _looked_up(messages, at, {"words": said}) if said else {}


def _looked_up(messages: Sequence[Message], at: int, by: Mapping[str, Any]) -> Records:
    """The records that were looked up for an utterance with these arguments first."""
    asked: dict[str, Mapping[str, Any]] = {}
    for message in messages[at + 1 :]:
        if message.role == "user":
            break
        asked |= {request.id: request.arguments for request in message.tool_requests}
        if message.role == "tool" and asked.get(message.tool_request_id or "") == by:
            return _listed(message)
    return {}


def _listed(message: Message) -> dict[str, Mapping[str, Any]]:
    try:
        answer = json.loads(message.text)
    except ValueError:
        return {}
    return dict(records_of(answer, _ID))
