"""A message as `lax.py` reads it: its words, what lists find in it, and what it may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deskward.agent.offline.lookup import Hit, Token
from deskward.agent.offline.wishing import Wish

SHARED = ("not", "if", "doubts", "how", "said", "others", "mocks", "takes_back", "ago", "found")
"""Lists of `acts.yaml` whose words speak against an act."""
CUES = frozenset((*SHARED, "scorns", "past", "unsure", "earlier"))
"""These, and those of `lax.yaml` besides."""
_COVERING = frozenset(("ask", "asks", "polite", "want", "wants", "lost"))
"""The lists whose phrases say nothing against an act, whatever words they have."""
_COVERING_OWN = ("thing:", "mark:")
"""The same of what skills declare, where it is several words: "where I live"."""


@dataclass
class Guess:
    """What a message may ask for.

    Attributes:
        wishes: The acts, only to be proposed.
        refused: Whether it speaks of an act or a loss, and something in it speaks against that.
        turned: Whether it takes an act back, for another or for none: "freeze it, no, close it".
    """

    wishes: list[Wish] = field(default_factory=list)
    refused: bool = False
    turned: bool = False


@dataclass
class Event:
    """A verb, or a loss, in a clause, and what it is about.

    Words that speak against it stand before `last`, those that deny it before `denied`. It `mends`
    where its value stands behind words of correction: "my password: X… no, take Y".
    """

    skill: str
    clause: int
    at: int
    weight: int
    strong: bool
    named: str = ""
    noun: bool = False
    loss: bool = False
    here: bool = False
    mends: bool = False
    last: int = 9_999
    denied: int = 9_999

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """How likely it is meant, of all that a thing may be meant with."""
        return bool(self.named), self.weight, self.strong


@dataclass
class Message:
    """A message in one language."""

    language: str
    text: str
    tokens: list[Token]
    hits: Mapping[str, Sequence[Hit]]
    clauses: list[int]
    sentences: list[int]
    asking: set[int]
    numbers: dict[int, str]
    covered: set[int]
    events: list[Event] = field(default_factory=list)
    turned: bool = False

    @property
    def cues(self) -> set[str]:
        """The lists of which something stands in it, whether it asks, and does not want."""
        found = {name.replace(":", "_") for name in self.hits if self.has(name)}
        if self.asking:
            found.add("asking")
        wants = (hit.start for name in ("want", "wants") for hit in self.hits.get(name, ()))
        if any(self.has("not", clause=self.clauses[at]) for at in wants):
            found.add("unwanted")
        return found

    def has(
        self,
        name: str,
        *,
        clause: int = -1,
        sentence: int = -1,
        after: int = -1,
        before: int = 9_999,
    ) -> bool:
        """Whether a list's phrase begins in a clause, a sentence, or anywhere behind a word."""
        return any(
            (name not in CUES or not self.covered.issuperset(range(hit.start, hit.end)))
            and (clause < 0 or self.clauses[hit.start] == clause)
            and (sentence < 0 or self.sentences[hit.start] == sentence)
            and after < hit.start < before
            for hit in self.hits.get(name, ())
        )


def covers(part: str, hit: Hit) -> bool:
    """Whether what a list found speaks against nothing, whatever other lists have its words."""
    if part not in _COVERING and not part.startswith(_COVERING_OWN):
        return False
    if hit.end - hit.start > 1:
        return True
    if part == "lost":
        return hit.whole
    return part.startswith("mark:") or (part in _COVERING and part != "want")
