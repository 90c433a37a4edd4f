"""What a clause claims: a linear classifier on words, pairs of words and pieces of words.

Features are hashed into a fixed number of columns (Weinberger et al. 2009), so that nothing but
the weights has to be kept. It learns once from the declared sentences, and from clauses of labelled
replies (`Learned`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from deskward.agent.learned import Learned
from deskward.agent.linear import Array, Linear, Rows, train
from deskward.text.clauses import NONE, Clause, Reader, grammar

_CODE = (
    "deskward.text.amounts",
    "deskward.text.clauses",
    "deskward.text.spacing",
    "deskward.text.values",
    "deskward.agent.linear",
    __name__,
)
COLUMNS = 1 << 17
LENGTHS = range(3, 6)
FEW = "‹few›"
EPOCHS = 3
LONGEST = 40
"""Later words of a clause do not count."""


@cache
def _numbers() -> frozenset[str]:
    """The words for numbers from two on, in all languages."""
    return frozenset(word for rules in grammar().values() for word in rules["numbers"][1:])


def features(clause: Clause) -> Iterator[str]:
    """What of a clause is counted: words also by its mood, pairs and pieces of words without."""
    words = [FEW if word in _numbers() else word for word in clause.words[:LONGEST]]
    ends = ["<", *words, ">"]
    yield f"={clause.mood}"
    for at, word in enumerate(ends):
        yield word
        yield f"{clause.mood}0 {word}"
        for far in range(1, 4):
            if at + far < len(ends):
                yield f"{far if far < 2 else 2} {word} {ends[at + far]}"
    for word in words:
        marked = f"<{word}>"
        for length in LENGTHS:
            for start in range(len(marked) - length + 1):
                yield f"#{marked[start : start + length]}"


def columns_of(clause: Clause) -> Array:
    """The columns of what is counted of a clause."""
    found = {zlib.crc32(feature.encode()) & (COLUMNS - 1) for feature in features(clause)}
    return np.fromiter(sorted(found), dtype=np.intp, count=len(found))


Example = tuple[str, Clause]
"""What a clause claims, or `NONE`, and the clause."""


def read_examples(file: Path) -> list[Example]:
    """Clauses of labelled replies: a line has what is claimed, the mood or `-`, and the words."""
    found = []
    for line in file.read_text("utf-8").splitlines():
        name, mood, *words = line.split()
        found.append((name, Clause(tuple(words), mood.strip("-"), ())))
    return found


def line_of(example: Example) -> str:
    """An example as `read_examples` reads it."""
    name, clause = example
    return " ".join((name, clause.mood or "-", *clause.words))


class Classifier:
    """Tells what clauses claim."""

    def __init__(
        self,
        sentences: Sequence[tuple[str, str, str]],
        reader: Reader,
        examples: Sequence[Example] = (),
    ) -> None:
        """Learn, or read what was learned.

        Args:
            sentences: Language, what is claimed or `NONE`, and the sentence.
            examples: Of acts that sentences name; others are left out.
        """
        self.names = sorted({name for _, name, _ in sentences})
        self._examples = [one for one in examples if one[0] in self.names]
        said = [[name, clause.mood, *clause.words] for name, clause in self._examples]
        learned = Learned([list(sentences), said, self.names, COLUMNS], *_CODE)
        arrays = learned.read()
        if arrays is None:
            self._linear, self._rarity = self._train(sentences, reader)
            learned.write({**self._linear.arrays, "rarity": self._rarity})
        else:
            self._linear, self._rarity = Linear.of(arrays), arrays["rarity"]

    def probabilities(self, clause: Clause) -> dict[str, float]:
        """How probable it is that a clause claims each act, or nothing."""
        columns = columns_of(clause)
        scores = self._linear.scores(columns, _weights(columns, self._rarity))
        found: list[float] = self._linear.probabilities(scores).tolist()
        return dict(zip(self.names, found, strict=True))

    def _train(
        self, sentences: Sequence[tuple[str, str, str]], reader: Reader
    ) -> tuple[Linear, Array]:
        number = {name: at for at, name in enumerate(self.names)}
        rows, labels = [], []
        for language, name, text in sentences:
            # Of a sentence that says an act, the first clauses may only lead to it.
            for clause in reader.clauses(text, language)[0 if name == NONE else -1 :]:
                rows.append(columns_of(clause))
                labels.append(number[name])
        for name, clause in self._examples:
            rows.append(columns_of(clause))
            labels.append(number[name])
        columns = np.concatenate(rows)
        having = np.bincount(columns, minlength=COLUMNS)
        rarity = (np.log((len(rows) + 1) / (having + 1)) + 1).astype(np.float32)
        weights = np.concatenate([_weights(row, rarity) for row in rows])
        examples = Rows(np.cumsum([0, *map(len, rows)]), columns, weights)
        count = len(self.names)
        known = train(examples, np.array(labels), COLUMNS, count, epochs=EPOCHS)
        return known, rarity


def _weights(columns: Array, rarity: Array) -> Array:
    """What columns count: the rarer, the more (Spärck Jones 1972); of unit length."""
    weights = rarity[columns]
    unit: Array = weights / max(float(np.sqrt(weights @ weights)), 1e-9)
    return unit
