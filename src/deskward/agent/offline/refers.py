"""Which record is meant by "the second", "my last one", "both", "the pending one", "the charger".

Of those that stood in an answer. Words are data: `text/lists/references.yaml` and, for what things
are called, `goods.yaml`. What is found so is only ever proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from deskward.agent.model import Message
from deskward.agent.offline.lookup import Hit, Lookup, Token, plain, tokens_of
from deskward.text.excluding import excluded, without_excluded
from deskward.text.folding import folded
from deskward.text.goods import called
from deskward.text.lists import read_list

REMEMBERED = 8
"""Texts of which it is remembered how they point: a turn asks for the same several times."""
PLACES = 5
"""So many places of a list have words."""
_DATED = ("created_at", "placed_at", "opened_at")
"""Where a record tells when it was made."""
_TOLD = ("description", "subject", "brand", "category")
"""Where a record tells in words what it is."""
STATUS, PLACE, NEWEST, OTHER, TOLD, PRONOUN = "status", "place", "newest", "other", "told", "it"

PLAIN = ("newest", "previous", "other")
"""Lists of words that point by themselves."""

Records = Mapping[str, Mapping[str, Any]]
"""The name of each record → its fields, in order."""


@dataclass(frozen=True)
class Pointed:
    """What a text points at.

    Attributes:
        names: The records; several where it does not say which of them.
        start: Where in the text the pointing words begin,
        end: and end.
        by: What points: a place among what was shown, another one, a pronoun; or what stands in
            the record itself, whoever saw it.
        all: Whether all of them are meant.
    """

    names: tuple[str, ...]
    start: int = 0
    end: int = 0
    by: str = ""
    all: bool = False

    @property
    def by_itself(self) -> bool:
        """Whether it is known by what stands in it, and not by how it was shown."""
        return self.by in (STATUS, NEWEST, TOLD)


@cache
def _lookup() -> Lookup:
    lists = read_list("references").values()
    found = [(str(at), words) for own in lists for at, words in enumerate(own["places"])]
    found += [(name, own[name]) for own in lists for name in (*PLAIN, "it", "both")]
    found += [(f"status:{one}", w) for own in lists for one, w in own["statuses"].items()]
    return Lookup(found)


@lru_cache(maxsize=REMEMBERED)
def _read(text: str) -> tuple[Sequence[Token], Mapping[str, Sequence[Hit]]]:
    """The words of a text, and which of them point at what."""
    tokens = tokens_of(plain(text))
    return tuple(tokens), dict(_lookup().find(tokens))


def meant(text: str, records: Records, before: Collection[str] = ()) -> str | None:
    """The name of the record that a text means; the only one where it says nothing of which.

    Args:
        before: Those that were spoken of before.
    """
    found = pointed(text, records, before)
    if found is not None and not found.all:
        return found.names[0] if len(found.names) == 1 else None
    return next(iter(records)) if len(records) == 1 else None


def is_several(text: str) -> bool:
    """Whether a text means more than one, or another one than was spoken of."""
    return not {"both", "other"}.isdisjoint(_read(text)[1])


def says_all(text: str) -> bool:
    """Whether a text means all of them: "both"."""
    return "both" in _read(text)[1]


def pointed(text: str, records: Records, before: Collection[str] = ()) -> Pointed | None:
    """What a text points at of some records; None where it has no word that points.

    Where it has one and none fits, there are no names. What it says is not meant is never among
    them: "not the first", "anything but the charger".
    """
    places = [place for place in excluded(text) if not _is_status(text, place[0])]
    out = {name for start, end in places for name in _ruled_out(text[start:end], records, before)}
    if not out:
        return _pointed(text, records, before)
    left = tuple(name for name in records if name not in out)
    found = _pointed(without_excluded(text), records, before)
    if found is None:
        start, end = places[0]
        return Pointed(left, start, end, OTHER)
    if found.by in (OTHER, PRONOUN) or not any(name in left for name in found.names):
        return replace(found, names=left, by=OTHER, all=False)
    names = tuple(name for name in found.names if name in left)
    return replace(found, names=names, all=found.all and len(names) > 1)


def _ruled_out(name: str, records: Records, before: Collection[str]) -> Iterator[str]:
    """The records that are named where what is not meant stands."""
    words = {token.text for token in tokens_of(plain(name))}
    yield from (one for one in records if plain(one) in words)
    found = _pointed(name, records, before)
    if found is not None and found.by != PRONOUN and not found.all:
        yield from found.names


def _pointed(text: str, records: Records, before: Collection[str]) -> Pointed | None:
    (tokens, hits), names = _read(text), list(records)
    if "both" in hits and len(names) > 1:
        return _at(tokens, hits["both"], names, "both")
    told = _told(text, records)
    if told is not None and len(told.names) == 1:
        return told
    for name, some in hits.items():
        if name.startswith("status:"):
            status = name.removeprefix("status:")
            fit = [one for one in names if records[one].get("status") == status]
            return _at(tokens, some, fit, STATUS)
    places = [at for at in range(PLACES) if str(at) in hits]
    if places and "newest" not in hits:
        fit = names[places[0] : places[0] + 1] if len(places) == 1 else []
        return _at(tokens, hits[str(places[0])], fit, PLACE)
    if "previous" in hits:
        return _at(tokens, hits["previous"], _before_last(records, before), PLACE)
    if "newest" in hits:
        return _at(tokens, hits["newest"], [_newest(records)] if names else [], NEWEST)
    if "other" in hits:
        latest = next((name for name in before if name in names), None)
        others = [name for name in names if name != latest]
        return _at(tokens, hits["other"], others if len(names) > 1 else [], OTHER)
    if told:
        return told
    if "it" in hits:
        spoken = [name for name in before if name in names] or (names if len(names) == 1 else [])
        return _at(tokens, hits["it"], spoken[:1], PRONOUN)
    return None


def _before_last(records: Records, before: Collection[str]) -> list[str]:
    """The record made before the one that was spoken of last, or else before the newest."""
    ordered = _by_date(records)
    latest = next((name for name in before if name in ordered), next(iter(ordered), ""))
    at = ordered.index(latest) + 1 if latest else 0
    return ordered[at : at + 1]


def _is_status(text: str, place: int) -> bool:
    """Whether a status stands there that is told with a negation: "not shipped"."""
    tokens, hits = _read(text)
    return any(
        tokens[hit.start].start < place < tokens[hit.end - 1].end
        for name, some in hits.items()
        if name.startswith("status:")
        for hit in some
    )


def _at(tokens: Sequence[Token], hits: Sequence[Hit], names: Sequence[str], by: str) -> Pointed:
    longest = max(hits, key=lambda hit: hit.length)
    start, end = tokens[longest.start].start, tokens[longest.end - 1].end
    return Pointed(tuple(names), start, end, by, all=by == "both")


def _told(text: str, records: Records) -> Pointed | None:
    """The records that are told to be what the text names."""
    named = [name for name, record in records.items() if record.get("named")]
    if named and (len(named) < len(records) or len(records) == 1):
        return Pointed(tuple(named), by=TOLD)
    found = called(text, {name: " ".join(_words_of(one)) for name, one in records.items()})
    if not found:
        return None
    word = next(iter(found.values()))
    start = folded(text).find(word)
    if len(folded(text)) != len(text) or start < 0:
        return Pointed(tuple(found), len(text), len(text), TOLD)
    return Pointed(tuple(found), start, start + len(word), TOLD)


def _words_of(record: Any) -> Iterator[str]:
    """What a record tells in words."""
    if isinstance(record, Mapping):
        for name, value in record.items():
            if name in _TOLD and isinstance(value, str):
                yield value
            elif isinstance(value, Mapping | list):
                yield from _words_of(value)
    elif isinstance(record, list):
        for one in record:
            yield from _words_of(one)


def shown(messages: Sequence[Message], named: re.Pattern[str]) -> Records:
    """The records of one kind that tools gave last, for an answer or in this turn.

    Args:
        named: What the name of such a record looks like.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for message in reversed(messages):
        if message.role == "user" and found:
            break
        if message.role == "tool":
            for name, record in records_of(json.loads(message.text), named):
                found.setdefault(name, record)
    return found


def records_of(answer: Any, named: re.Pattern[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The records of one kind in a tool's answer, with their names."""
    for record in _records(answer):
        name = next((v for v in record.values() if _is_name(v, named)), None)
        if name is not None:
            yield name, record


def _is_name(value: Any, named: re.Pattern[str]) -> bool:
    return isinstance(value, str) and named.fullmatch(value) is not None


def _records(answer: Any) -> Iterator[Mapping[str, Any]]:
    """All objects of an answer, from without to within."""
    if isinstance(answer, dict):
        yield answer
    inner = answer.values() if isinstance(answer, dict) else answer
    for value in inner if isinstance(answer, dict | list) else ():
        if isinstance(value, dict | list):
            yield from _records(value)


def _newest(records: Records) -> str:
    """The one that was made last; of those that tell no dates, the last."""
    return _by_date(records)[0]


def _by_date(records: Records) -> list[str]:
    """The names of records, the newest first; of those that tell no dates, the last first."""
    dated = next((key for key in _DATED if all(key in one for one in records.values())), None)
    if dated is None:
        return [*records][::-1]
    return sorted(records, key=lambda name: str(records[name][dated]), reverse=True)
