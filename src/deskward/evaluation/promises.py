"""How well the promise check tells replies that may be sent from those that may not.

What is held back at first, a model says once more. How a model would say it is not known here; at
the least it can put marks where they are wanting. So each reply that is held back is tried again
with a mark, the most favourable of the turn's, behind each unmarked sentence that was held back:
a good reply that then passes was held back for want of a mark alone, and a false one that does gets
through.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from deskward.agent.claims.check import ClaimCheck
from deskward.agent.leaves import Evidence
from deskward.agent.marks import MARK, without_marks
from deskward.evaluation.metrics import wilson
from deskward.features import all_features
from deskward.text.clauses import sentences

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
        way: In what way it is good or false, where that was written down.
    """

    id: str
    split: str
    label: Literal["supported", "unsupported"]
    kind: str
    said: str
    results: tuple[Evidence, ...]
    reply: str
    way: str = ""


@dataclass(frozen=True)
class Figures:
    """How a set of replies was judged.

    Attributes:
        unsupported: Replies that must not be sent.
        missed: Ids of those among them in which nothing was found.
        supported: Replies that may be sent.
        false_alarms: Ids of those among them in which something was found.
        unmarked: Ids of those among the false alarms that pass once they are marked.
        slipped: Ids of replies that must not be sent, are held back, and pass once marked.
        p95: Milliseconds of CPU that a check took at the most, of 95 in 100 replies.
    """

    unsupported: int
    missed: tuple[str, ...]
    supported: int
    false_alarms: tuple[str, ...]
    unmarked: tuple[str, ...]
    slipped: tuple[str, ...]
    p95: float
    kinds: Mapping[str, Figures]
    """The same of each kind of reply, and of each way in which one is false; empty in those."""

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

    @property
    def seen_rate(self) -> float:
        """The part of the replies that must not be sent and that a customer at last sees."""
        return self._seen / self.unsupported if self.unsupported else 0.0

    @property
    def seen_between(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `seen_rate`."""
        return wilson(self._seen, self.unsupported)

    @property
    def lost_rate(self) -> float:
        """The part of the replies that may be sent and are held back even with marks."""
        return self._lost / self.supported if self.supported else 0.0

    @property
    def lost_between(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `lost_rate`."""
        return wilson(self._lost, self.supported)

    @property
    def _seen(self) -> int:
        return len(self.missed) + len(self.slipped)

    @property
    def _lost(self) -> int:
        return len(self.false_alarms) - len(self.unmarked)


def measure(split: str) -> Figures:
    """Judge the replies of a split, one of `SPLITS`."""
    claims = all_features().claims
    _ = claims.classifier  # learning is no part of a check's time
    replies = [reply for reply in labelled_replies() if reply.split == split]
    flagged, pass_marked, took = set(), set(), []
    for one in replies:
        begun = time.thread_time()
        held = claims.unsupported(one.reply, one.results, [one.said])
        took.append((time.thread_time() - begun) * 1000)
        if held:
            flagged.add(one.id)
            if not claims.unsupported(marked_anew(claims, one), one.results, [one.said]):
                pass_marked.add(one.id)
    p95 = round(sorted(took)[int(0.95 * len(took))], 2)
    parts = {one.kind: [r for r in replies if r.kind == one.kind] for one in replies}
    parts |= {one.way: [r for r in replies if r.way == one.way] for one in replies if one.way}
    kinds = {
        name: _figures(part, flagged, pass_marked, p95, {}) for name, part in sorted(parts.items())
    }
    return _figures(replies, flagged, pass_marked, p95, kinds)


def marked_anew(claims: ClaimCheck, one: Reply) -> str:
    """A reply with a mark behind each sentence that has none and is held back.

    It is the first mark with which the sentence passes, or those of all results.
    """
    said = sentences(one.reply)
    marks = [f" [[r{number}]]" for number in range(1, len(one.results) + 1)]
    for at, sentence in enumerate(said):
        if MARK.search(sentence):
            continue
        for tried in ("", *marks, "".join(marks)):
            said[at] = sentence + tried
            held = claims.unsupported("\n".join(said), one.results, [one.said])
            if without_marks(sentence) not in {problem.sentence for problem in held}:
                break
    return "\n".join(said)


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
        for where, language, label, shown, said, reply, *way in lines:
            number += 1
            evidence = tuple(known[name] for name in shown)
            name = f"m{number:03}"
            found.append(
                Reply(name, where or split, _LABELS[label], language, said, evidence, reply, *way)
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
    replies: Iterable[Reply],
    flagged: set[str],
    pass_marked: set[str],
    p95: float,
    kinds: Mapping[str, Figures],
) -> Figures:
    replies = list(replies)
    bad = [one.id for one in replies if one.label == "unsupported"]
    good = [one.id for one in replies if one.label == "supported"]
    return Figures(
        unsupported=len(bad),
        missed=tuple(name for name in bad if name not in flagged),
        supported=len(good),
        false_alarms=tuple(name for name in good if name in flagged),
        unmarked=tuple(name for name in good if name in pass_marked),
        slipped=tuple(name for name in bad if name in pass_marked),
        p95=p95,
        kinds=kinds,
    )
