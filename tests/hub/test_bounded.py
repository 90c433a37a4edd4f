"""What an outside server's schemas may cost."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp.types import CallToolResult, TextContent
from pydantic import ValidationError

from deskward.client import MCPClient
from deskward.core import bounded
from deskward.core.bounded import check_of
from deskward.core.patternless import patternless
from deskward.core.settings import Settings
from deskward.hub.results import content
from tests.hub.test_hub import call, code, desk_with, state
from tests.hub.test_patternless import SLOW, made
from tests.services.faulty_mcp import TOOLS, faulty_mcp

pytestmark = pytest.mark.xdist_group("hub")


def doubling(word: str, count: int = 40) -> dict[str, Any]:
    """Definitions of which each refers twice to the next one."""
    each: dict[str, Any] = {
        f"d{n}": {word: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(count)
    }
    each[f"d{count}"] = {"type": "integer"}
    return {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": each}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


def chained(length: int) -> dict[str, Any]:
    each: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**each, f"d{length}": {"type": "object"}}}


ITSELF = {"a": {"anyOf": [{"properties": {"x": {"$ref": "#/$defs/a"}}}, {"$ref": "#/$defs/a"}]}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        *((doubling(word), "too large") for word in ("allOf", "anyOf", "oneOf")),
        ({"$ref": "#"}, "without an end"),
        ({"$defs": ITSELF, "properties": {"a": {"$ref": "#/$defs/a"}}}, "without an end"),
        ({"not": {"if": {"$ref": "#"}}}, "without an end"),
        (chained(1_500), "on and on"),
        (nested(100), "nested too deeply"),
        ({"enum": list(range(6_000))}, "too many parts"),
        ({"enum": ["x" * 70_000]}, "too long"),
        ({"properties": {"a": {"$ref": "https://example.com/a"}}}, "not in it"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "not in it"),
        ({"properties": {"a": {"$ref": "#anchor"}}}, "not in it"),
        ({"properties": 5}, "not valid"),
    ],
)
def test_a_schema_over_the_bound_is_not_taken_in(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_of(schema)


TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        }
    },
    "$ref": "#/$defs/node",
}


def test_a_tree_may_refer_to_itself() -> None:
    check = check_of(TREE)
    assert check({"children": [{"children": []}]}) is None
    problem = check({"children": [{"children": 5}]})
    assert problem == "children.0.children does not fit the schema's 'type'"


def branching(width: int) -> dict[str, Any]:
    """Every level of a value is looked at `width` times as often as the one above."""
    again = {"properties": {"a": {"$ref": "#"}}, "required": ["b"]}
    return {"anyOf": [again] * width}


def test_a_check_ends_within_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Any = {}
    for _ in range(30):
        deep = {"a": deep}
    began = time.monotonic()
    assert check_of(branching(8))(deep) == "it takes too long to check"
    assert time.monotonic() - began < 30  # without a bound: until the sun is cold
    with pytest.raises(ValidationError, match="takes too long"):
        made({**branching(8), "properties": {"a": {}}}).model_validate(deep)
    monkeypatch.setattr(bounded, "MAX_STEPS", 5)
    assert check_of(TREE)({"children": []}) == "it takes too long to check"


def test_what_is_large_costs_its_size() -> None:
    """A value that fails many times is put into words each time."""
    failing = {"anyOf": [{"type": "integer"}] * 1_000}
    assert check_of(failing)("x" * 1_000_000) == "it takes too long to check"
    many = {f"k{n}": n for n in range(10_000)}
    seldom = {"allOf": [{"additionalProperties": True}] * 500}
    assert check_of(seldom)(many) == "it takes too long to check"
    assert check_of({"type": "object"})(many) is None


def test_what_compares_everything_is_left_out() -> None:
    every = {"uniqueItems": True, "unevaluatedItems": False, "unevaluatedProperties": False}
    assert check_of(every)([1, 1]) is None
    assert check_of(every)({"a": 1}) is None


def test_nesting_that_python_cannot_follow_is_an_answer() -> None:
    deep: Any = {}
    for _ in range(900):
        deep = {"children": [deep]}
    assert check_of(TREE)(deep) == "it is nested too deeply to check"


def test_types_of_every_form_are_read_from_text() -> None:
    arguments = made({"properties": {"a": {"type": ["integer", "null"]}, "b": True, "c": {}}})
    found = arguments.model_validate({"a": "5", "b": "6", "c": "7"})
    assert (found.a, found.b, found.c) == (5, "6", "7")


_names = st.sampled_from(["a", "b", "c"])
_leaves = st.sampled_from(
    [
        *({"type": kind} for kind in ("integer", "string", "object", "array", "null")),
        *({"$ref": f"#/$defs/{name}"} for name in "abc"),
        *({"$ref": "#"}, True, False, {"const": 1}, {"enum": [1, "a", []]}, {"minimum": 2}),
        *({"required": ["a"]}, {"maxItems": 1}, {"uniqueItems": True}, {"pattern": SLOW}),
        *({"$id": "https://example.com/x"}, {"$dynamicRef": "#a"}, {"$anchor": "a"}),
    ]
)
_inner = st.recursive(
    _leaves,
    lambda each: st.one_of(
        st.dictionaries(
            st.sampled_from(["not", "if", "then", "else", "items", "contains", "propertyNames"]),
            each,
            max_size=3,
        ),
        st.dictionaries(
            st.sampled_from(["allOf", "anyOf", "oneOf", "prefixItems"]),
            st.lists(each, min_size=1, max_size=3),
            max_size=2,
        ),
        st.dictionaries(
            st.sampled_from(["properties", "dependentSchemas"]),
            st.dictionaries(_names, each, max_size=3),
            max_size=2,
        ),
        st.fixed_dictionaries({"additionalProperties": each, "unevaluatedProperties": each}),
    ),
    max_leaves=12,
)
_schemas = st.builds(
    lambda top, defs: {**(top if isinstance(top, dict) else {}), "$defs": defs},
    _inner,
    st.fixed_dictionaries({name: _inner for name in "abc"}),
)
_values = st.recursive(
    st.sampled_from([None, 1, 3, "a", "b"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(_names, each, max_size=3),
    max_leaves=10,
)


@given(_schemas, _values)
def test_whatever_is_taken_in_is_checked_as_it_says(schema: dict[str, Any], value: Any) -> None:
    """By the plain validator, where its steps are enough; and nothing is ever raised."""
    try:
        check = check_of(schema)
    except ValueError:
        return
    problem = check(value)
    if problem is None or "does not fit" in problem:
        assert (problem is None) == Draft202012Validator(patternless(schema)).is_valid(value)


async def test_a_server_loses_the_tool_that_is_over_the_bound(
    sqlite_settings: Settings, offline: Any, caplog: pytest.LogCaptureFixture
) -> None:
    costly = {**TOOLS[0], "name": "costly", "inputSchema": doubling("allOf")}
    answering = {**TOOLS[0], "name": "answering", "outputSchema": doubling("allOf")}
    async with faulty_mcp() as faulty:
        faulty.tools += [costly, answering]
        async with desk_with(sqlite_settings, faulty, offline) as desk:
            assert desk.gate.tools["register_complaint"].server is not None
            assert not {"costly", "answering"} & desk.gate.tools.keys()
    assert caplog.text.count("is left out: its schema is too large") == 2


async def test_answers_are_checked_by_us_and_without_expressions(
    sqlite_settings: Settings, offline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's library would search `^(a+)+$` for hours, in everybody's event loop."""
    said = {"complaint_id": {"type": "string", "pattern": SLOW}}
    search, searched = re.search, list[Any]()

    def noted(pattern: Any, *given: Any) -> Any:
        searched.append(pattern)
        return search(pattern, *given)

    monkeypatch.setattr(re, "search", noted)
    given = {"customer_id": "user_001", "description": "late"}
    async with faulty_mcp() as faulty:
        shape = {"type": "object", "properties": said}
        faulty.tools = [{**TOOLS[0], "outputSchema": shape}, TOOLS[1]]
        async with desk_with(sqlite_settings, faulty, offline) as desk:
            done = await call(desk, "register_complaint", description="late")
            assert done.value["complaint_id"] == "C1"
        async with MCPClient(faulty.url) as client:
            assert await client.call_tool("register_complaint", given) == {"complaint_id": "C1"}
    assert SLOW not in searched


async def test_an_answer_that_is_not_as_announced_is_none(
    sqlite_settings: Settings, offline: Any
) -> None:
    async with faulty_mcp() as faulty:
        shape = {"type": "object", "required": ["number"]}
        faulty.tools = [{**TOOLS[0], "outputSchema": shape}]
        async with desk_with(sqlite_settings, faulty, offline) as desk:
            wrong = await call(desk, "register_complaint", description="late")
            assert code(wrong) == "OUTCOME_UNKNOWN"
            assert state(desk) == "available"  # no lost connection


def test_what_a_server_says_under_our_name_for_blocks_is_none() -> None:
    said = CallToolResult(
        content=[TextContent(type="text", text="ok")],
        structured_content={"found": 1, "mcp_content": [{"type": "made up"}]},
    )
    assert content(said) == {"found": 1}
