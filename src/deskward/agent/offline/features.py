"""What of a sentence tells its meaning: words, concepts, pairs of words and pieces of words."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from deskward.agent.linear import Array, Rows
from deskward.text.words import STOP_WORDS, stem, words

# The weights of the groups of features, each of unit length before. Set by cross-validation on
# the skills' examples, never on the test sentences of `tests/agent/offline/paraphrases`.
WEIGHTS = {
    "word": 1.0,
    "concept": 0.7,
    "pair": 0.7,
    "far": 0.7,
    "meant": 0.6,
    "piece": 1.0,
    "cue": 1.2,
}
GROUPS = list(WEIGHTS)
SEEN = {"far": 2, "piece": 2}
"""Features of these groups count when so many examples have them."""
UNSEEN = {"word": 1.0}
"""What of these groups no example has lengthens the vector, and so weakens the rest of it."""
WINDOW = 6
"""Words that are at most so far apart make a pair."""
PIECE_LENGTHS = range(2, 6)
LONGEST = 400
"""Later words of a text do not count: pairs and pieces of them would take too long."""
LONGEST_SLIP = 20
"""Longer words are not looked up for typing errors: there are too many ways to make one."""

Kinds = Sequence[tuple[re.Pattern[str], str]]
Cues = Callable[[str], Iterable[str]]
"""What else of a sentence may tell its meaning, by name."""


class Features:
    """Makes sparse rows of sentences, by rarity in the examples it was made from."""

    def __init__(
        self,
        texts: Sequence[str],
        lexicon: Mapping[str, Sequence[str]],
        kinds: Kinds = (),
        cues: Cues = lambda _: (),
    ) -> None:
        """Learn the words; `learn` or `restore` comes next.

        Args:
            texts: The examples.
            lexicon: Concept → words and phrases of that meaning.
            kinds: Patterns of what is not said in words, and the word to put for each.
            cues: What else counts.
        """
        self._kinds, self._cues = kinds, cues
        self._concepts, self._phrases = _concepts(lexicon)
        known = itertools.chain(texts, *lexicon.values())
        self._vocabulary = frozenset(word for text in known for word in words(text))
        self._pieces: dict[str, list[str]] = {}
        self._index: list[dict[str, int]] = [{} for _ in GROUPS]
        self._rarity: Array = np.zeros(0)
        self._unseen = 1 + math.log(1 + len(texts))

    def __len__(self) -> int:
        return len(self._rarity)

    def learn(self, texts: Sequence[str]) -> Rows:
        """Learn which features there are, and how rare; returns the rows of the examples."""
        counted = [self._count(text) for text in texts]
        rarity: list[float] = []
        for group, name in enumerate(GROUPS):
            seen = Counter(itertools.chain.from_iterable(bags[group] for bags in counted))
            for feature, count in seen.items():
                if count >= SEEN.get(name, 1):
                    self._index[group][feature] = len(rarity)
                    rarity.append(1 + math.log((1 + len(texts)) / (1 + count)))
        self._rarity = np.array(rarity)
        return self._rows(counted)

    @property
    def arrays(self) -> dict[str, Array]:
        """What was learned; see `restore`."""
        names = "\n".join(itertools.chain.from_iterable(self._index))
        return {
            "features": np.frombuffer(names.encode(), dtype=np.uint8),
            "groups": np.array([len(index) for index in self._index]),
            "rarity": self._rarity,
        }

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Know what was learned once."""
        names = enumerate(arrays["features"].tobytes().decode().split("\n"))
        self._index = [
            {name: column for column, name in itertools.islice(names, size)}
            for size in arrays["groups"].tolist()
        ]
        self._rarity = arrays["rarity"]

    def share_known(self, text: str) -> float:
        """The share of a text's words that some example has."""
        for pattern, kind in self._kinds:
            text = pattern.sub(kind, text)
        plain = words(text)[:LONGEST]
        known = sum(word in self._vocabulary or word in STOP_WORDS for word in plain)
        return known / max(1, len(plain))

    def rows(self, texts: Sequence[str]) -> Rows:
        """The rows of sentences."""
        return self._rows(map(self._count, texts))

    def _rows(self, counted: Iterable[list[Counter[str]]]) -> Rows:
        starts, columns, counts, places, lost = [0], [], [], [], []
        for bags in counted:
            for group, (bag, index) in enumerate(zip(bags, self._index, strict=True)):
                known = [(index[f], count) for f, count in bag.items() if f in index]
                columns += [column for column, _ in known]
                counts += [count for _, count in known]
                places.append(len(known))
                lost.append((len(bag) - len(known)) * UNSEEN.get(GROUPS[group], 0.0))
            starts.append(len(columns))
        indices = np.array(columns, dtype=np.intp)
        values = (1 + np.log(np.array(counts, dtype=np.float64))) * self._rarity[indices]
        place = np.repeat(np.arange(len(places)), places)
        squares: Array = np.bincount(place, values**2, minlength=len(places))
        squares = squares + np.array(lost) * self._unseen**2
        weights = np.resize(list(WEIGHTS.values()), len(places))
        weights = weights * (squares > 0)
        total = np.sqrt((weights.reshape(-1, len(GROUPS)) ** 2).sum(axis=1))
        share = weights / np.sqrt(np.where(squares > 0, squares, 1))
        share = share / np.repeat(np.where(total > 0, total, 1), len(GROUPS))
        return Rows(np.array(starts), indices, values * share[place])

    def _count(self, text: str) -> list[Counter[str]]:
        """How often each feature of each group occurs."""
        cues = Counter(self._cues(text))
        for pattern, kind in self._kinds:
            text = pattern.sub(kind, text)
        plain = words(text)[:LONGEST]
        spelled = [self._spelled(word) for word in plain]
        roots = [stem(word) for word in spelled]
        concepts: list[str] = []
        meaning: list[str] = []
        for word, root in zip(spelled, roots, strict=True):
            found = self._concepts.get(root, ())
            concepts += found
            if found or word not in STOP_WORDS:
                meaning.append(found[0] if found else root)
        joined = f" {' '.join(spelled)} "
        for phrase, concept in self._phrases:
            if phrase in joined:
                concepts.append(concept)
                meaning.append(concept)
        ends = ["<", *roots, ">"]
        far = [
            f"{roots[i]} {other}"
            for i in range(len(roots))
            for other in roots[i + 2 : i + 1 + WINDOW]
        ]
        pieces = itertools.chain.from_iterable(map(self._pieces_of, plain))
        meant = [f"{a} {b}" for a, b in itertools.pairwise(meaning)] if self._concepts else []
        return [
            Counter(roots),
            Counter(concepts),
            Counter(f"{a} {b}" for a, b in itertools.pairwise(ends)),
            Counter(far),
            Counter(meant),
            Counter(pieces),
            cues,
        ]

    def _pieces_of(self, word: str) -> list[str]:
        if word not in self._pieces:
            pieces = pieces_of(word)
            if word not in self._vocabulary:
                return pieces
            self._pieces[word] = pieces
        return self._pieces[word]

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


def pieces_of(word: str) -> list[str]:
    """The pieces of a word with its ends marked, of two to five characters."""
    marked = f"<{word}>"
    return [
        marked[start : start + length]
        for length in PIECE_LENGTHS
        for start in range(len(marked) - length + 1)
    ]


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
