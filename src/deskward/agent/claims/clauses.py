"""What a reply is made of: sentences, and clauses with what they claim."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from itertools import pairwise

from deskward.agent.claims.lexicon import lexicon
from deskward.agent.claims.verbs import Claim, Reader

MAX_SENTENCE = 600
"""Characters of a sentence that are looked at together, so that no text takes long."""

_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n+")
_TOKEN = re.compile(r"[a-z]?\d+(?:[.,:]\d+)*|[a-z]+(?:[-'][a-z]+)*|[,;:()–—?!]| - ")
_SHORT = re.compile(r"\b(e\.g|i\.e|no|nr|st|mr|mrs|ms|dr|a\.m|p\.m|vs|approx)\.", re.IGNORECASE)
_CONTRACTIONS = (
    ("won't", "will not"),
    ("can't", "can not"),
    ("shan't", "shall not"),
    ("n't", " not"),
    ("i'm", "i am"),
    ("let's", "let us"),
    ("'ve", " have"),
    ("'ll", " will"),
    ("'re", " are"),
)
_IS = re.compile(r"\b(it|that|he|she|there|here|what|who|everything|this|all)'s\b")
_IS_D = re.compile(r"\b(i|we|you|he|she|they)'d\b")
_BREAKS = frozenset(
    {"!", "?", ",", ";", ":", "(", ")", "–", "—", " - ", "and", "but", "so", "because", "or"}
)
_RELATIVES = frozenset({"which", "who"})
_INDEPENDENT = frozenset(
    {"you", "your", "approve", "approved", "approves", "approval", "person", "colleague"}
)


@dataclass
class Clause:
    """A part of a sentence with its own verb."""

    words: list[str]
    claims: list[Claim] = field(default_factory=list)
    denied: bool = False
    conditional: bool = False
    """Whether it holds only if or when something happens."""

    @property
    def text(self) -> str:
        """The words between blanks."""
        return f" {' '.join(self.words)} "


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text; a monstrous one in parts."""
    plain = _SHORT.sub(r"\1", text)
    found = []
    for raw in _END.split(plain):
        if len(raw) <= MAX_SENTENCE:
            found.append(raw)
        else:
            found += textwrap.wrap(raw, MAX_SENTENCE)
    return [part for raw in found if (part := raw.strip(" \t-*•#>"))]


def tokens(sentence: str) -> list[str]:
    """The words and marks of a sentence, lower-cased, contractions written out."""
    plain = sentence.lower().replace("\u2019", "'")
    plain = plain.replace("cannot", "can not").replace("not only ", "")
    if "'" in plain:
        for short, long in _CONTRACTIONS:
            plain = plain.replace(short, long)
        plain = _IS_D.sub(r"\1 would", _IS.sub(r"\1 is", plain))
    return _TOKEN.findall(plain)


def is_question(sentence: str) -> bool:
    """Whether a sentence asks."""
    return sentence.rstrip(" \"')]*").endswith("?")


def clauses(sentence: str) -> list[Clause]:
    """The clauses of a sentence that is no question, with what they claim."""
    found: list[Clause] = []
    reader: Reader | None = None
    waiting: list[str] = []
    spoken = tokens(sentence)
    conditional = spoken[:1] != [] and spoken[0] in lexicon().invitations
    conditional = conditional or spoken[:2] == ["with", "your"]
    for fragment in _fragments(spoken):
        clause = Clause([*waiting, *fragment.words])
        before, reader = reader, Reader(fragment.words, reader)
        claims = reader.read()
        clause.denied = reader.denied
        conditional = conditional or fragment.depends
        if fragment.condition or fragment.reports:
            claims = []
        elif fragment.time:
            claims = [claim for claim in claims if claim.desk and claim.form == "past"]
        clause.claims = claims
        if reader.finite or claims:
            waiting = []
            found.append(clause)
            continue
        reader = before or reader
        # A part of a list: it belongs to the clause before it, or to the one that comes.
        if found and fragment.goes_on:
            found[-1].words += ["and", *fragment.words]
        else:
            waiting = [*waiting, *fragment.words, "and"]
    if waiting:
        found.append(Clause(waiting))
    if spoken and spoken[0] in lexicon().times | lexicon().conditions:
        for clause in found:
            clause.conditional = True
    if conditional:
        for clause in found:
            clause.claims = [c for c in clause.claims if c.form in ("past", "passive", "whole")]
    return found


@dataclass
class _Fragment:
    """The words between two marks or conjunctions."""

    words: list[str]
    reports: bool
    """Whether they say what somebody else said, or what is not sure."""
    condition: bool
    time: bool
    """Whether they only say when: what they claim was said before, unless the desk did it."""
    depends: bool
    """Whether the sentence holds only if somebody does something."""
    goes_on: bool
    """Whether they may be the next item of a list."""


def _fragments(words: list[str]) -> list[_Fragment]:
    known = lexicon()
    parts: list[_Fragment] = []
    current: list[str] = []
    marks: set[str] = set()
    reports = condition = time = depends = False

    def close() -> None:
        nonlocal current, marks
        if current:
            goes_on = marks <= {",", "and", "or"}
            parts.append(_Fragment(current, reports, condition, time, depends, goes_on))
            marks = set()
        current = []

    for place, (before, word) in enumerate(pairwise(["", *words])):
        if word in _BREAKS or word in _RELATIVES:
            close()
            marks.add(word)
            if word not in ("and", "or"):
                reports = condition = time = depends = False
            if word in _RELATIVES:
                current = [word]
            continue
        if word in known.conditions or f"{before}_{word}" in known.conditions:
            close()
            condition = True
            depends = _depends(words[place:], word)
        elif word in known.times:
            close()
            time = True
            depends = _depends(words[place:], word)
        if word == "that" and _reports_that(current):
            close()
            reports = True
            continue
        current.append(word)
    close()
    return parts


def _depends(after: list[str], word: str) -> bool:
    """Whether a condition is one: not only a time that will come anyhow."""
    if word in ("if", "unless", "whether", "provided", "case"):
        return True
    return bool(_INDEPENDENT & set(after))


def _reports_that(words: list[str]) -> bool:
    """Whether `… that` says what somebody else said, or what is not sure."""
    known = lexicon()
    if "you" in words and known.reporting & set(words):
        return True
    if ({"sorry", "glad", "happy"} | known.guesses) & set(words):
        return True
    return "not" in words and bool(known.hedges & set(words))
