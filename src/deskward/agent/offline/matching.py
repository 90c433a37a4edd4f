"""Which skill a sentence means, by its words: no network, no downloaded weights, deterministic.

`Features` makes a sparse row of a sentence, `train` a linear machine of the rows of all examples
(some two seconds for the skills that ship), and the machine gives each skill its probability. The
same method tells any labelled sentences apart; a model that reads sentences in another way, such
as by embeddings, fits in as another `Router`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from deskward.agent.learned import Learned
from deskward.agent.linear import Array, Linear, train
from deskward.agent.offline.features import Features, Kinds
from deskward.text.words import words

COURTESY = 120
"""Greetings and thanks are looked for in this many characters at either end."""


RECENT = 64
"""How many texts are remembered with what they mean."""


@dataclass(frozen=True)
class Match:
    """A skill and how surely a sentence means it.

    Attributes:
        name: The skill.
        score: Its probability if one of the skills is meant.
        fit: How well the sentence fits it, the others left aside; more is better, and what is
            out of scope fits none well.
    """

    name: str
    score: float
    fit: float = 0.0


class Router(Protocol):
    """Whatever tells which of several names a sentence means."""

    def match(self, text: str) -> Sequence[Match]:
        """All names, the most probable first."""
        ...

    def put_aside(self) -> Sequence[tuple[str, Match]]:
        """Examples' names, each with the best match from before the example was learned from."""
        ...


class Matcher:
    """Tells named sets of examples apart."""

    def __init__(
        self,
        examples: Mapping[str, Sequence[str]],
        lexicon: Mapping[str, Sequence[str]],
        *,
        rest: str | None = None,
        kinds: Kinds | None = None,
        learned: Learned | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Learn from the examples.

        Args:
            examples: Skill → sentences that mean it.
            lexicon: Concept → words and phrases of that meaning; may be empty.
            rest: The skill of sentences that mean no other, if there is one.
            kinds: What is said to this desk in ids rather than words, and the word to read for it;
                greetings and thanks around a wish do not count. None where it is said elsewhere.
            learned: Where what is learned is kept, or is already.
            progress: Is told now and then which share of the learning is done.
        """
        # A turn asks about the same text at each of its steps.
        self._recent = lru_cache(maxsize=RECENT)(self._match)
        self._names = list(examples)
        self._to_desk = kinds is not None
        texts = list(itertools.chain(*examples.values()))
        self._features = Features(texts, lexicon, kinds or ())
        sizes = [len(examples[name]) for name in self._names]
        labels = np.repeat(np.arange(len(sizes)), sizes)
        if learned is not None and (kept := learned.read()) is not None:
            self._features.restore(kept)
            self._linear = Linear.of(kept)
        else:
            rows = self._features.learn(texts)
            number = self._names.index(rest) if rest and rest in examples else None
            self._linear = train(rows, labels, len(self._features), len(sizes), number, progress)
            if learned is not None:
                learned.write({**self._features.arrays, **self._linear.arrays})
        self._put_aside = [
            (self._names[labels[number]], self._matches(scores)[0])
            for number, scores in zip(self._linear.aside, self._linear.aside_scores, strict=True)
        ]

    def match(self, text: str) -> Sequence[Match]:
        """All skills, the most probable first."""
        return self._recent(text)

    def _match(self, text: str) -> Sequence[Match]:
        text = " ".join(text.split())
        if self._to_desk:
            text = _without_courtesy(text)
        return self._matches(self._linear.scores(*self._features.row(text)))

    def put_aside(self) -> list[tuple[str, Match]]:
        """Examples' names, each with the best match from before the example was learned from.

        A quarter of the examples, picked by chance that is always the same.
        """
        return self._put_aside

    def _matches(self, scores: Array) -> list[Match]:
        shares = self._linear.probabilities(scores).tolist()
        matches = map(Match, self._names, shares, scores.tolist())
        return sorted(matches, key=lambda match: (-match.score, match.name))


_GREETS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|dear \w+|greetings)"
    r"(?: there| all| team| support| everyone| bot| assistant| friend)?\b[\s,.!:;-]*)*"
    r"(?:(?:would|could|will) you (?:be so kind as to|be kind enough to|mind)\s+)?",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,.!;-]{0,20}\b(?:(?:many )?thanks(?: a lot| so much| in advance| again)?"
    r"|thank you(?: so much| very much| in advance)?|thx|cheers|kind regards|best regards|regards)"
    r"[\s,.!]{0,20}$",
    re.IGNORECASE,
)


def _without_courtesy(text: str) -> str:
    head, tail = text[:-COURTESY], text[-COURTESY:]
    rest = _GREETS.sub("", head[:COURTESY]) + head[COURTESY:] + _THANKS.sub("", tail)
    if not head:
        rest = _GREETS.sub("", rest)
    return rest if len(words(rest)) > 1 else text
