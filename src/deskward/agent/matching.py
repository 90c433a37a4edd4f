"""Which skill a sentence means, by its words: no network, no downloaded weights, deterministic.

A sentence becomes a weighted bag of stems, concepts (words of one meaning, from `lexicon.yaml`),
pairs of neighbours and pieces of words. A multinomial logistic regression, trained on the skills'
examples when the model is made (about two seconds), gives each skill its probability.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deskward.core.words import STOP_WORDS, stem, words

# Set on the development sentences of `tests/agent/paraphrases`, never on its test sentences.
WEIGHT_CONCEPT = 0.7
WEIGHT_PAIR = 0.6
WEIGHT_STOP_WORD = 0.25
WEIGHT_PIECES = 0.7
PIECE_LENGTHS = (3, 4)
COURTESY = 120
"""Greetings and thanks are looked for in this many characters at either end."""
LONGEST_SLIP = 20
"""Longer words are not looked up for typing errors: there are too many ways to make one."""
EPOCHS = 12
RATE = 3.0
DECAY = 1e-4

_NUMBER = r"\s?(?:number\b|no\b\.?|id\b)?\s?[:#]?\s?[1-9]\d{2,17}\b"
_KINDS = (
    (re.compile(r"\[\[(?:password|key|code):\d+\]\]"), " xpassword "),
    (re.compile(r"\[\[card:\d+\]\]"), " xcard "),
    (re.compile(r"\b[tT]\d{3,}\b"), " xticket "),
    (re.compile(rf"\bo\d{{3,}}\b|(?<=\border){_NUMBER}", re.IGNORECASE), " xorder "),
    (re.compile(rf"\bc\d{{3,}}\b|(?<=\bcomplaint){_NUMBER}", re.IGNORECASE), " xcomplaint "),
    (re.compile(r"\b\d+[a-z]?\s+(?:[A-Z][\w.]*\s+){1,4}[^.?!]*"), " xaddress "),
)

Bag = dict[str, float]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Match:
    """A skill and its probability."""

    name: str
    score: float


class Matcher:
    """Tells named sets of examples apart."""

    def __init__(
        self, examples: Mapping[str, Sequence[str]], lexicon: Mapping[str, Sequence[str]]
    ) -> None:
        """Learn from the examples.

        Args:
            examples: Skill → sentences that mean it.
            lexicon: Concept → words and phrases of that meaning.
        """
        self._concepts, self._phrases = _concepts(lexicon)
        texts = [*itertools.chain(*examples.values()), *itertools.chain(*lexicon.values())]
        self._vocabulary = frozenset(word for text in texts for word in words(text))
        self._names = list(examples)
        counted = [(name, self._count(text)) for name in self._names for text in examples[name]]
        seen = Counter(feature for _, bag in counted for feature in bag)
        self._rarity = {f: math.log(1 + len(counted) / count) for f, count in seen.items()}
        self._index: dict[str, int] = {}
        rows = []
        for (name, bag), text in zip(counted, itertools.chain(*examples.values()), strict=True):
            weighed = self._weigh(bag, text)
            for feature in weighed:
                self._index.setdefault(feature, len(self._index))
            rows.append((*self._vector(weighed), self._names.index(name)))
        self._weights, self._bias = _train(rows, len(self._index), len(self._names))

    def match(self, text: str) -> list[Match]:
        """All skills, the most probable first. Greetings and thanks around a wish do not count."""
        text = _without_courtesy(" ".join(text.split()))
        indices, values = self._vector(self._weigh(self._count(text), text))
        scores = _softmax(values @ self._weights[indices] + self._bias)
        matches = [Match(n, float(s)) for n, s in zip(self._names, scores, strict=True)]
        return sorted(matches, key=lambda match: (-match.score, match.name))

    def _vector(self, bag: Bag) -> tuple[Array, Array]:
        known = [(self._index[f], value) for f, value in bag.items() if f in self._index]
        indices = np.array([index for index, _ in known], dtype=np.intp)
        return indices, np.array([value for _, value in known], dtype=np.float64)

    def _count(self, text: str) -> Counter[str]:
        """Stems, `@concepts`, `~stop words` and `pairs of neighbours`, counted."""
        spelled = [self._spelled(word) for word in words(_with_kinds(text))]
        features: Counter[str] = Counter()
        meaning: list[str] = []
        for word in spelled:
            root = stem(word)
            concepts = self._concepts.get(root, ())
            if word in STOP_WORDS and not concepts:
                features[f"~{root}"] += 1
                continue
            features[root] += 1
            features.update(f"@{concept}" for concept in concepts)
            meaning.append(f"@{concepts[0]}" if concepts else root)
        joined = f" {' '.join(spelled)} "
        for phrase, concept in self._phrases:
            if phrase in joined:
                features[f"@{concept}"] += 1
                meaning.append(f"@{concept}")
        features.update(f"{a} {b}" for a, b in itertools.pairwise(meaning))
        return features

    def _weigh(self, counts: Mapping[str, int], text: str) -> Bag:
        """Rarity weights of a unit length in all, and the pieces of the words beside them."""
        bag: Bag = {}
        for feature, count in counts.items():
            # A word that no example has lengthens the vector and so weakens the others.
            weight = self._rarity.get(feature, 0.0 if feature[0] in "@~" else 6.0)
            if feature[0] == "~":
                weight *= WEIGHT_STOP_WORD
            elif " " in feature:
                weight *= WEIGHT_PAIR if feature in self._rarity else 0.0
            elif feature[0] == "@":
                weight *= WEIGHT_CONCEPT
            bag[feature] = weight * (1 + math.log(count))
        length = math.sqrt(sum(value * value for value in bag.values())) or 1.0
        bag = {feature: value / length for feature, value in bag.items()}
        pieces = _pieces(_with_kinds(text))
        return bag | dict.fromkeys(pieces, WEIGHT_PIECES / math.sqrt(len(pieces) or 1))

    def _spelled(self, word: str) -> str:
        """The word, or the known word that one slip of the fingers turned into it."""
        known = self._vocabulary
        if not 5 <= len(word) <= LONGEST_SLIP or word in known or not word.isalpha():
            return word
        if word in STOP_WORDS:
            return word
        if any(word[:-cut] in known and stem(word[:-cut]) == stem(word) for cut in (1, 2, 3)):
            return word
        fits = sorted(other for other in _slips(word) if len(other) >= 4 and other in known)
        return fits[0] if fits else word


def _train(
    rows: Sequence[tuple[Array, Array, int]], features: int, classes: int
) -> tuple[Array, Array]:
    """Stochastic gradient descent on the cross-entropy, in an order that is always the same."""
    weights, bias = np.zeros((features, classes)), np.zeros(classes)
    order = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        rate = RATE / (1 + epoch / 2)
        for row in order.permutation(len(rows)):
            indices, values, label = rows[row]
            error = _softmax(values @ weights[indices] + bias)
            error[label] -= 1
            weights[indices] -= rate * (np.outer(values, error) + DECAY * weights[indices])
            bias -= rate / 10 * error
    return weights, bias


def _softmax(scores: Array) -> Array:
    raised: Array = np.exp(scores - scores.max())
    shares: Array = raised / raised.sum()
    return shares


_GREETS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|dear \w+|greetings)"
    r"(?: there| all| team| support| everyone| bot| assistant| friend)?\b[\s,.!:;-]*)*"
    r"(?:(?:would|could|will) you (?:be so kind as to|be kind enough to|mind)\s+)?",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,.!;-]*\b(?:(?:many )?thanks(?: a lot| so much| in advance| again)?|thank you(?: so much"
    r"| very much| in advance)?|thx|cheers|kind regards|best regards|regards)[\s,.!]*$",
    re.IGNORECASE,
)


def _without_courtesy(text: str) -> str:
    head, tail = text[:-COURTESY], text[-COURTESY:]
    rest = _GREETS.sub("", head[:COURTESY]) + head[COURTESY:] + _THANKS.sub("", tail)
    if not head:
        rest = _GREETS.sub("", rest)
    return rest if len(words(rest)) > 1 else text


def _with_kinds(text: str) -> str:
    """The text with secrets, ids of records and addresses replaced by a word for their kind."""
    for pattern, kind in _KINDS:
        text = pattern.sub(kind, text)
    return text


def _pieces(text: str) -> set[str]:
    return {
        f"^{marked[start : start + length]}"
        for marked in (f"<{word}>" for word in words(text))
        for length in PIECE_LENGTHS
        for start in range(len(marked) - length + 1)
    }


def _concepts(
    lexicon: Mapping[str, Sequence[str]],
) -> tuple[dict[str, tuple[str, ...]], list[tuple[str, str]]]:
    single: dict[str, list[str]] = defaultdict(list)
    phrases = []
    for concept, members in lexicon.items():
        for member in members:
            parts = words(member)
            if len(parts) > 1:
                phrases.append((f" {' '.join(parts)} ", concept))
            elif concept not in single[root := stem(parts[0])]:
                single[root].append(concept)
    return {root: tuple(names) for root, names in single.items()}, phrases


def _slips(word: str) -> set[str]:
    """All words at a Damerau-Levenshtein distance of one."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    parts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    return {
        *(a + b[1:] for a, b in parts if b),
        *(a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1),
        *(a + letter + b[1:] for a, b in parts if b for letter in letters),
        *(a + letter + b for a, b in parts for letter in letters),
    }
