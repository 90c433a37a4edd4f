"""Rules of escalation: the truth table of those that ship, and what is wrong in a file of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.core.marked_yaml import WrongFiles
from deskward.escalation.rules import (
    EVERYDAY,
    SHIPPED,
    ask,
    check,
    complexity_of,
    load,
    most_urgent,
)
from deskward.queues import kinds

RULES = load(SHIPPED, sorted(kinds.load().specialists))


def matching(text: str = "", **facts: Any) -> list[str]:
    found = ask(RULES.rules, {**EVERYDAY, **facts}, text)
    assert all(one.problem is None for one in found)
    return [one.rule.id for one in found if one.matched]


LIMITS: list[tuple[str, str, float, bool, dict[str, Any]]] = [
    # Rule, fact, limit, whether it matches from there up, and what else has to be so.
    ("breach-is-near", "minutes_left", 30, False, {}),
    ("large-customer", "revenue", 100_000, True, {"complexity": 4}),
    ("large-customer", "complexity", 4, True, {"revenue": 100_000.0}),
    ("premium-tried-twice", "attempts", 2, True, {"tier": "premium"}),
    ("upset", "attempts", 1, True, {"sentiment": "angry"}),
    ("tried-three-times", "attempts", 3, True, {}),
    ("complex", "complexity", 8, True, {}),
]


@pytest.mark.parametrize(("rule", "fact", "limit", "up", "more"), LIMITS)
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_limits_at_one_less_at_them_and_at_one_more(
    rule: str, fact: str, limit: float, up: bool, more: dict[str, Any], step: int
) -> None:
    wanted = step >= 0 if up else step <= 0
    assert (rule in matching(**{**more, fact: limit + step})) is wanted


def test_every_number_in_a_shipped_condition_is_a_limit_that_is_tried() -> None:
    for rule in RULES.rules:
        numbers = [
            float(word)
            for word in (rule.when or "").replace(")", " ").split()
            if word.replace(".", "").isdigit()
        ]
        tried = [float(limit) for name, _, limit, _, _ in LIMITS if name == rule.id]
        assert sorted(numbers) == sorted(tried), rule.id


@pytest.mark.parametrize(
    ("facts", "text", "rules"),
    [
        ({}, "", []),
        ({"signs": ["security"]}, "", ["security"]),
        ({"signs": ["legal"]}, "", ["legal"]),
        ({"signs": ["anger", "person", "vulnerable", "injection"]}, "", []),
        ({"overdue": True}, "", ["breach-is-near"]),
        ({"revenue": 1e9}, "", []),
        ({"revenue": 1e9, "complexity": 10}, "", ["large-customer", "complex"]),
        ({"tier": "enterprise", "attempts": 2}, "", ["premium-tried-twice"]),
        ({"tier": "standard", "attempts": 2}, "", []),
        ({"tier": "Premium", "attempts": 2}, "", []),  # whoever asks says it in the desk's form
        ({"sentiment": "angry"}, "", []),
        ({"sentiment": "in distress", "attempts": 1}, "", ["upset"]),
        ({"sentiment": "friendly", "attempts": 1}, "", []),
        ({}, "Total OUTAGE since noon", ["outage"]),
        ({}, "Der Ausfall dauert an", ["outage"]),
        ({}, "Une PANNE générale", ["outage"]),
        ({}, "Hay una caída del servicio", ["outage"]),
        ({}, "inoutage", []),
        ({}, "data is not lost", []),
    ],
)
def test_the_truth_table_of_the_shipped_rules(
    facts: dict[str, Any], text: str, rules: list[str]
) -> None:
    assert matching(text, **facts) == rules


def test_each_rule_tells_what_it_looked_at() -> None:
    found = ask(RULES.rules, {**EVERYDAY, "attempts": 2, "tier": "gold"}, "an outage")
    values = {one.rule.id: one.values for one in found}
    assert values["premium-tried-twice"] == {"attempts": 2, "tier": "gold"}
    assert values["outage"] == {"words": ["outage"]}
    assert values["complex"] == {"complexity": 1}


def test_the_most_urgent_says_where_to_and_of_equals_the_first() -> None:
    for ids, wanted in (
        (["tried-three-times", "security", "outage"], "security"),
        (["tried-three-times", "legal"], "legal"),
        ([], None),
    ):
        rules = [rule for rule in RULES.rules if rule.id in ids]
        asked = ask(rules, {**EVERYDAY, "attempts": 9, "signs": ["security", "legal"]}, "outage")
        chosen = most_urgent(asked)
        assert (chosen.id if chosen else None) == wanted


@pytest.mark.parametrize(
    ("facts", "score"),
    [
        ({}, 1),
        ({"attempts": 1}, 2),
        ({"attempts": 2}, 2),
        ({"attempts": 3}, 4),
        ({"attempts": 3, "failed": 1}, 4),
        ({"attempts": 3, "failed": 2}, 5),
        ({"escalations": 1}, 3),
        ({"signs": ["security", "legal"]}, 3),
        ({"priority": "urgent", "sentiment": "angry"}, 3),
        (
            {
                "attempts": 9,
                "failed": 9,
                "escalations": 9,
                "signs": ["legal"],
                "priority": "urgent",
                "sentiment": "angry",
            },
            10,  # eleven, but it ends at ten
        ),
    ],
)
def test_the_formula_of_complexity(facts: dict[str, Any], score: int) -> None:
    found = complexity_of(RULES.complexity, {**EVERYDAY, **facts})
    assert found.score == score
    points = found.base + sum(one.part.points for one in found.parts if one.held)
    assert min(10, points) == score


@given(
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(0, 5),
    st.sampled_from(["low", "urgent"]),
    st.lists(st.sampled_from(["security", "legal", "anger"])),
)
def test_more_trouble_is_never_less_complex(
    attempts: int, failed: int, escalations: int, priority: str, signs: list[str]
) -> None:
    def score(**more: Any) -> int:
        facts = {
            "attempts": attempts,
            "failed": failed,
            "escalations": escalations,
            "priority": priority,
            "signs": signs,
        }
        return complexity_of(RULES.complexity, {**EVERYDAY, **facts, **more}).score

    assert 1 <= score() <= 10
    assert score(attempts=attempts + 1) >= score()
    assert score(escalations=escalations + 1) >= score()
    assert score(signs=[*signs, "security"]) >= score()


GOOD = """\
complexity:
  base: 2
  parts:
    - {id: tried, when: "attempts >= 1", points: 3}
