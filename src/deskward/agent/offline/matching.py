"""Which skill a sentence means, by its words and its vector: no network, deterministic.

`Features` makes a sparse row of a sentence, an `Embedder` the vector beside it where there is one,
`train` a linear machine of the rows of all examples (some two seconds for the skills that ship, and
half a minute with their vectors), and the machine gives each skill its probability. The same method
tells any labelled sentences apart.
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
from deskward.agent.linear import Array, Linear, Rows, train
from deskward.agent.offline.features import Cues, Features, Kinds
from deskward.text.vectors import Embedder
from deskward.text.words import words

COURTESY = 120
"""Greetings and thanks are looked for in this many characters at either end."""


RECENT = 64
"""How many texts are remembered with what they mean."""
MEANT = 1.0
"""The weight of a vector beside that of all words' features together. With half of it and with half
as much again the development sentences are told apart as well, without it worse."""
LONGEST = 600
"""Characters of a text whose vector is taken: later ones rarely say what is wanted."""
KNOWN = 0.5
"""Where fewer of a sentence's words are known, as in another language, its vector alone tells."""
ALONE = "alone_"
"""What the arrays of the machine are called that vectors alone tell."""
PART = 16
"""So many examples are given to the embedder at a time."""


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
        embedder: Embedder | None = None,
        cues: Cues | None = None,
    ) -> None:
        """Learn from the examples.

        Args:
            examples: Skill → sentences that mean it.
            lexicon: Concept → words and phrases of that meaning; may be empty.
            rest: The skill of sentences that mean no other, if there is one.
            kinds: What is said to this desk in ids rather than words, and the word to read for it;
                greetings and thanks around a wish do not count. None where it is said elsewhere.
            learned: Where what is learned is kept, or is already.
            progress: Is told now and then which share of the learning is done; what it raises
                ends the learning.
            embedder: Makes vectors of sentences; without one, words alone tell.
            cues: What else of a sentence counts; what they tell no vector alone does.

        Raises:
            EmbeddingFailed: There are no vectors.
        """
        # A turn asks about the same text at each of its steps.
        self._recent = lru_cache(maxsize=RECENT)(self._match)
        self._names = list(examples)
        self._to_desk = kinds is not None
        texts = list(itertools.chain(*examples.values()))
        self._features = Features(texts, lexicon, kinds or (), cues or (lambda _: ()))
        self._known = 0.0 if cues else KNOWN
        self._embedder = embedder
        sizes = [len(examples[name]) for name in self._names]
        labels = np.repeat(np.arange(len(sizes)), sizes)
        self._vectors: Linear | None = None
        if learned is not None and (kept := learned.read()) is not None:
            self._features.restore(kept)
            self._linear = Linear.of(kept)
            if embedder is not None:
                self._vectors = Linear.of(_without(ALONE, kept))
        else:
            number = self._names.index(rest) if rest and rest in examples else None
            self._learn(texts, labels, number, progress or (lambda share: None))
            if learned is not None:
                alone: Mapping[str, Array] = self._vectors.arrays if self._vectors else {}
                arrays = {**self._features.arrays, **self._linear.arrays}
                learned.write(arrays | {ALONE + name: array for name, array in alone.items()})
        self._put_aside = [
            (self._names[labels[number]], self._matches(scores, self._linear)[0])
            for number, scores in zip(self._linear.aside, self._linear.aside_scores, strict=True)
        ]

    def match(self, text: str) -> Sequence[Match]:
        """All skills, the most probable first.

        Raises:
            EmbeddingFailed: It learned with vectors, and there is none for now.
        """
        return self._recent(text)

    def _match(self, text: str) -> Sequence[Match]:
        text = " ".join(text.split())
        if self._to_desk:
            text = _without_courtesy(text)
        rows = self._features.rows([text])
        if self._embedder is not None and self._vectors is not None:
            vectors = _vector(self._embedder, text[:LONGEST])
            if self._features.share_known(text) < self._known:
                scores = self._vectors.scores(np.arange(vectors.shape[1]), vectors[0])
                return self._matches(scores, self._vectors)
            rows = beside(rows, vectors, len(self._features))
        return self._matches(self._linear.scores(*rows.row(0)), self._linear)

    def _learn(
        self,
        texts: Sequence[str],
        labels: Array,
        rest: int | None,
        progress: Callable[[float], None],
    ) -> None:
        rows, columns = self._features.learn(texts), len(self._features)
        classes = len(self._names)
        if self._embedder is None:
            self._linear = train(rows, labels, columns, classes, rest, progress)
            return
        vectors = _vectors(self._embedder, texts, lambda share: progress(share / 2))
        count, width = vectors.shape
        alone = Rows(
            width * np.arange(count + 1), np.tile(np.arange(width), count), vectors.ravel()
        )
        self._vectors = train(alone, labels, width, classes, rest, lambda _: progress(0.5))
        self._linear = train(
            beside(rows, vectors, columns),
            labels,
            columns + width,
            classes,
            rest,
            lambda share: progress((1 + share) / 2),
        )

    def put_aside(self) -> list[tuple[str, Match]]:
        """Examples' names, each with the best match from before the example was learned from.

        A quarter of the examples, picked by chance that is always the same.
        """
        return self._put_aside

    def _matches(self, scores: Array, linear: Linear) -> list[Match]:
        shares = linear.probabilities(scores).tolist()
        matches = map(Match, self._names, shares, scores.tolist())
        return sorted(matches, key=lambda match: (-match.score, match.name))


@lru_cache(maxsize=8)
def _vector(embedder: Embedder, text: str) -> Array:
    """The vector of a question; of a message skills and wishes are told by the same one."""
    return embedder.embed([text], query=True)


def beside(rows: Rows, vectors: Array, first: int) -> Rows:
    """The rows with vectors behind them, of `MEANT` times their length, all at length 1 again.

    Args:
        rows: Of length 1, or of nothing.
        vectors: One of length 1 for each row.
        first: The column of the vectors' first number.
    """
    count, width = vectors.shape
    sizes = np.diff(rows.starts)
    starts = rows.starts + width * np.arange(count + 1)
    # Where the rows' own numbers stand among the new ones, and where the vectors'.
    own = np.arange(len(rows.indices)) + width * np.repeat(np.arange(count), sizes)
    others = (starts[1:, None] - width + np.arange(width)).ravel()
    indices = np.empty(starts[-1], dtype=np.intp)
    values = np.empty(starts[-1], dtype=np.float64)
    scale = 1 / np.sqrt(1 + MEANT**2)
    indices[own], values[own] = rows.indices, rows.values * scale
    indices[others] = np.tile(np.arange(first, first + width), count)
    values[others] = vectors.ravel() * (MEANT * scale)
    return Rows(starts, indices, values)


def _without(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of this prefix, called without it."""
    return {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}


def _vectors(embedder: Embedder, texts: Sequence[str], progress: Callable[[float], None]) -> Array:
    found = []
    for start in range(0, len(texts), PART):
        part = [" ".join(text.split())[:LONGEST] for text in texts[start : start + PART]]
        found.append(embedder.embed(part, query=True))
        progress((start + len(part)) / len(texts))
    whole: Array = np.concatenate(found)
    return whole


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
