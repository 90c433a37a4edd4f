"""Deeds that are said in set phrases: where a reply says one, and what bears it out.

For what is seldom said, phrases are written down instead of learned, so that the clauses that are
learned from stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deskward.agent.leaves import Conditions, Evidence, in_state, mappings_in
from deskward.text.clauses import Clause, grammar
from deskward.text.spacing import letters_alike, spaced, unparted

FEW = 4
"""Words beside a phrase, up to which they say nothing by themselves."""
SHORT = 5
"""Words of a clause, up to which its language is not sure."""
_IDS = re.compile(r"‹\w+›")


@dataclass(frozen=True)
class Deed:
    """What a call makes true, and how that is said; patterns by language.

    It is borne out by a call of `calls` that came to good about a record that was last seen in
    `state`.

    Attributes:
        seen: Whether a record in that state bears it out whoever has called what.
        before: Whether what the record named before may be named, such as what it has left.
    """

    name: str
    calls: frozenset[str]
    state: Conditions
    seen: bool
    before: bool
    says: Mapping[str, re.Pattern[str]]

    @classmethod
    def read(cls, name: str, given: Mapping[str, Any], phrases: Mapping[str, Any]) -> Deed:
        """One of a `claims.yaml`; names of `phrases` in its patterns stand for their patterns."""
        state = {field: frozenset(values) for field, values in given.get("state", {}).items()}
        says = {}
        for language, patterns in given["says"].items():
            whole = "|".join(patterns)
            for phrase, by_language in phrases.items():
                whole = whole.replace(phrase, f"(?:{by_language[language]})")
            says[language] = re.compile(letters_alike(whole))
        calls = frozenset(given.get("calls", ()))
        return cls(name, calls, state, "seen" in given, "before" in given, says)

    def said(self, text: str, language: str) -> tuple[int, int] | None:
        """Where a text says that it was done, for certain."""
        unsure = grammar()[language]["not"] | grammar()[language]["may"]
        for match in self.says[language].finditer(text):
            if unsure.isdisjoint(text[: match.end()].split()):
                return match.span()
        return None

    def records(self, evidence: Iterable[Evidence]) -> list[frozenset[str]]:
        """Of each record that bears it out, the ids and other texts that it has of its own."""
        latest: dict[str, Mapping[str, Any]] = {}
        named: dict[str, frozenset[str]] = {}
        called = set()
        for at, one in enumerate(one for one in evidence if one.status == "ok"):
            for number, item in enumerate(mappings_in(one.answer)):
                name = str(item.get("id", f"{at} {number}"))
                if not item.keys() >= self.state.keys():
                    continue
                own = _texts(item) | (_texts(one.arguments) if number == 0 else frozenset())
                latest[name] = item
                named[name] = own | (named.get(name, frozenset()) if self.before else frozenset())
                if number == 0 and one.tool in self.calls:
                    called.add(name)
        names = latest.keys() if self.seen else called
        return [named[name] for name in names if in_state(latest[name], self.state)]


@dataclass
class Deeds:
    """All deeds that were declared.

    Attributes:
        heard: How a sentence says that it only repeats what somebody said; by language.
        polite: Words of a wish that puts nothing under a condition; by language.
    """

    all: list[Deed] = field(default_factory=list)
    heard: dict[str, re.Pattern[str]] = field(default_factory=dict)
    polite: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, content: Mapping[str, Any]) -> None:
        """Take up what a `claims.yaml` declares."""
        phrases = content.get("phrases", {})
        for name, given in content.get("deeds", {}).items():
            self.all.append(Deed.read(name, given, phrases))
        for language, patterns in content.get("heard", {}).items():
            self.heard[language] = re.compile(letters_alike("|".join(patterns)))
        for language, words in content.get("polite", {}).items():
            self.polite[language] = frozenset(letters_alike(words).split())

    def language(self, sentence: str) -> str | None:
        """The language in which a sentence says a deed."""
        text = unparted(spaced(sentence).casefold())
        return next(
            (name for name in self.heard if any(d.said(text, name) for d in self.all)), None
        )

    def judged(
        self,
        clauses: Sequence[Clause],
        language: str,
        evidence: Sequence[Evidence],
        passed: Callable[[Sequence[str]], bool],
    ) -> tuple[list[Clause], str]:
        """A sentence's clauses without the deeds that are borne out, or why one is not.

        Args:
            passed: Whether words are a quotation, which claims nothing.
        """
        rest, before = [], ""
        for at, clause in enumerate(clauses):
            text = unparted(" ".join(clause.words))
            asks = clause.asks and at == len(clauses) - 1
            for deed in () if asks or passed(clause.words) else self.all:
                place, sure = self._place(deed, before, text, language)
                if place is None:
                    continue
                ids = {value.text.casefold() for value in _about(clauses, at)} if sure else set()
                records = deed.records(evidence) if sure else [frozenset[str]()]
                if not records or not all(any(name in own for own in records) for name in ids):
                    return [], f"no result shows that ({deed.name})"
                words = f"{text[: place[0]]} {text[place[1] :]}".split()
                words = words if len(words) > FEW else []
                values = tuple(v for v in clause.values if v.text.casefold() not in ids)
                words += [f"‹{value.kind}›" for value in values if f"‹{value.kind}›" not in words]
                clause = replace(clause, words=tuple(words), values=values)
                text = unparted(" ".join(words))
            rest += [clause] if clause.words else []
            before = text
        return rest, ""

    def _place(
        self, deed: Deed, before: str, text: str, language: str
    ) -> tuple[tuple[int, int] | None, bool]:
        """Where a clause says a deed, and whether it claims it.

        Few words may be of another language than they seem.
        """
        others = self.heard if len(text.split()) <= SHORT else ()
        for name in dict.fromkeys([language, *others]):
            if place := deed.said(text, name):
                conditions = grammar()[name]["if"] - self.polite[name]
                lead = [*before.split()[:2], *text[: place[0]].split()]
                heard = self.heard[name].search(f"{before}, {text[: place[1]]}")
                return place, not heard and conditions.isdisjoint(lead)
        return None, False


def _about(clauses: Sequence[Clause], at: int) -> Iterator[Any]:
    """The ids that a clause is about: its own and those listed behind it, else the ones before."""
    yield from clauses[at].ids
    for clause in clauses[at + 1 :]:
        if not all(map(_IDS.fullmatch, clause.words)):
            break
        yield from clause.ids
    if at and not clauses[at].ids:
        yield from clauses[at - 1].ids


def _texts(record: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(value.casefold() for value in record.values() if isinstance(value, str))
