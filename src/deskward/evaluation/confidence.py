"""Fit and measure the confidence of suggested replies on the shipped tickets.

`deskward eval confidence` measures; `python -m deskward.evaluation.confidence` fits anew and writes
`calibration.yaml`.

The regression is fitted on the development split only, by Newton's method with an L2 penalty.
Platt's calibration (1999) is fitted on scores that each ticket got from a regression that had not
seen it (five folds). The calibration error is that of Guo et al. (2017), over ten bins of equal
width.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from deskward.app import Desk, open_desk
from deskward.assist.confidence import (
    CALIBRATION,
    SURE,
    Calibration,
    Signals,
    confidence,
    features_of,
    signals_of,
)
from deskward.assist.evidence import evidence_for
from deskward.core.settings import Settings
from deskward.evaluation.metrics import accuracy
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.searching import Search
from deskward.text.sentences import sentences

TENANT = "default"
PENALTY = 1.0
FOLDS = 5
BINS = 10
NONE = "-"

Array = npt.NDArray[np.float64]


class Labelled(BaseModel):
    """A ticket and what is right for it; see `data/tickets.yaml`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    split: Literal["development", "test"]
    article: str | None
    answerable: bool
    subject: str
    body: str


@dataclass(frozen=True)
class Judged:
    """A ticket with what the desk found for it."""

    ticket: Labelled
    article: str | None
    signals: Signals

    @property
    def right(self) -> bool:
        """Whether a reply from this article is right and answers all of the ticket."""
        return self.ticket.answerable and self.article == self.ticket.article


@dataclass(frozen=True)
class Figures:
    """What was measured on one split.

    Attributes:
        tickets: How many there are.
        article_accuracy: Of those that an article is about, the share whose article was found.
        brier: Mean squared error of the confidence.
        calibration_error: Mean distance of confidence and share of right ones, over the bins.
        sure: The share of the tickets that have at least `SURE`.
        precision_when_sure: The share of right ones among these.
        recall_when_sure: The share of the answerable ones that are among these.
    """

    tickets: int
    article_accuracy: float
    brier: float
    calibration_error: float
    sure: float
    precision_when_sure: float
    recall_when_sure: float


def labelled() -> list[Labelled]:
    """The shipped tickets."""
    text = (files("deskward") / "evaluation" / "data" / "tickets.yaml").read_text("utf-8")
    return TypeAdapter(list[Labelled]).validate_python(yaml.load(text, Loader=yaml.CSafeLoader))


def left_alone() -> list[Labelled]:
    """The tickets of which most are to be left to people: those that are not `answerable`."""
    content = (files("deskward") / "evaluation" / "data" / "left_alone.yaml").read_text("utf-8")
    return [
        Labelled(
            id=item["id"],
            split="test",
            article=None,
            answerable=item["expected"] == "desk",
            subject=item["subject"],
            body=item["body"],
        )
        for item in yaml.load(content, Loader=yaml.CSafeLoader)
    ]


async def judge(desk: Desk, tickets: Sequence[Labelled]) -> list[Judged]:
    """What the desk finds for each ticket in the demo desk's FAQ."""
    search, db = desk.gate.port(Search), desk.database.reader
    judged = []
    for ticket in tickets:
        found = sentences(ticket.body)
        said = [sentence for sentence in found if sentence.kind == "said"]
        evidence = await evidence_for(search, db, TENANT, ticket.subject, said)
        article = evidence.best.article_id if evidence.best is not None else None
        judged.append(
            Judged(ticket, article, signals_of(ticket.subject, ticket.body, found, evidence))
        )
    return judged


async def judge_shipped(
    tickets: Sequence[Labelled] | None = None, embeddings: str | None = None
) -> list[Judged]:
    """What the desk finds for the shipped labelled tickets, or these, in a desk of its own.

    Args:
        embeddings: What tells meanings, as EMBEDDINGS names it.
    """
    async with _demo_desk(embeddings) as desk:
        return await judge(desk, labelled() if tickets is None else tickets)


@contextlib.asynccontextmanager
async def _demo_desk(embeddings: str | None) -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.alone(data_dir=Path(folder), model="offline", embeddings=embeddings)
        async with open_desk(settings, demo=True, chat=False) as desk:
            await desk.gate.port(Feeder).fill(TENANT)
            yield desk


def fit(judged: Sequence[Judged]) -> Calibration:
    """Fit the regression and its calibration, to the tickets for which something was found."""
    most = max(len(features_of(one.signals)) for one in judged)
    judged = [one for one in judged if len(features_of(one.signals)) == most]
    names = list(features_of(judged[0].signals))
    rows = np.array([list(features_of(one.signals).values()) for one in judged])
    right = np.array([float(one.right) for one in judged])
    unseen = np.zeros(len(judged))
    for fold in range(FOLDS):
        out = np.arange(len(judged)) % FOLDS == fold
        unseen[out] = _with_bias(rows[out]) @ _newton(rows[~out], right[~out], PENALTY)
    offset, slope = _newton(unseen[:, None], _platt_targets(right), 0.0)
    bias, *weights = _newton(rows, right, PENALTY)
    return Calibration(
        {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)},
        round(float(bias), 4),
        round(float(slope), 4),
        round(float(offset), 4),
    )


