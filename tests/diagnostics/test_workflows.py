"""Workflows: what can be wrong shows when they are read, with file and line; each way ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deskward.diagnostics.checking import SHIPPED, load, walk_case
from deskward.diagnostics.composing import Circumstances, Plan, compose
from deskward.diagnostics.drawing import graph_of, mermaid, svg
from deskward.diagnostics.loading import WrongWorkflows
from deskward.diagnostics.paths import ways
from deskward.diagnostics.walking import walk

KNOWN = load(SHIPPED)
GOOD = """\
workflow: lamp
version: 1
title: The lamp is dark
category: lamps
specialist: electrician
causes:
  unplugged: {title: It is not plugged in, explanation: No current comes., fix: Plug it in.}
  bulb: {title: The bulb is broken, explanation: The wire is torn., fix: Take a new one.}
fragments:
  - id: current
    title: The current
    steps:
      - id: plugged
        kind: check
        description: Is it plugged in?
        instructions: Look at the plug.
        expected: It is.
        minutes: 1
        findings:
          - {when: "!plugged", supports: [unplugged]}
        next:
          - {when: "!plugged", cause: unplugged}
          - {done: true}
  - id: light
    title: The bulb
    applies: "!has(environment.led) || environment.led == false"
    steps:
      - id: bulbs
        kind: ask
        description: How many bulbs were tried?
        instructions: Put another bulb in.
        expected: One at least.
        answer: {type: number, least: 0, most: 9}
        minutes: 2
        visits: 2
        findings:
          - {when: "bulbs >= 1.0", supports: [bulb]}
        next:
          - {when: "bulbs < 1.0", go: bulbs}
          - {when: "plugged", cause: bulb}
          - {escalate: electrician}
cases:
  - {answers: {plugged: false}, ends: cause unplugged}
  - {answers: {plugged: true, bulbs: [0, 2]}, ends: cause bulb}
  - {environment: {led: true}, answers: {plugged: true}, ends: escalate electrician}
"""


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a file, each as `line: text`."""
    file = folder / "lamp.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load(file)
    except WrongWorkflows as error:
        return [f"{one.line}: {one.text}" for one in error.problems]
    return []


