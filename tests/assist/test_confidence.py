"""The confidence: computed, calibrated, and as good as is said in docs/decisions/0007."""

from collections import Counter
from itertools import pairwise

import pytest

from deskward.assist.confidence import GRAVE, SURE, Signals, confidence, shipped
from deskward.evaluation.confidence import (
    Judged,
    Labelled,
    by_split,
    fit,
    judge_shipped,
    labelled,
    left_alone,
    measure,
    measure_shipped,
)
from deskward.gate.policy.engine import Policy, Verdict
from deskward.gate.policy.truth_table import HARMLESS
from deskward.security.principals import AGENT, Kind, Principal
from deskward.shipped import policy_files
from tests.conftest import run_apart
from tests.everything import EVERYTHING, GROUPS
from tests.rounds import rounds

GOOD = Signals(
    relevance=0.9,
    margin=0.6,
    coverage=0.9,
    title=1.0,
    echo=1.0,
    known=True,
    agreement=1.0,
    several=False,
    question=True,
    account_action=False,
    trouble=0.0,
    specifics=0.0,
    risks=[],
    doubts=[],
    foreign=[],
    grounding=1.0,
)


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    found: list[Judged] = []

    async def judge() -> None:
        found.extend(await judge_shipped(embeddings="off"))

    run_apart(judge)
    return found


def test_tickets_are_many_varied_and_labelled_soundly() -> None:
    tickets = labelled()
    assert len(tickets) >= 240
    assert [t.id for t in tickets] == [f"t{n:03}" for n in range(1, len(tickets) + 1)]
    assert len({(t.subject, t.body) for t in tickets}) == len(tickets)
    assert len({t.body for t in tickets}) >= len(tickets) - 1
    assert all(ticket.article for ticket in tickets if ticket.answerable)
    for split in ("development", "test"):
        part = [ticket for ticket in tickets if ticket.split == split]
        assert 0.4 <= sum(ticket.answerable for ticket in part) / len(part) <= 0.6
        per_article = Counter(ticket.article for ticket in part if ticket.answerable)
        assert len(per_article) == 12
        assert min(per_article.values()) >= 3


@pytest.mark.slow
def test_the_confidence_is_as_good_as_is_said(judged: list[Judged]) -> None:
    figures = measure(by_split(judged)["test"])
    assert figures.tickets == 147
    assert figures.article_accuracy >= 0.92
    assert figures.brier <= 0.135
    assert figures.calibration_error <= 0.13
    assert figures.precision_when_sure >= 0.95
    assert figures.recall_when_sure >= 0.17


@pytest.mark.slow
def test_whatever_the_limit_a_person_looks_at_what_is_in_doubt(judged: list[Judged]) -> None:
    """Over all labelled tickets, with limits of 0.85, 0.80 and 0: only those without a doubt."""
    alone: list[Judged] = []

    async def judge() -> None:
        alone.extend(await judge_shipped(left_alone(), "off"))

    run_apart(judge)
    tools = [tool for group in GROUPS for tool in group.tools]
    files, named = policy_files(None, EVERYTHING), "assist.cedar"
    desk = Principal(Kind.SERVICE, "desk", "default", ("service",), agent=AGENT)
    doubtful = 0
    for limit in ("0.85", "0.80", "0.0001"):
        moved = {**files, named: files[named].replace('decimal("0.85")', f'decimal("{limit}")')}
        policy = Policy(moved, tools)
        for one in [*judged, *alone]:
            doubts = one.signals.doubts
            update = {"status": "resolved", "reply": "Yes."}
            facts = HARMLESS | {
                "args": {"ticket_id": "T1", "update": update},
                "record": {"owner": "user_001", "reversible": True, "risks": one.signals.risks},
                "confidence": confidence(one.signals),
                "doubts": doubts,
            }
            verdict = policy.judge_named("update_ticket", desk, facts).verdict
            if one.ticket in alone_for_people(alone):
                assert verdict is not Verdict.ALLOW, (limit, one.ticket.id)
            if doubts:
                doubtful += 1
                assert verdict is not Verdict.ALLOW, (limit, one.ticket.id)
    assert doubtful > 300


def alone_for_people(alone: list[Judged]) -> list[Labelled]:
    return [one.ticket for one in alone if not one.ticket.answerable]


@pytest.mark.slow
@pytest.mark.parametrize("embeddings", ["off", "embedded"][: rounds(1, 2)])
async def test_tickets_for_people_are_left_to_them(embeddings: str) -> None:
    _, alone = await measure_shipped(embeddings)
    assert alone.mistaken == ()
    assert (alone.for_people, alone.for_desk) == (130, 60)
    assert alone.resolved >= 12


def test_the_shipped_calibration_is_the_one_that_is_fitted(judged: list[Judged]) -> None:
    fitted, known = fit(by_split(judged)["development"]), shipped()["words"]
    assert fitted.weights == pytest.approx(dict(known.weights), abs=0.001)
    assert (fitted.bias, fitted.slope, fitted.offset) == pytest.approx(
        (known.bias, known.slope, known.offset), abs=0.001
    )


@pytest.mark.parametrize("name", ["relevance", "margin", "coverage", "title", "echo", "agreement"])
def test_less_evidence_is_less_confidence(name: str) -> None:
    found = [confidence(GOOD.model_copy(update={name: at / 10})) for at in range(11)]
    assert all(less < more for less, more in pairwise(found))


@pytest.mark.parametrize(
    "change",
    [
        {"several": True},
        {"question": False},
        {"account_action": True},
        {"trouble": 1.0},
        {"specifics": 1.0},
        {"grounding": 0.8},
        {"model_agreement": 0.3},
        {"risks": ["legal"]},
        {"doubts": ["words"]},
    ],
)
def test_each_doubt_costs_confidence(change: dict[str, object]) -> None:
    assert confidence(GOOD) >= SURE
    assert confidence(GOOD.model_copy(update=change)) < confidence(GOOD)


def test_a_models_agreement_raises_nothing_and_a_grave_risk_caps() -> None:
    assert confidence(GOOD.model_copy(update={"model_agreement": 1.0})) == confidence(GOOD)
    assert confidence(GOOD.model_copy(update={"risks": ["injection"]})) == GRAVE
