"""What the tools of a conversation showed, made ready for looking claims up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deskward.agent.claims.lexicon import Deed, base, lexicon
from deskward.core.answers import CallStatus
from deskward.text.words import content_stems, stem, words

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[\s()+,-]")
_KINDS = {"T": "ticket", "O": "order", "C": "complaint"}
_ID_FIELDS = ("id", "ticket_id", "order_id", "complaint_id", "card_id", "email_id", "user_id")
_TOLD = frozenset({"resolution", "reply", "message", "question"})
"""Fields in which the desk, not a customer, wrote sentences."""
_QUOTED = frozenset({"address", "new_address", "shipping_address", "name", "description"})
"""Fields whose text may stand in a reply as it is and claims nothing."""


@dataclass(frozen=True)
class Evidence:
    """What one tool call of the conversation showed."""

    tool: str
    status: CallStatus
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """Something with a status: an order, a ticket, a complaint, a card, an account."""

    kind: str
    names: frozenset[str]
    """What a reply may call it: its id, a card's last digits and brand; lower case."""
    status: str
    fields: Mapping[str, Any]


class Shown:
    """The evidence of a conversation, digested where it is first needed."""

    def __init__(self, evidence: Sequence[Evidence], said: Sequence[str]) -> None:
        self._found: dict[str, Any] = {}
        self.evidence = evidence
        self.said = said
        self.ok = [item for item in evidence if item.status == "ok"]
        self.pending = [item for item in evidence if item.status == "pending"]

    def once(self, name: str, work: Callable[[Shown], Any]) -> Any:
        """What a look at the evidence comes to; it is taken once for all sentences."""
        if name not in self._found:
            self._found[name] = work(self)
        return self._found[name]

    @cached_property
    def leaves(self) -> list[tuple[str, Any]]:
        """Every value of the answers with the name of its field; of calls made, arguments too."""
        return [
            leaf
            for item in self.evidence
            for part in (item.answer, item.arguments)
            for leaf in _leaves("", part)
        ]

    @cached_property
    def text(self) -> str:
        """All strings of the evidence and what the customer said."""
        return "\n".join([*self._strings, *self.said])

    @cached_property
    def said_verbs(self) -> frozenset[str]:
        """The base forms of what the customer wrote."""
        return frozenset(base(word) for text in self.said for word in words(text))

    @cached_property
    def _strings(self) -> list[str]:
        return [value for _, value in self.leaves if isinstance(value, str)]

    @cached_property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @cached_property
    def digits(self) -> str:
        """The text without the marks that stand within telephone numbers."""
        return _MARKS.sub("", self.text)

    @cached_property
    def plain(self) -> str:
        """All words of the text between blanks, without marks."""
        return without_marks(self.text)

    @cached_property
    def objects(self) -> list[Mapping[str, Any]]:
        """Every mapping in the answers that were given."""
        return [found for item in self.ok for found in _mappings(item.answer)]

    @cached_property
    def records(self) -> list[Record]:
        """Every record that an answer shows."""
        found = [record for item in self.objects if (record := _record(item)) is not None]
        return found + [record for item in self.evidence if (record := _refused(item)) is not None]

    @cached_property
    def articles(self) -> list[tuple[frozenset[str], str]]:
        """The stems of each article, and its text."""
        found = [item for item in self.objects if "question" in item and "answer" in item]
        texts = [f"{item['question']} {item['answer']}" for item in found]
        return [(frozenset(stem(word) for word in words(text)), text) for text in texts]

    @cached_property
    def told(self) -> list[frozenset[str]]:
        """The stems of every text that the desk wrote into a record, or answered."""
        texts = [
            value
            for item in self.evidence
            if item.status != "pending"
            for found in _mappings(item.answer)
            for key, value in found.items()
            if key in _TOLD and isinstance(value, str)
        ]
        return [frozenset(content_stems(text)) for text in texts]

    @cached_property
    def quotable(self) -> list[str]:
        """Names and addresses that may stand in a reply as they are; the longest first."""
        found = {
            value
            for key, value in self.leaves
            if key in _QUOTED and isinstance(value, str) and len(value) >= 5
        }
        return sorted(found, key=len, reverse=True)

    @cached_property
    def sentences(self) -> str:
        """What articles, resolutions and answers say, word for word, without marks."""
        texts = [
            str(value)
            for found in self.objects
            for key, value in found.items()
            if key in _TOLD or (key == "answer" and "question" in found)
        ]
        return f" {' '.join(' '.join(words(text)) for text in texts)} "

    @cached_property
    def written(self) -> list[str]:
        """What each writing tool that was called with success was for."""
        kinds = lexicon().writes
        return [kinds[item.tool] for item in self.ok if item.tool in kinds]

    def supporters(self, deed: Deed) -> list[frozenset[str]]:
        """What supports a deed: of each call or record, the names that it goes by."""
        found = [_names(item) for item in self.ok if item.tool in deed.tools and _says(item, deed)]
        if deed.pending:
            found += [_names(item) for item in self.pending]
        if deed.statuses:
            found += [
                record.names
                for record in self.records
                if record.status in deed.statuses
                and (not deed.about or record.kind in deed.about or not record.kind)
            ]
        return found


def without_marks(text: str) -> str:
    """The words and numbers of a text, in lower case, each between blanks."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def _says(item: Evidence, deed: Deed) -> bool:
    return all(item.answer.get(key) in allowed for key, allowed in deed.answer)


def _names(item: Evidence) -> frozenset[str]:
    """Ids, digits and brands that a call names or answers."""
    found: set[str] = set()
    for key, value in [*_leaves("", item.answer), *_leaves("", item.arguments)]:
        if isinstance(value, str) and (
            key.endswith("id") or key in ("last4", "brand", "card", "to", "assignee")
        ):
            found.add(value.lower())
    return frozenset(found)


def _record(found: Mapping[str, Any]) -> Record | None:
    status = found.get("status")
    if not isinstance(status, str):
        return None
    ids = [found[key] for key in _ID_FIELDS if isinstance(found.get(key), str)]
    kind = next((_KINDS[i[0]] for i in ids if i[:1] in _KINDS and i[1:].isdigit()), "")
    if "last4" in found:
        kind = "card"
    elif "balance" in found or "cards" in found:
        kind = "account"
    elif "email_id" in found or "approval_id" in found:
        return None
    names = [*ids, found.get("last4"), found.get("brand")]
    return Record(kind, frozenset(str(n).lower() for n in names if n), status, found)


def _refused(item: Evidence) -> Record | None:
    """The record that a refusal tells about: `Order O1002 is shipped and can only …`."""
    error = item.answer.get("error")
    details = (
        error.get("details") if item.status == "error" and isinstance(error, Mapping) else None
    )
    status = details.get("status") if isinstance(details, Mapping) else None
    if not isinstance(status, str):
        return None
    names = _names(item)
    kind = next(
        (_KINDS[n[0].upper()] for n in names if n[:1].upper() in _KINDS and n[1:].isdigit()), ""
    )
    return Record(kind, names, status, {})


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values within a value, each with the name of its field."""
    if isinstance(value, str | int | None):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(str(name), item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(key, item)
    else:
        yield key, value


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for item in value.values():
            if not isinstance(item, str | int | None):
                yield from _mappings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _mappings(item)
