"""How well the promise check tells replies that may be sent from those that may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from deskward.agent.claims.unsupported import Evidence, unsupported

Split = Literal["development", "test"]


@dataclass(frozen=True)
class Figures:
    """How a set of replies was judged.

    Attributes:
        unsupported: Replies that must not be sent.
        missed: Ids of those among them in which nothing was found.
        supported: Replies that may be sent.
        false_alarms: Ids of those among them in which something was found.
    """

    unsupported: int
    missed: tuple[str, ...]
    supported: int
    false_alarms: tuple[str, ...]
    kinds: Mapping[str, Figures]
    """The same of each kind of reply; empty in those."""

    @property
    def missed_rate(self) -> float:
        """The part of the replies that must not be sent and would be."""
        return len(self.missed) / self.unsupported if self.unsupported else 0.0

    @property
    def false_alarm_rate(self) -> float:
        """The part of the replies that may be sent and would not be."""
        return len(self.false_alarms) / self.supported if self.supported else 0.0


def measure(split: Split) -> Figures:
    """Judge the replies of a split."""
    items = [item for item in _replies() if item["split"] == split]
    flagged = frozenset(item["id"] for item in items if _is_flagged(item))
    kinds = sorted({item["kind"] for item in items})
    by_kind = {
        kind: _figures([item for item in items if item["kind"] == kind], flagged, {})
        for kind in kinds
    }
    return _figures(items, flagged, by_kind)


@cache
def _replies() -> list[dict[str, Any]]:
    text = (files("deskward") / "evaluation" / "data" / "replies.yaml").read_text("utf-8")
    items: list[dict[str, Any]] = yaml.load(text, Loader=yaml.CSafeLoader)
    return items


def _is_flagged(item: Mapping[str, Any]) -> bool:
    evidence = [Evidence(**result) for result in item["results"]]
    return bool(unsupported(item["reply"], evidence, [item["said"]]))


def _figures(
    items: list[dict[str, Any]], flagged: frozenset[str], kinds: Mapping[str, Figures]
) -> Figures:
    bad = [item["id"] for item in items if item["label"] == "unsupported"]
    good = [item["id"] for item in items if item["label"] == "supported"]
    return Figures(
        unsupported=len(bad),
        missed=tuple(name for name in bad if name not in flagged),
        supported=len(good),
        false_alarms=tuple(name for name in good if name in flagged),
        kinds=kinds,
    )
