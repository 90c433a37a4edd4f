"""Figures with their spread, as they are kept and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple


class Figure(NamedTuple):
    """The median of several rounds, with the smallest and the largest."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        """For a table: `median (least–most)`."""
        middle, least, most = map(_short, self)
        return middle if least == most else f"{middle} ({least}–{most})"


def figure(values: Iterable[float]) -> Figure:
    """The figure of some rounds' values."""
    found = list(values)
    return Figure(median(found), min(found), max(found))


def ratios(above: list[float], below: list[float]) -> Figure:
    """The figure of a ratio that is taken round by round."""
    return figure(a / b for a, b in zip(above, below, strict=True))


def differences(from_: list[float], what: list[float]) -> Figure:
    """The figure of a difference that is taken round by round."""
    return figure(a - b for a, b in zip(from_, what, strict=True))


def percent(shares: Iterable[float]) -> str:
    """The figure of some rounds' shares of one, in whole percents."""
    middle, least, most = (round(100 * part) for part in figure(shares))
    return f"{middle} %" if least == most else f"{middle} ({least}–{most}) %"


def percentile(values: Sequence[float], part: float) -> float:
    """The value that so great a part of the values stays below: 0.5 is the middle one."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def _short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2f}"
