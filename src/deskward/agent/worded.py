"""What may be said in the words of a result alone: the cause that a call found, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from deskward.agent.leaves import Evidence, mappings_in
from deskward.text.analysis import base_of, stop_words
from deskward.text.clauses import Clause
from deskward.text.folding import folded
from deskward.text.spacing import letters_alike, unparted

SHORTEST, ALIKE = 4, 0.6
"""Letters of a word that names something, and the part of its pieces that a known one shares."""
LEADS = 4
"""Words of a clause that only says how sure the next one is: "it may be that …"."""

_UNPARTED = re.compile(r"[\u30a0-\u30ff\u3400-\u9fff]{2,}")
_WORD = re.compile(rf"[^\W\d_\u3040-\u9fff]{{{SHORTEST},}}")


@dataclass(frozen=True)
class Worded:
    """How something is said that only a result can name; patterns by language."""

    name: str
    fields: Sequence[str]
    says: Mapping[str, re.Pattern[str]]
    open: Mapping[str, re.Pattern[str]]
    besides: frozenset[str]

    @classmethod
    def read(cls, name: str, given: Mapping[str, Any]) -> Worded:
        """One of a `claims.yaml`."""
        says, hedged = (
            {
                language: re.compile(letters_alike("|".join(some)))
                for language, some in given[key].items()
            }
            for key in ("says", "open")
        )
        besides = frozenset(w for some in given["besides"].values() for w in folded(some).split())
        return cls(name, given["fields"], says, hedged, besides)

    def shown(self, evidence: Iterable[Evidence]) -> list[str]:
        """The texts that name it, by the latest answer about each record."""
        good = (one.answer for one in evidence if one.status == "ok")
        latest = {str(answer.get("id", at)): answer for at, answer in enumerate(good)}
        items = [item for answer in latest.values() for item in mappings_in(answer)]
        whole = [item for item in items if all(item.get(name) for name in self.fields)]
        return ["\n".join(str(item[name]) for name in self.fields) for item in whole]

    def is_said(self, clauses: Sequence[Clause], language: str) -> bool:
        """Whether one of a sentence's clauses says it, for certain or not."""
        texts = (unparted(" ".join(clause.words)) for clause in clauses)
        return any(self.says[language].search(text) for text in texts)

    def named(self, clauses: Sequence[Clause], language: str) -> list[set[str]]:
        """Of each clause that says it for certain, the words that name something in it."""
        texts = [unparted(" ".join(clause.words)) for clause in clauses]
        found = []
        for at, (clause, text) in enumerate(zip(clauses, texts, strict=True)):
            lead = texts[at - 1] if at and len(clauses[at - 1].words) <= LEADS else ""
            if {"q", "c"} & set(clause.mood) or not self.says[language].search(text):
                continue
            if not self.open[language].search(f"{lead} {text}"):
                rest = (self.says[language].sub(" ", one) for one in (text, *texts[at + 1 :]))
                names = [_words(one) - stop_words(base_of(language)) - self.besides for one in rest]
                found.append(next(filter(None, names), set()))
        return found

    def problem(self, named: Set[str], texts: Sequence[str], said: str) -> str:
        """Why what is named is not what texts name, or nothing.

        Args:
            said: What the customer said, whose words may stand beside.
        """
        pieces = set().union(*(_pieces(word) for text in texts for word in _words(text)))
        known = {
            word for word in named if len(_pieces(word) & pieces) >= ALIKE * len(_pieces(word))
        }
        strange = named - known - _words(said)
        if texts and (not named or len(strange) < len(known)):
            return ""
        return f"no result names this {self.name}"


def _words(text: str) -> set[str]:
    text = folded(text)
    return {*_WORD.findall(text), *_UNPARTED.findall(text)}


def _pieces(word: str) -> set[str]:
    """Its runs of three letters, or of two where words are not parted."""
    length = 2 if _UNPARTED.match(word) else 3
    return {word[at : at + length] for at in range(len(word) - length + 1)}
