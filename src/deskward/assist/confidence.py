"""How sure the desk is of a reply, computed from what can be measured and from no model's word.

A logistic regression over the signals below, its score calibrated after Platt (1999), both fitted
on the shipped labelled tickets, once with meanings and once by words alone: `python -m
deskward.evaluation.confidence` writes `calibration.yaml`. The result is the probability that the
cited article is the right one and answers the whole ticket. How it was measured is in
`docs/decisions/0007-confidence.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, Field

from deskward.assist.evidence import Evidence, Nearness, Share
from deskward.core.written import Ours, Written
from deskward.text import risk
from deskward.text.injection import injected
from deskward.text.sentences import Sentence, left_out

CALIBRATION = Path(__file__).parent / "calibration.yaml"

SURE = 0.85
"""From this confidence on the shipped policies let a ticket be resolved without a person."""
GRAVE = 0.3
"""No ticket with a grave risk has a higher confidence, whatever was learned."""
DOUBTFUL = 0.84
"""No ticket with a doubt has a higher confidence; that a person looks, policy sees to."""
AGREED = 0.5
"""A model's text that shares less with the text made without it costs confidence."""

MOST_FOREIGN = 8


class Signals(BaseModel):
    """What a confidence was computed from."""

    relevance: Share = Field(description="How much of the ticket's weighted words the article has.")
    margin: Share = Field(description="By how much more relevant it is than the next one.")
    coverage: Share = Field(description="Share of the ticket's different words the article has.")
    title: Share = Field(description="The same of the subject alone.")
    echo: Share = Field(description="Share of the article's question that the ticket has.")
    known: bool = Field(description="Whether every word that asks is in some article.")
    agreement: Share = Field(description="Share of independent searches that find the article.")
    several: bool = Field(description="Whether the ticket asks about several articles.")
    question: bool = Field(description="Whether it asks a question of a general kind.")
    account_action: bool = Field(description="Whether it wants something done.")
    trouble: Share = Field(description="How much it tells of something gone wrong.")
    specifics: Share = Field(description="How many amounts, ids and dates it names; 1 is many.")
    risks: list[Ours] = Field(
        description="Grave risks: anger, legal, security, vulnerable, person, injection.",
        examples=["legal"],
    )
    doubts: list[Ours] = Field(
        description="Doubts: `unread`, some of the ticket was left out; `words`, it has words "
        "that the article has not.",
        examples=["words"],
    )
    foreign: list[Annotated[str, Written(by="customer")]] = Field(
        description="Some of those words.", examples=["neighbour"]
    )
    nearness: Nearness | None = Field(
        None, description="How near the meanings are; null where the desk has no model of that."
    )
    grounding: Share = Field(description="Share of the reply's content that its sources have.")
    model_agreement: Share | None = Field(
        None, description="How much a model's text shares with the text made without a model."
    )


def signals_of(subject: str, body: str, found: Sequence[Sentence], evidence: Evidence) -> Signals:
    """What speaks for and against answering a ticket with the article found."""
    said = [sentence for sentence in found if sentence.kind == "said"]
    title = [] if injected(subject) else [Sentence(subject, -1, "said")]
    text = "\n".join(sentence.text for sentence in [*title, *said])
    return Signals(
        relevance=round(evidence.relevance, 3),
        margin=round(evidence.margin, 3),
        coverage=round(evidence.coverage, 3),
        title=round(evidence.title, 3),
        echo=round(evidence.echo, 3),
        known=evidence.known,
        agreement=round(evidence.agreement, 3),
        several=evidence.several,
        question=risk.asks_in_general([*title, *said]),
        account_action=risk.wants_action([*title, *said]),
        trouble=min(1.0, risk.trouble([*title, *said]) / 2),
        specifics=min(1.0, round(risk.specifics(text) / 3, 3)),
        risks=risk.risks_of(subject, body),
        doubts=[
            *(["unread"] if left_out(body) else []),
            *(["words"] if evidence.foreign else []),
        ],
        foreign=list(evidence.foreign[:MOST_FOREIGN]),
        nearness=evidence.nearness,
        grounding=1.0,
    )


def features_of(signals: Signals) -> dict[str, float]:
    """The signals as the regression takes them.

    How well the reply is grounded, and how far a model agrees, are not among them: a reply that is
    made without a model is always grounded, so its labels can teach nothing about that.
    """
    near = signals.nearness
    return {
        "relevance": signals.relevance,
        "margin": signals.margin,
        "coverage": signals.coverage,
        "title": signals.title,
        "echo": signals.echo,
        "known": float(signals.known),
        "agreement": signals.agreement,
        "several": float(signals.several),
        "question": float(signals.question),
        "account_action": float(signals.account_action),
        "trouble": signals.trouble,
        "specifics": signals.specifics,
        "risks": float(bool(signals.risks)),
        **({f"near_{name}": value for name, value in near} if near else {}),
    }


@dataclass(frozen=True)
class Calibration:
    """A fitted regression with its calibration.

    Attributes:
        weights: Feature → coefficient.
        bias: The intercept.
        slope: Platt's slope, by which the score is multiplied.
        offset: Platt's offset, which is added.
    """

    weights: Mapping[str, float]
    bias: float
    slope: float
    offset: float

    def score(self, features: Mapping[str, float]) -> float:
        """The log odds before calibration."""
        return self.bias + sum(weight * features[name] for name, weight in self.weights.items())

    def probability(self, features: Mapping[str, float]) -> float:
        """The calibrated probability."""
        return sigmoid(self.slope * self.score(features) + self.offset)


@cache
def shipped() -> Mapping[str, Calibration]:
    """The calibrations that come with the desk: by `meaning`, and by `words` alone."""
    content = yaml.load(CALIBRATION.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {
        kind: Calibration(
            one["weights"], one["bias"], one["platt"]["slope"], one["platt"]["offset"]
        )
        for kind, one in content.items()
    }


def confidence(signals: Signals, calibrations: Mapping[str, Calibration] | None = None) -> float:
    """From 0 to 1, how sure the desk is of a reply with these signals.

    What is not grounded, and what a model says alone, can only lower it: a reply cannot be more
    surely right than its article, and is not right where its sources do not bear it out.
    """
    kind = "words" if signals.nearness is None else "meaning"
    found = (calibrations or shipped())[kind].probability(features_of(signals))
    found *= signals.grounding
    if signals.model_agreement is not None:
        found *= min(1.0, signals.model_agreement / AGREED)
    if signals.doubts:
        found = min(found, DOUBTFUL)
    if signals.risks:
        found = min(found, GRAVE)
    return math.floor(found * 10_000) / 10_000  # rounding must not lift it over a limit


def sigmoid(score: float) -> float:
    """The logistic function, for any score."""
    if score >= 0:
        return 1 / (1 + math.exp(-score))
    return math.exp(score) / (1 + math.exp(score))