rules:
  - id: tried
    title: It was tried
    when: "attempts >= 2"
    specialist: network
    priority_level: 2
  - id: down
    title: It is down
    words: [outage]
    specialist: senior
    priority_level: 1
cases:
  - {facts: {attempts: 2}, text: outage, matches: [tried, down]}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"attempts >= 2"', '"attemps >= 2"', "the condition reads “attemps”"),
        ('"attempts >= 2"', '"attempts >="', "this is no condition"),
        ('"attempts >= 2"', "\"attempts >= 'two'\"", "cannot be asked"),
        ('"attempts >= 2"', '"attempts + 2"', "neither true nor false"),
        ('"attempts >= 2"', "\"tier.matches('g.*')\"", "cannot be used"),
        ('"attempts >= 1"', '"complexity >= 1"', "the condition reads “complexity”"),
        ("specialist: network", "specialist: netwrok", "no type of specialist “netwrok”"),
        ("priority_level: 2", "priority_level: 0", "greater than or equal to 1"),
        ("priority_level: 2", "priority_level: 6", "less than or equal to 5"),
        ("id: down", "id: tried", "“tried” before it already"),
        ("    words: [outage]\n", "", "asks nothing"),
        ("matches: [tried, down]", "matches: [tried]", "the rules that match are down, tried"),
        ("matches: [tried, down]", "matches: [tried, dwon]", "there is no rule “dwon”"),
        ("facts: {attempts: 2}", "facts: {attemps: 2}", "nothing called “attemps”"),
        ("title: It is down", "titel: It is down", "there is no “titel” here"),
        ("base: 2", "base: 0", "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert check(file, ["network", "senior"])[1] == []
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    found = check(file, ["network", "senior"])[1]
    assert any(said in one.text for one in found), found
    near = GOOD[: GOOD.index(old)].count("\n") + 1
    assert any(abs(one.line - near) <= 2 for one in found), (found, near)
    with pytest.raises(WrongFiles):
        load(file, ["network", "senior"])


def test_specialists_of_workflows_are_types_that_ship() -> None:
    from deskward.diagnostics.checking import SHIPPED as WORKFLOWS
    from deskward.diagnostics.checking import load as workflows

    known = kinds.load().specialists
    named = set()
    for workflow in workflows(WORKFLOWS).values():
        steps = itertools.chain.from_iterable(one.steps for one in workflow.fragments)
        named |= {branch.escalate for step in steps for branch in step.next if branch.escalate}
        named.add(workflow.specialist)
    assert named <= known.keys()


KINDS = """\
specialists:
  a: {title: A, overflow: b}
  b: {title: B, patience: {1: 5m, 2: 10m, 3: 1h, 4: 2h, 5: 3h}}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("overflow: b", "overflow: c", "there is no type “c”"),
        ("overflow: b", "overflow: a", "comes back to it"),
        ("title: B,", "title: B, overflow: a,", "comes back to it"),
        ("5: 3h", "6: 3h", "each of the levels"),
        ("2: 10m", "2: 1m", "no less time"),
        ("2: 10m", "2: 10", "30m, 4h or 1h30m"),
        ("title: A", "titel: A", "there is no “titel” here"),
    ],
)
def test_what_is_wrong_with_types_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "kinds.yaml"
    file.write_text(KINDS, encoding="utf-8")
    assert kinds.check(file)[1] == []
    file.write_text(KINDS.replace(old, new, 1), encoding="utf-8")
    found = kinds.check(file)[1]
    assert any(said in one.text for one in found), found
    assert all(2 <= one.line <= 3 for one in found)
