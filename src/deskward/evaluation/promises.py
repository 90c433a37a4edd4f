"""How well the promise check tells replies that may be sent from those that may not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from deskward.agent.claims.evidence import Evidence
from deskward.evaluation.metrics import wilson
from deskward.features import all_features

DATA = files("deskward") / "evaluation" / "data"
BLIND = tuple(
    sorted(
        file.name.removesuffix(".yaml")
        for file in DATA.iterdir()
        if file.name.startswith("blind") and file.name.endswith(".yaml")
    )
)
"""The sets that were kept from whoever made the check; each file is one."""
SPLITS = ("development", "test", *BLIND)
_LABELS: dict[str, Literal["supported", "unsupported"]] = {"s": "supported", "u": "unsupported"}


@dataclass(frozen=True)
class Reply:
    """A labelled reply.

    Attributes:
        kind: What sort of reply it is, or its language where it is not English alone.
    """

    id: str
    split: str
    label: Literal["supported", "unsupported"]
    kind: str
    said: str
    results: tuple[Evidence, ...]
    reply: str


@dataclass(frozen=True)
class Figures:
    """How a set of replies was judged.

    Attributes:
        unsupported: Replies that must not be sent.
        missed: Ids of those among them in which nothing was found.
        supported: Replies that may be sent.
        false_alarms: Ids of those among them in which something was found.
        p95: Milliseconds of CPU that a check took at the most, of 95 in 100 replies.
    """

    unsupported: int
    missed: tuple[str, ...]
    supported: int
    false_alarms: tuple[str, ...]
    p95: float
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

    @property
    def missed_between(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `missed_rate`."""
        return wilson(len(self.missed), self.unsupported)

    @property
    def false_alarm_between(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `false_alarm_rate`."""
        return wilson(len(self.false_alarms), self.supported)


def measure(split: str) -> Figures:
    """Judge the replies of a split, one of `SPLITS`."""
    claims = all_features().claims
    _ = claims.classifier  # learning is no part of a check's time
    replies = [reply for reply in labelled_replies() if reply.split == split]
    flagged, took = set(), []
    for one in replies:
        begun = time.thread_time()
        if claims.unsupported(one.reply, one.results, [one.said]):
            flagged.add(one.id)
        took.append((time.thread_time() - begun) * 1000)
    p95 = round(sorted(took)[int(0.95 * len(took))], 2)
    kinds = {
        kind: _figures([one for one in replies if one.kind == kind], flagged, p95, {})
        for kind in sorted({one.kind for one in replies})
    }
    return _figures(replies, flagged, p95, kinds)


@cache
def labelled_replies() -> tuple[Reply, ...]:
    """All labelled replies that ship."""
    named = {name: Evidence(**one) for name, one in _read("replies_results").items()}
    found = [
        Reply(
            one["id"],
            one["split"],
            one["label"],
            one["kind"],
            one["said"],
            tuple(Evidence(**result) for result in one["results"]),
            one["reply"],
        )
        for one in _read("replies")
    ]
    number = 0
    for split, lines, results in _lines():
        known = named | results
        for where, language, label, shown, said, reply in lines:
            number += 1
            evidence = tuple(known[name] for name in shown)
            name = f"m{number:03}"
            found.append(
                Reply(name, where or split, _LABELS[label], language, said, evidence, reply)
            )
    return tuple(found)


def _lines() -> Iterator[tuple[str, list[Any], dict[str, Evidence]]]:
    """Of each list of lines its split, unless they name theirs, and results that it brings."""
    yield "", _read("replies_languages"), {}
    for name, split in (*((name, name) for name in BLIND), ("replies_development", "development")):
        content = _read(name)
        further = content["results"] if isinstance(content, dict) else {}
        lines = content["replies"] if isinstance(content, dict) else content
        yield (
            split,
            [("", *line) for line in lines],
            {key: Evidence(**one) for key, one in further.items()},
        )


def _read(name: str) -> Any:
    return yaml.load((DATA / f"{name}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)


def _figures(
    replies: Iterable[Reply], flagged: set[str], p95: float, kinds: Mapping[str, Figures]
) -> Figures:
    replies = list(replies)
    bad = [one.id for one in replies if one.label == "unsupported"]
    good = [one.id for one in replies if one.label == "supported"]
    return Figures(
        unsupported=len(bad),
        missed=tuple(name for name in bad if name not in flagged),
        supported=len(good),
        false_alarms=tuple(name for name in good if name in flagged),
        p95=p95,
        kinds=kinds,
    )
