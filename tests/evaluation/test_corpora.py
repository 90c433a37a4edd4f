"""The labelled data sets: of the right shape, many enough, and about tools that exist."""

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from deskward.app import GROUPS
from tests.conftest import CUSTOMER

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


@cache
def replies() -> list[Reply]:
    return TypeAdapter(list[Reply]).validate_python(_read("replies"))


def _read(name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = yaml.safe_load((DATA / f"{name}.yaml").read_text("utf-8"))
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
