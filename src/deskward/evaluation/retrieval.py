"""Measuring a search on judged questions, as BEIR and TREC do.

The measures are those of `trec_eval`: nDCG with the gain as it is judged and a discount of
log2(rank + 1), average precision over all that was found, recall. Of two settings on the same
questions, a randomisation test says whether their difference may be chance (Fisher; Smucker, Allan
and Carterette, 2007).
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROUNDS = 10_000
"""Rounds of the randomisation test: it cannot say less than one in so many."""
DEPTH = 1_000
"""Documents of each question that are looked at."""

Queries = dict[str, str]
Qrels = dict[str, dict[str, int]]
_TOPIC = re.compile(r"<top>((?:(?!<top>).)*?)</top>", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"<num>\s*(?:Number:\s*)?([\w.-]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*(.*?)\s*(?=<|$)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A document of a corpus."""

    id: str
    title: str
    text: str


@dataclass
class Measured:
    """How well a setting did; of each measure the values of the questions, in their order."""

    ndcg: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def add(self, ranked: Sequence[str], judged: Mapping[str, int], milliseconds: float) -> None:
        """Measure the answer to one question."""
        self.ndcg.append(ndcg_at(ranked, judged, 10))
        self.precision.append(average_precision(ranked, judged))
        self.recall.append(recall_at(ranked, judged, 100))
        self.milliseconds.append(milliseconds)


def ndcg_at(ranked: Sequence[str], judged: Mapping[str, int], depth: int) -> float:
    """The normalised discounted cumulative gain of the first documents."""
    gains = [max(0, judged.get(name, 0)) for name in ranked[:depth]]
    ideal = sorted((gain for gain in judged.values() if gain > 0), reverse=True)[:depth]
    whole = _discounted(ideal)
    return _discounted(gains) / whole if whole else 0.0


def average_precision(ranked: Sequence[str], judged: Mapping[str, int]) -> float:
    """The mean of the precision at each relevant document; one that is not found counts 0."""
    relevant = {name for name, gain in judged.items() if gain > 0}
    found, total = 0, 0.0
    for rank, name in enumerate(ranked, 1):
        if name in relevant:
            found += 1
            total += found / rank
    return total / len(relevant) if relevant else 0.0


def recall_at(ranked: Sequence[str], judged: Mapping[str, int], depth: int) -> float:
    """Which share of the relevant documents is among the first."""
    relevant = {name for name, gain in judged.items() if gain > 0}
    return len(relevant & set(ranked[:depth])) / len(relevant) if relevant else 0.0


def chance_of_difference(one: Sequence[float], other: Sequence[float], seed: int = 1) -> float:
    """How often chance alone makes a difference as large as that of two settings, from 0 to 1.

    Args:
        one: A measure of each question under one setting.
        other: The same under the other, in the same order.
    """
    differences = [a - b for a, b in zip(one, other, strict=True) if a != b]
    if not differences:
        return 1.0
    seen, dice = abs(sum(differences)), random.Random(seed)  # noqa: S311 no secret
    as_large = 0
    for _ in range(ROUNDS):
        signs = dice.getrandbits(len(differences))
        turned = sum(
            value if signs >> place & 1 else -value for place, value in enumerate(differences)
        )
        as_large += abs(turned) >= seen - 1e-12
    return (as_large + 1) / (ROUNDS + 1)


def read_queries(path: Path) -> Queries:
    """The questions of a file: JSON lines (`_id`, `text`), TREC topics, or id, tab and text.

    Raises:
        ValueError: It is none of these; the message says where.
    """
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("{"):
        return {one["_id"]: one["text"] for one in _json_lines(path, text, ("_id", "text"))}
    if topics := _TOPIC.findall(text):
        found = {}
        for topic in topics:
            number, title = _NUMBER.search(topic), _TITLE.search(topic)
            if not number or not title or not title[1].strip():
                raise ValueError(f"{path}: a topic has no number or no title")
            found[number[1]] = " ".join(title[1].split())
        return found
    rows = [line.split("\t", 1) for line in text.splitlines() if line.strip()]
    for at, row in enumerate(rows, 1):
        if len(row) < 2:
            raise ValueError(f"{path}: line {at} is no id and text with a tab between")
    return dict(rows)


def read_qrels(path: Path) -> Qrels:
    """The judgements of a file: as TREC has them (4 columns), or BEIR (3, with a header).

    Raises:
        ValueError: It is neither; the message says where.
    """
    found: Qrels = {}
    for at, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        parts = line.split()
        if not parts or (at == 1 and not parts[-1].lstrip("-").isdigit()):
            continue
        if len(parts) not in (3, 4) or not parts[-1].lstrip("-").isdigit():
            raise ValueError(f"{path}: line {at} is no question, document and judgement")
        found.setdefault(parts[0], {})[parts[-2]] = int(parts[-1])
    return found


def read_corpus(path: Path) -> list[Document]:
    """The documents of a file of JSON lines (`_id`, `text`, and perhaps `title`), as BEIR has it.

    Raises:
        ValueError: A line is none; the message says which.
    """
    lines = _json_lines(path, path.read_text(encoding="utf-8-sig"), ("_id", "text"))
    return [Document(one["_id"], str(one.get("title") or ""), one["text"]) for one in lines]


def _json_lines(path: Path, text: str, names: Sequence[str]) -> list[dict[str, str]]:
    found = []
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            found.append({**one, **{name: str(one[name]) for name in names}})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: line {at} has no {' and '.join(names)}") from error
    return found


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
