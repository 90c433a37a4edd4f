"""How much what came of a document's use says of it today, and how surely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """In which a share lies: from 0 to 1."""

    low: float
    high: float


class Weighed(NamedTuple):
    """Outcomes of one kind and age.

    Attributes:
        many: How many.
        success: Whether the document helped.
        days: How long ago.
        same_version: Whether they are about what the document says, and holds for, today.
    """

    many: int
    success: bool
    days: float
    same_version: bool


@dataclass(frozen=True)
class Weighing:
    """The operator's choices; see `core/knowledge_settings.py`.

    Attributes:
        confidence: Of the intervals.
        half_life: In which an outcome comes to count half.
        other_version: What one counts that was about another version.
        ranking: By how much of its score a document moves at the most.
        stale: Without a change for so long, a document is to be looked at.
        unused: Not found for so long, it is to be looked at.
        low_accuracy: With an accuracy surely below this, it is to be looked at.
    """

    confidence: float = 0.95
    half_life: timedelta = timedelta(days=180)
    other_version: float = 0.5
    ranking: float = 0.1
    stale: timedelta = timedelta(days=365)
    unused: timedelta = timedelta(days=90)
    low_accuracy: float = 0.7

    @cached_property
    def _deviations(self) -> float:
        return NormalDist().inv_cdf(0.5 + self.confidence / 2)

    def weight(self, one: Weighed) -> float:
        """What outcomes count together."""
        halvings = timedelta(days=max(0.0, one.days)) / self.half_life
        aged: float = 2.0**-halvings
        return one.many * aged * (1.0 if one.same_version else self.other_version)

    def accuracy(self, outcomes: Iterable[Weighed]) -> tuple[float | None, Interval]:
        """The share of the outcomes in which a document helped, None without any; its interval."""
        weights = [(self.weight(one), one.success) for one in outcomes]
        total = sum(weight for weight, _ in weights)
        if not total:
            return None, Interval(0.0, 1.0)
        share = sum(weight for weight, success in weights if success) / total
        return share, wilson(share, total, self._deviations)

    def factor(self, interval: Interval) -> float:
        """What a document's score is multiplied by: 1 where nothing is known of it."""
        return 1.0 + self.ranking * (interval.low + interval.high - 1.0)


def wilson(share: float, many: float, deviations: float) -> Interval:
    """The interval of a share of so many trials (Wilson 1927, "Probable inference").

    Args:
        share: Of the trials that succeeded.
        many: How many trials; weights that need not be whole.
        deviations: Standard deviations on each side: 1.96 for 95 %.
    """
    squared = deviations**2
    middle = (share + squared / (2 * many)) / (1 + squared / many)
    inner = share * (1 - share) / many + squared / (4 * many**2)
    half = deviations * sqrt(inner) / (1 + squared / many)
    # It holds the share itself: what rounding takes from that at 0 and 1 is given back.
    return Interval(min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))
