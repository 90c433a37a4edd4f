"""Figures with their spread, as they are kept and shown."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """The median of several rounds, with the smallest and the largest."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        """For a table: `median (least–most)`."""
        if self.least == self.most:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.least)}–{_short(self.most)})"


def figure(values: Iterable[float]) -> Figure:
    """The figure of some rounds' values."""
    found = list(values)
    return Figure(median(found), min(found), max(found))


def ratios(above: list[float], below: list[float]) -> Figure:
    """The figure of a ratio that is taken round by round."""
    return figure(a / b for a, b in zip(above, below, strict=True))


def table(header: list[str], rows: Iterable[list[Any]]) -> str:
    """A Markdown table; the first column holds names, the others numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2f}"
