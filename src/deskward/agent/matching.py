"""Which skill a sentence means, by its words: no network, no model weights, always the same answer.

A sentence becomes a weighted bag of stems, concepts (words of one meaning, from `lexicon.yaml`)
and pairs of neighbours. It is compared by cosine with each skill's examples (the nearest ones
count) and with the skill's examples as a whole. Words that no example has ever shown lengthen the
sentence's vector and so lower every score: that is how a question outside the skills is noticed.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deskward.core.words import STOP_WORDS, stem, words

NEAREST = 2
WEIGHT_NEAREST = 0.85
WEIGHT_CONCEPT = 0.7
WEIGHT_PAIR = 0.6
WEIGHT_STOP_WORD = 0.25
WEIGHT_UNKNOWN = 1.3
"""Set on the development sentences of `tests/agent/paraphrases`; see that folder's README."""

_KINDS = (
    (re.compile(r"\[\[(?:password|key|code):\d+\]\]"), " xpassword "),
    (re.compile(r"\[\[card:\d+\]\]"), " xcard "),
    (re.compile(r"\b[tT]\d{3,}\b"), " xticket "),
    (re.compile(r"\b\d+[a-z]?\s+(?:[A-Z][\w.]*\s+){1,4}[^.?!]*"), " xaddress "),
)

Vector = Mapping[str, float]


@dataclass(frozen=True)
class Match:
    """A skill and how well it fits, from 0 to 1."""

    name: str
    score: float


class Matcher:
    """Compares sentences with named sets of examples."""

    def __init__(
        self, examples: Mapping[str, Sequence[str]], lexicon: Mapping[str, Sequence[str]]
    ) -> None:
        """Learn from the examples; takes milliseconds.

        Args:
            examples: Skill → sentences that mean it.
            lexicon: Concept → words and phrases of that meaning.
        """
        self._concepts, self._phrases = _concepts(lexicon)
        texts = [*itertools.chain(*examples.values()), *itertools.chain(*lexicon.values())]
        self._vocabulary = frozenset(word for text in texts for word in words(text))
        documents = [
            (name, self._features(text)) for name, texts in examples.items() for text in texts
        ]
        seen = Counter(feature for _, document in documents for feature in document)
        self._idf = {
            feature: math.log(1 + len(documents) / count) for feature, count in seen.items()
        }
        self._unknown = math.log(1 + len(documents)) * WEIGHT_UNKNOWN
        self._examples = [(name, self._weigh(document)) for name, document in documents]
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, (_, vector) in enumerate(self._examples):
            for feature, weight in vector.items():
                self._postings[feature].append((index, weight))
        self._centroids = self._average(examples)

    def match(self, text: str) -> list[Match]:
        """All skills, the best first."""
        vector = self._weigh(self._features(text))
        by_skill: dict[str, list[float]] = defaultdict(list)
        near: dict[int, float] = defaultdict(float)
        for feature, weight in vector.items():
            for index, other in self._postings.get(feature, ()):
                near[index] += weight * other
        for index, similarity in near.items():
            by_skill[self._examples[index][0]].append(similarity)
        matches = []
        for name, centroid in self._centroids.items():
            nearest = sorted(by_skill[name], reverse=True)[:NEAREST]
            similar = sum(nearest) / NEAREST if nearest else 0.0
            whole = sum(weight * centroid.get(feature, 0.0) for feature, weight in vector.items())
            score = WEIGHT_NEAREST * similar + (1 - WEIGHT_NEAREST) * whole
            matches.append(Match(name, min(score, 1.0)))
        return sorted(matches, key=lambda match: (-match.score, match.name))

    def _features(self, text: str) -> Counter[str]:
        for pattern, kind in _KINDS:
            text = pattern.sub(kind, text)
        spelled = [self._spelled(word) for word in words(text)]
        stemmed = [stem(word) for word in spelled]
        features: Counter[str] = Counter()
        meaning: list[str] = []
        for word, root in zip(spelled, stemmed, strict=True):
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
        features.update(f"{a} {b}" for a, b in zip(meaning, meaning[1:], strict=False))
        return features

    def _spelled(self, word: str) -> str:
        """The word, or the known word that one slip of the fingers turned into it."""
        known = self._vocabulary
        if len(word) < 5 or word in known or word in STOP_WORDS or not word.isalpha():
            return word
        if any(stem(word) == stem(other) for other in _shorter(word) if other in known):
            return word
        fits = sorted(other for other in _slips(word) if len(other) >= 4 and other in known)
        return fits[0] if fits else word

    def _weigh(self, features: Mapping[str, int]) -> dict[str, float]:
        weighted = {}
        for feature, count in features.items():
            weight = self._idf.get(feature)
            if weight is None:
                weight = 0.0 if feature[0] in "@~" or " " in feature else self._unknown
            if feature[0] == "~":
                weight *= WEIGHT_STOP_WORD
            elif " " in feature:
                weight *= WEIGHT_PAIR
            elif feature[0] == "@":
                weight *= WEIGHT_CONCEPT
            weighted[feature] = weight * (1 + math.log(count))
        return _unit(weighted)

    def _average(self, examples: Mapping[str, Sequence[str]]) -> dict[str, Vector]:
        sums: dict[str, dict[str, float]] = {name: defaultdict(float) for name in examples}
        for name, vector in self._examples:
            for feature, weight in vector.items():
                sums[name][feature] += weight
        return {name: _unit(total) for name, total in sums.items()}


def _concepts(
    lexicon: Mapping[str, Sequence[str]],
) -> tuple[dict[str, tuple[str, ...]], list[tuple[str, str]]]:
    single: dict[str, list[str]] = defaultdict(list)
    phrases = []
    for concept, members in lexicon.items():
        for member in members:
            parts = words(member)
            if len(parts) == 1:
                root = stem(parts[0])
                if concept not in single[root]:
                    single[root].append(concept)
            else:
                phrases.append((f" {' '.join(parts)} ", concept))
    return {root: tuple(names) for root, names in single.items()}, phrases


def _shorter(word: str) -> list[str]:
    return [word[:-cut] for cut in (1, 2, 3)]


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


def _unit(vector: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {feature: weight / length for feature, weight in vector.items()} if length else {}
