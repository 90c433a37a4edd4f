"""Whether a text says only what its sources say: by words and numbers, sentence by sentence.

This is a lexical check, as precise as words are. It sees numbers, addresses and matters that no
source has, promises, and a `not` that was added or lost; it does not see a sentence that is put
together wrongly from the right words. That is why a model's text never raises a confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deskward.text.injection import has_link, injected
from deskward.text.sentences import Sentence, sentences
from deskward.text.words import content_stems, stems_of_list

ENOUGH = 0.75
"""A text is used from this grounding on …"""
ENOUGH_EACH = 0.5
"""… if each of its sentences has this."""
LONGEST = 2_000

_COURTESY = """
    thank thanks write wrote writing message mail contact touch reach reaching ask asked asking
    question request matter regard concern understand read answer reply respond inform note noted
    following follow step steps simply simple easy easily happy glad pleased sorry apologise regret
    trouble inconvenience patience welcome hope assist support team colleague let know back further
    anything else case left open look looking available usual usually general generally mean means
    above below first next then finally also above within here information find found option
    please feel free appreciate wish good day best kind regards soon enjoy need everything start
    simply just customer dear hello able
    """
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen twenty""".split()
    )
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "once": "1",
    "twice": "2",
    "half": "0.5",
}
_NOT = re.compile(
    r"\b(?:not|never|no|none|nobody|cannot|without|neither|nor)\b|n't\b", re.IGNORECASE
)
_PROMISE = re.compile(
    r"\b(?:i|we)\s*(?:'ve|have|had|'ll|will|shall|just|already|can confirm|are going to|guarantee"
    r"|promise|confirm|decided|am|'m)\b|\b(?:has|have) (?:now |already )?been\b|\bis now\b|\bwas\b"
    r"|\byour (?:ticket|refund|request|account|card) (?:is|was|has)\b|\bguaranteed?\b",
    re.IGNORECASE,
)
_ACKNOWLEDGES = re.compile(
    r"^\W*(?:thank|thanks|you (?:asked|wrote|would like|want)|we understand|i understand|sorry"
    r"|we are sorry|i am sorry|as we read)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[<>{}|`*_#\\]|\[\[")
_CITATION = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Grounding:
    """How far a text is borne out.

    Attributes:
        share: The share of its content that its sources have.
        problem: Why the text is not to be used, or None.
    """

    share: float
    problem: str | None = None


def grounding_of(
    text: str, sources: Sequence[str], told: Iterable[str], cited: Iterable[str]
) -> Grounding:
    """How far the sources bear a text out.

    Args:
        sources: The articles' texts, and the customer's name.
        told: The sentences of the ticket that may be used. They show what was asked, and are no
            evidence for an answer: only a sentence that acknowledges the request may rest on them.
        cited: The ids of the articles, which the text may cite.
    """
    asked = " ".join(told)
    plain = _without_citations(text, set(cited))
    if (problem := _form_problem(plain)) is not None:
        return Grounding(0.0, problem)
    if new := numbers(plain) - numbers(" ".join(sources)) - numbers(asked):
        return Grounding(0.0, f"the number {min(new)} is in no source")
    known = _known(" ".join(sources))
    parts = [part for source in sources for part in sentences(source)]
    hits = total = 0
    for sentence in sentences(plain):
        allowed = known | _known(asked) if _ACKNOWLEDGES.match(sentence.text) else known
        share = len(sentence.stems & allowed) / len(sentence.stems) if sentence.stems else 1.0
        if share < ENOUGH_EACH:
            return Grounding(share, "a sentence is in no source")
        if not _ACKNOWLEDGES.match(sentence.text) and _negated(
            sentence.text, sentence.stems, parts
        ):
            return Grounding(share, "a sentence says the opposite of its source")
        hits += len(sentence.stems & allowed)
        total += len(sentence.stems)
    share = hits / total if total else 0.0
    return Grounding(round(share, 3), None if share >= ENOUGH else "too little is in a source")


def likeness(one: str, other: str) -> float:
    """Which share of the first text's meaningful words the second has."""
    wanted = set(content_stems(one)) - stems_of_list(_COURTESY)
    return round(len(wanted & set(content_stems(other))) / len(wanted), 3) if wanted else 0.0


def numbers(text: str) -> set[str]:
    """The numbers of a text, however they are written."""
    found = {number.replace(",", "").rstrip(".") for number in _NUMBER.findall(text)}
    words = set(re.findall(r"[a-z]+", text.lower()))
    return found | {value for word, value in _NUMBER_WORDS.items() if word in words}


def _known(text: str) -> frozenset[str]:
    return stems_of_list(_COURTESY) | frozenset(content_stems(text))


def _without_citations(text: str, cited: set[str]) -> str:
    return _CITATION.sub(lambda match: "" if match[1] in cited else match[0], text)


def _form_problem(text: str) -> str | None:
    if not text.strip() or len(text) > LONGEST:
        return "it is empty or too long"
    if has_link(text):
        return "it has a link or an address"
    if injected(text) or _MARKUP.search(text) or _CITATION.search(text):
        return "it has markup, or looks like instructions"
    if _PROMISE.search(text):
        return "it promises or reports an action"
    return None


def _negated(text: str, stems: frozenset[str], parts: Sequence[Sentence]) -> bool:
    """Whether a sentence has a `not` that the likest sentence of the sources lacks, or not."""
    best, most = "", 0
    for part in parts:
        shared = len(stems & part.stems)
        if shared > most:
            best, most = part.text, shared
    return most > 1 and bool(_NOT.search(text)) != bool(_NOT.search(best))
