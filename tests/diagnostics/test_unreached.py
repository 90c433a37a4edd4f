"""What no answers of a workflow lead to shows before anybody walks it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deskward.diagnostics import reaching
from deskward.diagnostics.agreeing import can_agree
from deskward.diagnostics.checking import SHIPPED, check, load, read_all
from deskward.diagnostics.composing import Circumstances, compose
from deskward.diagnostics.outcomes import outcomes
from deskward.diagnostics.walking import walk
from deskward.diagnostics.workflow import Step

KNOWN = load(SHIPPED)
FINDS: dict[str, Any] = {"when": "a", "supports": ["c"]}
CHOICE = {"type": "choice", "choices": {"x": "X", "y": "Y"}}
NUMBER = {"type": "number", "least": 0, "most": 10}
TO_C: list[dict[str, Any]] = [{"when": "a", "cause": "c"}, {"done": True}]


TEXT = {"type": "text"}


def step(name: str, following: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    made = {"id": name, "kind": "ask", "description": "?", "instructions": "i", "expected": "e"}
    return {**made, "minutes": 1, "next": following, **more}


def end(name: str, **more: Any) -> dict[str, Any]:
    """A step that can end with the cause."""
    found = {"findings": [{"when": name, "supports": ["c"]}], **more}
    return step(name, [{"when": name, "cause": "c"}, {"done": True}], **found)


def to_b(when: str, **more: Any) -> dict[str, Any]:
    """A step that leads to b under a condition."""
    return step("a", [{"when": when, "go": "b"}, {"done": True}], **more)


READS_A = step("b", [{"when": "a", "solved": True}, {"done": True}])


def problems(folder: Path, *fragments: list[dict[str, Any]] | dict[str, Any]) -> list[str]:
    """What is wrong with a workflow of fragments, or of their steps."""
    named = zip("fgh", fragments, strict=False)
    whole: dict[str, Any] = {
        "workflow": "w",
        "version": 1,
        "title": "W",
        "category": "x",
        "specialist": "s",
    }
    whole["causes"] = {"c": {"title": "t", "explanation": "e", "fix": "f"}}
    whole["fragments"] = [
        {"id": name, "title": name, **(one if isinstance(one, dict) else {"steps": one})}
        for name, one in named
    ]
    (folder / "w.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    sources, wrong = read_all(folder)
    return [one.text for one in wrong + check(sources)]


ALL_SAID: list[dict[str, Any]] = [
    {"when": "a", "go": "b"},
    {"when": "!a", "solved": True},
    {"go": "d"},
]
OR_SOLVED: list[dict[str, Any]] = [{"when": "a", "cause": "c"}, {"solved": True}]
OR_B: list[dict[str, Any]] = [{"when": "a", "cause": "c"}, {"go": "b"}]
BEYOND: list[dict[str, Any]] = [{"when": "a > 20.0", "go": "b"}, {"solved": True}]
NO_CHOICE: list[dict[str, Any]] = [
    {"when": "a == 'zzz' && environment.os == 'w'", "go": "b"},
    {"solved": True},
]


@pytest.mark.parametrize(
    ("fragments", "said"),
    [
        ([[step("a", ALL_SAID), end("b"), step("d", [{"done": True}])]], "to the step “d”"),
        ([[step("a", BEYOND, answer=NUMBER), end("b")]], "to the step “b”"),
        ([[step("a", NO_CHOICE, answer=CHOICE), end("b")]], "to the step “b”"),
        (
            [
                [step("a", OR_SOLVED, findings=[FINDS])],
                [step("b", [{"done": True}])],
            ],
            "to the fragment “g”",
        ),
        (
            [[end("a")], {"when": "a", "steps": [step("b", [{"done": True}])]}],
            "to the fragment “g”",
        ),
        (
            [
                {"applies": "environment.os == 'windows'", "steps": [end("a")]},
                {
                    "applies": "environment.os in ['mac', 'linux']",
                    "steps": [READS_A],
                },
            ],
            "reads “a”, which is never answered on a way here",
        ),
        (
            [{"steps": [end("a")]}, {"when": "has(customer.teir)", "steps": [end("b")]}],
            "reads “customer.teir”, which nobody knows",
        ),
        (
            [[step("a", TO_C, findings=[FINDS, {"when": "a", "rules_out": ["c"]}])]],
            "can never be stated here: a finding on each way here speaks against it",
        ),
        (
            [[step("a", TO_C, findings=[{"when": "!a", "supports": ["c"]}])]],
            "can never be stated here: no finding speaks for it",
        ),
    ],
)
def test_what_no_answers_lead_to_is_told(tmp_path: Path, fragments: list[Any], said: str) -> None:
    found = problems(tmp_path, *fragments)
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(
    "fragments",
    [
        [[to_b("a > 9.5 && a < 10.0", answer=NUMBER), end("b")]],
        [[to_b("a * 2.0 > 15.0", answer=NUMBER), end("b")]],
        [[to_b("a == 'x' && environment.os == 'w'", answer=CHOICE), end("b")]],
        [[to_b("a.contains('rare')", answer=TEXT), end("b")]],
        [[to_b("!a && environment.size * 2 > 7"), end("b")]],
        [
            {"applies": "environment.os != 'mac'", "steps": [end("a")]},
            {"applies": "has(environment.os)", "steps": [READS_A]},
        ],
        [
            [
                end("a"),
            ],
            {"when": "!a && customer.tier == 'gold'", "steps": [end("b")]},
        ],
        [
            [
                step("a", OR_B, findings=[FINDS], visits=3),
                step("b", [{"go": "a"}]),
            ]
        ],
    ],
)
def test_what_some_answers_lead_to_is_no_problem(tmp_path: Path, fragments: list[Any]) -> None:
    assert problems(tmp_path, *fragments) == []


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_all_ways_of_a_shipped_workflow_are_few_enough(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert list(reaching.unreached(KNOWN[name], KNOWN)) == []
    wholes = list(KNOWN[name].fragments)
    assert len(reaching._Ways(KNOWN[name], wholes).seen().steps) >= 15  # and no `TooMuch`
    monkeypatch.setattr(reaching, "MOST", 5)
    assert list(reaching.unreached(KNOWN[name], KNOWN)) == []


FORMS: dict[str, dict[str, Any]] = {
    "a": {},
    "b": {},
    "n": {"answer": NUMBER},
    "t": {"answer": TEXT},
}
STEPS = {
    name: Step.model_validate(step(name, [{"done": True}], **form)) for name, form in FORMS.items()
}


@pytest.mark.parametrize(
    ("source", "values", "can"),
    [
        ("a && !b", {"a": True, "b": False}, {True}),
        ("a && environment.x", {"a": False}, {False}),
        ("a && environment.x", {"a": True}, {True, False}),
        ("a || environment.x == '(&&'", {"a": True}, {True}),
        ("!(a && environment.x)", {"a": False}, {True}),
        ("(a) && (b || customer.tier == 'x')", {"a": True, "b": False}, {True, False}),
        ("a ? environment.x : false", {"a": False}, {True, False}),
        ("n > 5.0 && product == 'p'", {"n": 5.0}, {False}),
        ("n in [1.0, 5.0]", {"n": 5.0}, {True}),
        ("n > 5.0", {}, {False}),
        ("t == 'x'", {"t": "a text"}, {True, False}),
        ("'||' == '||' && a", {"a": False}, {False}),
    ],
)
def test_what_a_condition_can_come_to(
    source: str, values: Mapping[str, Any], can: set[bool]
) -> None:
    assert outcomes(source, STEPS, values) == can


@pytest.mark.parametrize(
    ("sources", "can"),
    [
        (["environment.os == 'a'", "environment.os == 'b'"], False),
        (["environment.os == 'a'", "environment.os != 'b'"], True),
        (["!has(environment.os)", "environment.os == 'b'"], False),
        (["!has(environment.os) || environment.os == 'a'", "environment.os == 'b'"], False),
        (["environment.n > 1", "environment.n < 2"], True),
        (["environment.n > 1", "environment.n < 1.0"], False),
        (["environment.on", "environment.on == false"], False),
        (["product == 'a'", "product == 'b'"], False),
        (["older(version, '2.0')", "!older(version, '2.0')"], True),  # nobody looks into that
    ],
)
def test_conditions_agree_where_there_can_be_such_a_case(sources: list[str], can: bool) -> None:
    assert can_agree(frozenset(sources)) is can


def open_at_the_end(name: str, **answers: Any) -> set[str]:
    """The causes of which nothing is known where a walk has ended with one."""
    plan = compose(KNOWN[name], Circumstances(), KNOWN)
    walked = walk(plan)
    while walked.at is not None:
        walked.answer(answers[walked.at.id])
    assert walked.end is not None
    assert walked.end.cause is not None, walked.end
    return set(plan.causes) - {one.cause for one in walked.evidence}


SLOWED = {"last_run": "slowed", "last_long": True}
SIGNING = {"other_people": False, "known_address": True, "private_window": False}


@pytest.mark.parametrize(
    ("name", "answers", "left"),
    [
        ("api-errors", {"same_now": True, "status": 500, "health": False}, set()),
        ("api-errors", {"same_now": True, "status": 402}, {"client_configuration", "outage"}),
        ("sign-in", {**SIGNING, "way_in": "password", "shown": "locked"}, {"old_password"}),
        (
            "data-sync",
            {"symptom": "late", "fresh": False, "enabled": True, **SLOWED},
            {"other_down", "webhook", "clock"},
        ),
    ],
)
def test_an_answer_that_decides_rules_out_what_it_excludes(
    name: str, answers: dict[str, Any], left: set[str]
) -> None:
    assert open_at_the_end(name, **answers) == left
