"""Which record is meant by "the second", "my last one", "the other": of those that a tool gave.

Words are data: `text/lists/references.yaml`. What is found so is only ever proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from deskward.agent.model import Message
from deskward.agent.offline.lookup import Lookup, plain, tokens_of
from deskward.text.lists import read_list

PLACES = 5
"""So many places of a list have words."""
_DATED = ("created_at", "placed_at", "opened_at")
"""Where a record tells when it was made."""

Records = Mapping[str, Mapping[str, Any]]
"""The name of each record → its fields, in order."""


@cache
def _lookup() -> Lookup:
    lists = read_list("references").values()
    found = [(str(at), words) for own in lists for at, words in enumerate(own["places"])]
    found += [(name, own[name]) for own in lists for name in ("newest", "other")]
    return Lookup(found)


def meant(text: str, records: Records, before: Collection[str] = ()) -> str | None:
    """The name of the record that a text means; the only one where it says nothing of which.

    Args:
        before: Those that were spoken of before.
    """
    names = list(records)
    hits = _lookup().find(tokens_of(plain(text)))
    places = [at for at in range(PLACES) if str(at) in hits]
    if len(names) == 1:
        return names[0]
    if "newest" in hits:
        return _newest(records) if names else None
    if "other" in hits:
        others = [name for name in names if name not in before]
        return others[0] if len(others) == 1 and len(names) > 1 else None
    return names[places[0]] if len(places) == 1 and places[0] < len(names) else None


def shown(messages: Sequence[Message], named: re.Pattern[str]) -> Records:
    """The records of one kind that tools gave for the answer before the last message.

    Args:
        named: What the name of such a record looks like.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for message in reversed(messages[:-1]):
        if message.role == "user":
            break
        if message.role == "tool":
            for record in _records(json.loads(message.text)):
                name = next((v for v in record.values() if _is_name(v, named)), None)
                if name is not None:
                    found.setdefault(name, record)
    return found


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
    dated = next((key for key in _DATED if all(key in one for one in records.values())), None)
    if dated is None:
        return [*records][-1]
    return max(records, key=lambda name: str(records[name][dated]))