def test_a_workflow_that_can_be_walked_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("cause: bulb}", "cause: bulp}", "", "there is no cause “bulp”"),
        ("cause: bulb}", "escalate: electrician}", "bulb: {", "no step leads to the cause “bulb”"),
        ("go: bulbs", "go: nowhere", "", "there is no step “nowhere”"),
        ("visits: 2", "visits: 1", "go: bulbs", "how often that one may be come to"),
        ('when: "plugged"', 'when: "pluged"', "", "“pluged”, which is nothing that can be known"),
        ('"!plugged", cause', '"bulbs > 1.0", cause', "", "“bulbs”, which is nothing"),
        ("bulbs >= 1.0", "bulbs >= 'one'", "", "the condition cannot be asked"),
        ('"!plugged", cause', "\"plugged == 'x'\", cause", "", "the condition never holds"),
        ("bulbs >= 1.0", "bulbs >=", "", "this is no condition"),
        ("- {done: true}", '- {when: "plugged", done: true}', "", "the last branch has no"),
        ("id: bulbs", "id: plugged", "\n      - id: plugged\n        kind: ask", "already"),
        ("id: light", "id: current", "id: current\n    title: The bulb", "a fragment “current”"),
        ("id: bulbs", "id: version", "", "called “version” already"),
        ("kind: ask", "kind: asks", "", "kind"),
        ("minutes: 2", "minutes: 0", "", "greater than or equal to 1"),
        ("minutes: 2", "minute: 2", "", "there is no “minute” here"),
        ("supports: [bulb]", "supports: []", "", "a finding supports a cause or rules one out"),
        ("supports: [bulb]", "supports: [unplugged]", "cause: bulb}", "no finding before speaks"),
        ("ends: cause bulb", "ends: cause unplugged", "bulbs: [0, 2]", "ends with “cause bulb”"),
        ("bulbs: [0, 2]", "bulbs: [0, 20]", "", "a number from 0 to 9"),
        ("bulbs: [0, 2]", "bulbs: [0]", "", "no answer to the step “bulbs”"),
        ("answers: {plugged: false}", "answers: {plugged: false, x: 1}", "", "nobody asks for x"),
        ("version: 1", "version: 1\nversion: 2", "version: 2", "stands here twice"),
        ("specialist: electrician", "specialist: ]", "", "this is no YAML"),
        ("answers: {plugged: false}", "answers: &a {plugged: *a}", "", "write it out"),
        ("done: true", "done: true, solved: true", "", "leads to exactly one"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, where: str, said: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    line = text[: text.index((where or new).lstrip("\n"))].count("\n") + 1
    found = problems(tmp_path, text)
    assert any(one.startswith(f"{line}: ") and said in one for one in found), found


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[]", b"a: b", b"x" * 1_000_001])
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.yaml").write_bytes(content)
    with pytest.raises(WrongWorkflows):
        load(tmp_path)


def test_two_files_are_not_the_same_workflow(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(WrongWorkflows, match="is the workflow “lamp” already"):
        load(tmp_path)


def test_a_file_of_ones_own_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    text = GOOD.replace("workflow: lamp", "workflow: sign-in").replace("version: 1", "version: 9")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    found = load(SHIPPED, tmp_path)
    assert found["sign-in"].version == 9
    assert found.keys() == KNOWN.keys()


def included(folder: Path, what: str) -> str:
    """The first problem of a workflow that includes a fragment, or an empty text."""
    data = yaml.load(GOOD, Loader=yaml.CSafeLoader)
    data |= {"workflow": "house", "cases": [], "causes": {}}
    data["fragments"] = [{"id": "lamps", "title": "Lamps", "include": what}]
    (folder / "lamp.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "house.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    try:
        load(folder)
    except WrongWorkflows as error:
        return error.problems[0].text
    return ""


def test_a_fragment_of_another_workflow_is_a_part_of_this_one(tmp_path: Path) -> None:
    assert included(tmp_path, "lamp/current") == ""
    known = load(tmp_path)
    plan = compose(known["house"], Circumstances(), known)
    assert str(walk(plan, [False]).end) == "cause unplugged"
    assert "there is no fragment lamp/nothing" in included(tmp_path, "lamp/nothing")
    assert "it includes itself" in included(tmp_path, "house/lamps")


def test_fragments_are_chosen_by_the_case_and_say_why() -> None:
    desktop = compose(KNOWN["sign-in"], Circumstances(), KNOWN)
    phone = compose(KNOWN["sign-in"], Circumstances(environment={"client": "mobile_app"}), KNOWN)
    assert [part.id for part in desktop.parts] == [
        "who",
        "browser",
        "secrets",
        "codes",
        "single_sign_on",
    ]
    assert [part.id for part in phone.parts] == ["who", "secrets", "codes", "single_sign_on"]
    assert phone.left_out == (
        "browser: !has(environment.client) || environment.client != 'mobile_app' does not hold, "
        "or is not known",
    )
    assert all(part.because for part in desktop.parts)
    again = compose(KNOWN["sign-in"], Circumstances(), KNOWN)
    assert again == desktop
    assert Plan.model_validate_json(desktop.model_dump_json()) == desktop


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_shipped_workflow_is_whole(name: str) -> None:
    workflow = KNOWN[name]
    steps = [step for fragment in workflow.fragments for step in fragment.steps]
    assert len(steps) >= 15
    assert {"check", "execute", "ask"} <= {step.kind for step in steps}
    assert len(workflow.cases) >= 9
    for case in workflow.cases:
        assert str(walk_case(workflow, case, KNOWN).end) == case.ends


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_way_through_a_shipped_workflow_ends_and_every_cause_is_found(name: str) -> None:
    plan = compose(KNOWN[name], Circumstances(), KNOWN)
    found: set[str] = set()
    for one in ways(plan):
        assert one.end is not None
        if one.end.cause is not None:
            found.add(one.end.cause)
            about = [seen for seen in one.evidence if seen.cause == one.end.cause]
            assert about
            assert all(seen.supports for seen in about)
        again = walk(plan, [answer.value for answer in one.answered])
        assert (again.end, again.evidence) == (one.end, one.evidence)
    assert found == set(plan.causes)


@given(name=st.sampled_from(sorted(KNOWN)), chance=st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_any_answers_end_and_can_be_taken_back(name: str, chance: Any) -> None:
    plan = compose(KNOWN[name], Circumstances(), KNOWN)
    going, states = walk(plan), []
    while going.at is not None:
        states.append((going.at.id, list(going.evidence), going.visits.copy()))
        assert len(states) < 200
        going.answer(chance.choice(going.at.answer.samples))
    values = [one.value for one in going.answered]
    for count, state in enumerate(states):
        before = walk(plan, values[:count])
        assert before.at is not None
        assert (before.at.id, before.evidence, before.visits) == state


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_picture_shows_every_step_and_end(name: str) -> None:
    plan = compose(KNOWN[name], Circumstances(), KNOWN)
    graph = graph_of(plan)
    steps = {step.id for part in plan.parts for step in part.steps}
    assert steps == set(graph.boxes) - graph.ends
    assert {f"cause {cause}" for cause in plan.causes} <= graph.ends
    drawn = svg(plan)
    assert drawn.count("<rect") == len(graph.boxes)
    assert drawn.count("<path d=") - 1 == len(graph.arrows)
    told = mermaid(plan).splitlines()
    assert told[0] == "flowchart TD"
    assert len(told) == 1 + len(graph.boxes) + len(graph.arrows)


def test_a_picture_holds_hostile_texts_as_texts(tmp_path: Path) -> None:
    hostile = 'Is it "plugged"] --> x </text><script>1</script>?'
    text = GOOD.replace("Is it plugged in?", repr(hostile))
    (tmp_path / "lamp.yaml").write_text(text, encoding="utf-8")
    known = load(tmp_path)
    plan = compose(known["lamp"], Circumstances(), known)
    assert "<script>" not in svg(plan)
    assert "script>" not in mermaid(plan)
    assert 'Is it "' not in mermaid(plan)


async def test_a_fact_of_another_type_leaves_a_part_out_and_says_so() -> None:
    condition = "has(environment.memory_gb) && environment.memory_gb < 8"
    whole = KNOWN["api-errors"]
    first, *rest = whole.fragments
    mine = whole.model_copy(
        update={"fragments": (first.model_copy(update={"applies": condition}), *rest)}
    )

    def plan(memory: str | int) -> Plan:
        return compose(mine, Circumstances(environment={"memory_gb": memory}), KNOWN)

    assert plan(4).parts[0].id == first.id
    odd = plan("4 GB")
    assert first.id not in [part.id for part in odd.parts]
    assert odd.left_out[0].startswith(f"{first.id}: {condition} cannot be asked")
