"""How well labels were told, in shares of one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def accuracy(wanted: Sequence[str], told: Sequence[str]) -> float:
    """The share that was told right; zero of nothing."""
    hits = sum(want == tell for want, tell in zip(wanted, told, strict=True))
    return hits / len(wanted) if wanted else 0.0


def macro_f1(wanted: Sequence[str], told: Sequence[str]) -> float:
    """The mean of the labels' F1, each label that occurs in either counting the same.

    That is what scikit-learn calls `f1_score(average="macro")`.
    """
    scores = f1_scores(wanted, told)
    return sum(scores.values()) / len(scores) if scores else 0.0


def f1_scores(wanted: Sequence[str], told: Sequence[str]) -> dict[str, float]:
    """The F1 of each label that occurs: the harmonic mean of its precision and recall."""
    hits = Counter(want for want, tell in zip(wanted, told, strict=True) if want == tell)
    wants, tells = Counter(wanted), Counter(told)
    return {
        label: 2 * hits[label] / (wants[label] + tells[label]) for label in sorted(wants | tells)
    }


def recall(wanted: Sequence[str], told: Sequence[str], label: str) -> float | None:
    """The share of one label's utterances that was told; `None` where it does not occur."""
    mine = [tell for want, tell in zip(wanted, told, strict=True) if want == label]
    return mine.count(label) / len(mine) if mine else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    place = -(-len(ordered) * round(share * 1000) // 1000) - 1
    return ordered[max(0, place)]


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Between which shares the true one lies, with 95 % (Wilson 1927); all of them, of nothing."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, z * z / of
    middle = share + square / 2
    width = z * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, (middle - width) / (1 + square)), min(1.0, (middle + width) / (1 + square))
