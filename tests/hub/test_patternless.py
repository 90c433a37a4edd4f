"""No regular expression of an outside server is run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from deskward.core.patternless import patternless
from deskward.hub.remote_tools import remote_tool

SLOW = "^(a+)+$"
TEXT = {"type": "string", "pattern": SLOW, "format": "regex"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "pattern": TEXT,
        "nested": {
            "type": "object",
            "properties": {"known": {"type": "integer"}},
            "patternProperties": {SLOW: {"type": "integer"}},
            "additionalProperties": False,
        },
        "more": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/each"}]},
        "format": {"enum": ["a", {"pattern": "kept"}]},
    },
    "$defs": {"each": {"type": "array", "items": TEXT, "unevaluatedItems": False}},
    "required": ["pattern"],
    "propertyNames": {"pattern": SLOW},
    "unevaluatedProperties": False,
}


async def function(*_: Any, **__: Any) -> dict[str, Any]:
    return {}


def made(schema: dict[str, Any]) -> Any:
    listed = {"name": "look", "inputSchema": schema}
    tool = remote_tool(
        listed, function, name="look", server="s", tenant="default", twin=None, facts=None
    )
    return tool.arguments


def test_none_of_its_expressions_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = made(SCHEMA)
    search, searched = re.search, list[Any]()

    def counted(pattern: Any, *given: Any) -> Any:
        searched.append(pattern)
        return search("x", *given[:1])

    monkeypatch.setattr(re, "search", counted)
    long = "a" * 26 + "!"
    given = {"pattern": long, "nested": {long: 1}, "more": [long], "format": "a"}
    arguments.model_validate(given)
    assert searched == []


@pytest.mark.parametrize(
    "given",
    [{}, {"pattern": 1}, {"pattern": "x", "nested": {"known": "x"}}, {"pattern": "x", "more": [1]}],
)
def test_the_rest_of_it_is_still_checked(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(SCHEMA).model_validate(given)


def test_names_and_values_that_look_like_keywords_stay() -> None:
    left = patternless(SCHEMA)
    assert left["properties"]["pattern"] == {"type": "string"}
    assert left["properties"]["format"] == SCHEMA["properties"]["format"]
    plain = {"type": "object", "properties": {}, "additionalProperties": False}
    assert patternless(plain) == plain
