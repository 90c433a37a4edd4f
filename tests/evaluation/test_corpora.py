"""The labelled data sets: of the right shape, many enough, and about tools that exist."""

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from deskward.gate.tool import Risk
from tests.conftest import CUSTOMER
from tests.everything import GROUPS

DATA = files("deskward") / "evaluation" / "data"
TOOLS = {tool.name: tool for group in GROUPS for tool in group.tools}
CODE = re.compile(r"^[A-Z]+(_[A-Z]+)*$")


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Result(Item):
    tool: str
    status: Literal["ok", "pending", "error"]
    arguments: dict[str, Any]
    answer: dict[str, Any]


class Reply(Item):
    id: str = Field(pattern=r"^r\d{3}$")
    split: Literal["development", "test"]
    label: Literal["supported", "unsupported"]
    kind: Literal[
        "action_claimed",
        "fact_claimed",
        "future_promise",
        "question",
        "general_advice",
        "faq_quote",
        "refusal",
        "pending",
        "handover",
        "negated",
        "mixed",
    ]
    said: str = Field(min_length=1)
    results: list[Result]
    reply: str = Field(min_length=1)


class Call(Item):
    tool: str
    arguments: dict[str, Any]


class Attack(Item):
    id: str = Field(pattern=r"^a\d{3}$")
    where: Literal["ticket", "article"]
    way: Literal["answer", "second turn", "same ids", "change", "record", "approvals"] = "answer"
    goal: str = Field(min_length=1, max_length=60)
    subject: str | None = Field(None, min_length=1, max_length=200)
    question: str | None = Field(None, min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=10_000)
    calls: list[Call]
    answer: str = Field(min_length=1)


class Flow(Item):
    id: str = Field(pattern=r"^b\d{3}$")
    customer: Literal["user_001", "user_002", "user_003"]
    turns: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        min_length=1, max_length=4
    )
    expect: list[str]

    @property
    def reads_then_acts(self) -> bool:
        risks = [TOOLS[name].risk for name in self.expect]
        return any(
            risk is Risk.READ and any(later is not Risk.READ for later in risks[place:])
            for place, risk in enumerate(risks)
        )


@cache
def replies() -> list[Reply]:
    return TypeAdapter(list[Reply]).validate_python(_read("replies"))


@cache
def attacks() -> list[Attack]:
    return TypeAdapter(list[Attack]).validate_python(_read("attacks"))


@cache
def flows() -> list[Flow]:
    return TypeAdapter(list[Flow]).validate_python(_read("benign"))


def _read(name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = yaml.load(
        (DATA / f"{name}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
    )
    ids = [item["id"] for item in items]
    assert ids == [f"{name[0]}{number:03}" for number in range(1, len(ids) + 1)]
    return items


def _check_call(tool: str, arguments: dict[str, Any]) -> None:
    """Whether the tool takes such arguments, with or without the ids that are bound."""
    known = TOOLS[tool]
    bound = known.bound & arguments.keys()
    jsonschema.validate(arguments, known.input_schema(None if bound else CUSTOMER))


def test_replies_are_many_and_evenly_split() -> None:
    assert len(replies()) >= 260
    assert len({repr((r.said, r.results, r.reply)) for r in replies()}) == len(replies())
    per_part = Counter((reply.split, reply.label) for reply in replies())
    assert len(per_part) == 4
    assert max(per_part.values()) - min(per_part.values()) <= 10


@pytest.mark.parametrize("label", ["supported", "unsupported"])
def test_both_splits_hold_every_kind(label: str) -> None:
    kinds = {
        split: {reply.kind for reply in replies() if (reply.split, reply.label) == (split, label)}
        for split in ("development", "test")
    }
    assert kinds["development"] == kinds["test"]


def test_results_are_such_as_the_tools_give() -> None:
    for reply in replies():
        for result in reply.results:
            assert result.tool in TOOLS, reply.id
            if result.status == "ok":
                _check_call(result.tool, result.arguments)
                jsonschema.validate(result.answer, TOOLS[result.tool].output_schema)
            elif result.status == "pending":
                assert result.answer["status"] == "pending_approval", reply.id
                assert result.answer["approval_id"], reply.id
            else:
                assert result.answer["success"] is False, reply.id
                assert CODE.match(result.answer["error"]["code"]), reply.id


def test_attacks_are_many_and_in_both_places() -> None:
    assert len(attacks()) >= 220
    assert len({attack.text for attack in attacks()}) == len(attacks())
    places = Counter(attack.where for attack in attacks())
    assert min(places.values()) / len(attacks()) >= 0.45
    for attack in attacks():
        title, other = attack.subject, attack.question
        assert (title and not other) if attack.where == "ticket" else (other and not title)


def test_attacks_ask_for_what_can_be_called() -> None:
    calls = [call for attack in attacks() for call in attack.calls]
    for call in calls:
        _check_call(call.tool, call.arguments)
    assert sum(bool(attack.calls) for attack in attacks()) / len(attacks()) >= 0.75
    asked = {call.tool for call in calls}
    assert "hand_over" not in asked
    assert len(asked) >= 20
    assert max(Counter(call.tool for call in calls).values()) / len(calls) <= 0.2


def test_attacks_leave_by_many_ways() -> None:
    answers = [attack.answer for attack in attacks()]
    for way in ("https://evil.example", "![", "<img", "mailto:", "javascript:", "data:", "<iframe"):
        assert any(way in answer for answer in answers), way
    assert any(re.search(r"(?<![/@.])\b(\w+\.)?evil\.example\b", answer) for answer in answers)
    assert sum("Rivera" in answer or "Tanaka" in answer for answer in answers) >= 20


def test_flows_are_many_and_of_every_kind() -> None:
    assert len(flows()) >= 210
    assert len({(flow.customer, *flow.turns) for flow in flows()}) == len(flows())
    named = Counter(name for flow in flows() for name in flow.expect)
    assert named.keys() <= TOOLS.keys()
    assert len(named) >= 17
    assert min(named.values()) >= 10
    assert sum(flow.reads_then_acts for flow in flows()) / len(flows()) >= 0.25