def measure(
    judged: Sequence[Judged], calibrations: Mapping[str, Calibration] | None = None
) -> Figures:
    """How good the confidence is on some tickets."""
    told = np.array([confidence(one.signals, calibrations) for one in judged])
    right = np.array([float(one.right) for one in judged])
    about = [one for one in judged if one.ticket.article is not None]
    sure = told >= SURE
    bins = np.minimum((told * BINS).astype(int), BINS - 1)
    parts = [bins == place for place in range(BINS) if (bins == place).any()]
    gaps = [part.sum() * abs(told[part].mean() - right[part].mean()) for part in parts]
    return Figures(
        tickets=len(judged),
        article_accuracy=accuracy(
            [one.ticket.article or NONE for one in about], [one.article or NONE for one in about]
        ),
        brier=float(np.mean((told - right) ** 2)),
        calibration_error=float(sum(gaps) / len(judged)),
        sure=float(sure.mean()),
        precision_when_sure=float(right[sure].mean()) if sure.any() else 0.0,
        recall_when_sure=float(
            right[sure].sum() / max(1, sum(one.ticket.answerable for one in judged))
        ),
    )


def _newton(rows: Array, wanted: Array, penalty: float) -> Array:
    """The coefficients of a logistic regression, the intercept first, which is not penalized."""
    given = _with_bias(rows)
    ridge = np.full(given.shape[1], penalty)
    ridge[0] = 1e-6
    found = np.zeros(given.shape[1])
    for _ in range(50):
        told = 1 / (1 + np.exp(-np.clip(given @ found, -30, 30)))
        slope = given.T @ (told - wanted) + ridge * found
        curve = (given * (told * (1 - told))[:, None]).T @ given + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return found


def _with_bias(rows: Array) -> Array:
    return np.column_stack([np.ones(len(rows)), rows])


def _platt_targets(right: Array) -> Array:
    """Targets a little inside of 0 and 1, as Platt has them against overfitting."""
    yes, no = right.sum(), len(right) - right.sum()
    targets: Array = np.where(right > 0, (yes + 1) / (yes + 2), 1 / (no + 2))
    return targets


def _write(calibrations: Mapping[str, Calibration], path: Path) -> None:
    content = {
        kind: {
            "weights": dict(one.weights),
            "bias": one.bias,
            "platt": {"slope": one.slope, "offset": one.offset},
        }
        for kind, one in calibrations.items()
    }
    head = (
        "# Written by `python -m deskward.evaluation.confidence`; do not edit.\n"
        "# What it is: docs/decisions/0007-confidence.md.\n\n"
    )
    path.write_text(head + yaml.safe_dump(content, sort_keys=False), "utf-8")


def as_table(figures: Mapping[str, Figures]) -> str:
    """The figures of each split beside each other."""
    names = list(asdict(next(iter(figures.values()))))
    lines = [f"{'':<22}" + "".join(f"{split:>14}" for split in figures)]
    for name in names:
        values = (getattr(found, name) for found in figures.values())
        cells = (
            f"{value:>14.3f}" if isinstance(value, float) else f"{value:>14}" for value in values
        )
        lines.append(f"{name:<22}" + "".join(cells))
    return "\n".join(lines)


def by_split(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """The tickets to fit with, and those to test with."""
    return {
        split: [one for one in judged if one.ticket.split == split]
        for split in ("development", "test")
    }


@dataclass(frozen=True)
class LeftAlone:
    """What the desk would resolve by itself of tickets that were written without knowing how.

    Attributes:
        mistaken: Ids of those among a person's tickets that it would resolve.
        for_people: How many those are.
        resolved: How many of the others it would resolve.
        for_desk: How many those are.
    """

    mistaken: tuple[str, ...]
    for_people: int
    resolved: int
    for_desk: int


async def measure_shipped(
    embeddings: str | None = None,
) -> tuple[dict[str, Figures], LeftAlone]:
    """The figures of each split, and of the tickets that are to be left alone.

    Args:
        embeddings: What tells meanings, as EMBEDDINGS names it.
    """
    tickets = left_alone()
    async with _demo_desk(embeddings) as desk:
        splits = by_split(await judge(desk, labelled()))
        judged = await judge(desk, tickets)
    sure = [one.ticket for one in judged if confidence(one.signals) >= SURE]
    alone = LeftAlone(
        mistaken=tuple(ticket.id for ticket in sure if not ticket.answerable),
        for_people=sum(not ticket.answerable for ticket in tickets),
        resolved=sum(ticket.answerable for ticket in sure),
        for_desk=sum(ticket.answerable for ticket in tickets),
    )
    return {split: measure(part) for split, part in splits.items()}, alone


WAYS = {"words": "off", "meaning": "embedded"}
"""The calibrations, and what tells meanings while they are fitted; words go first: they judge what
no passage is near to."""


def main() -> None:
    """Fit anew, and print the figures."""
    found: dict[str, Calibration] = {}
    for kind, embeddings in WAYS.items():
        splits = by_split(asyncio.run(judge_shipped(embeddings=embeddings)))
        found[kind] = fit(splits["development"])
        print(f"By {kind}")
        print(as_table({name: measure(part, found) for name, part in splits.items()}))
    _write(found, CALIBRATION)


if __name__ == "__main__":
    main()
