"""Tools: what is made of a function, and which functions are refused."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, SecretStr
from pydantic_core import from_json

from deskward.app import Desk
from deskward.core.errors import InvalidInput
from deskward.gate.context import Context
from deskward.gate.schemas import inline_refs
from deskward.gate.tool import OwnCustomerId, Risk, Tool, ToolGroup
from deskward.gate.validation import validated
from tests.conftest import CUSTOMER, STAFF


class Inner(BaseModel):
    size: int


class Answer(BaseModel):
    inner: Inner
    others: list[Inner]


class WithSecret(BaseModel):
    password: SecretStr


def declare(function, rest: str = "POST /things/{thing}", risk: Risk = Risk.WRITE) -> Tool:
    group = ToolGroup("things")
    group.tool(scope="things:write", risk=risk, rest=rest)(function)
    return group.tools[0]


async def make_thing(
    ctx: Context,
    thing: str,
    owner: OwnCustomerId,
    inner: Inner,
    secret: SecretStr,
    count: Annotated[int, Field(ge=1)] = 3,
) -> Answer:
    """Make a thing.

    It is made at once.

    Args:
        thing: What to call it.
        count: How many.
    """
    return Answer(inner=inner, others=[inner] * count)


async def hidden_thing(ctx: Context, thing: str) -> Answer:
    """Hide a thing."""
    raise AssertionError


def test_a_tool_says_all_that_its_function_says() -> None:
    tool = declare(make_thing)
    assert tool.name == "make_thing"
    assert tool.description == "Make a thing. It is made at once."
    assert (tool.method, tool.path) == ("POST", "/things/{thing}")
    assert tool.bound == {"owner"}
    assert tool.secret == {"secret"}
    schema = tool.input_schema()
    assert schema["required"] == ["thing", "owner", "inner", "secret"]
    assert schema["properties"]["thing"]["description"] == "What to call it."
    assert schema["properties"]["count"] == {
        "default": 3,
        "description": "How many.",
        "minimum": 1,
        "maximum": 2**63 - 1,
        "title": "Count",
        "type": "integer",
    }
    assert schema["properties"]["secret"]["writeOnly"] is True
    assert schema["additionalProperties"] is False


def test_refs_are_inlined_in_and_out() -> None:
    tool = declare(make_thing)
    assert "$ref" not in str(tool.input_schema()) + str(tool.output_schema)
    assert "$defs" not in str(tool.input_schema()) + str(tool.output_schema)
    assert tool.output_schema["properties"]["others"]["items"]["properties"]["size"]


def test_bound_parameters_are_left_out_for_customers_only() -> None:
    tool = declare(make_thing)
    assert "owner" not in tool.input_schema(CUSTOMER)["properties"]
    assert "owner" not in tool.input_schema(CUSTOMER)["required"]
    assert "owner" in tool.input_schema(STAFF)["properties"]


@pytest.mark.parametrize(
    ("risk", "read_only", "destructive", "idempotent", "open_world"),
    [
        (Risk.READ, True, False, True, False),
        (Risk.WRITE, False, False, False, False),
        (Risk.DESTRUCTIVE, False, True, False, False),
        (Risk.OUTSIDE, False, True, False, True),
    ],
)
def test_annotations_follow_from_the_risk(
    risk, read_only, destructive, idempotent, open_world
) -> None:
    assert risk.annotations == {
        "readOnlyHint": read_only,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": open_world,
    }


async def no_docstring(ctx: Context, thing: str) -> Answer:
    raise AssertionError


async def no_context(thing: str) -> Answer:
    """Do."""
    raise AssertionError


async def no_result(ctx: Context, thing: str):
    """Do."""


async def no_type(ctx: Context, thing) -> Answer:
    """Do."""
    raise AssertionError


def not_async(ctx: Context, thing: str) -> Answer:
    """Do."""
    raise AssertionError


async def not_an_object(ctx: Context, thing: str) -> list[str]:
    """Do."""
    raise AssertionError


async def hidden_secret(ctx: Context, thing: str, inside: WithSecret) -> Answer:
    """Do."""
    raise AssertionError


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (no_docstring, "needs a docstring"),
        (no_context, "first parameter"),
        (no_result, "needs a type"),
        (no_type, "needs a type"),
        (not_async, "async function"),
        (not_an_object, "must return an object"),
        (hidden_secret, "SecretStr must be a parameter"),
    ],
)
def test_a_function_that_is_no_tool_is_refused(function, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        declare(function)


@pytest.mark.parametrize(
    ("rest", "problem"), [("FETCH /x", "not of the form"), ("GET /x/{y}", "does not take")]
)
def test_an_address_that_cannot_be_is_refused(rest: str, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        declare(make_thing, rest=rest)


def test_a_tool_can_have_further_addresses() -> None:
    group = ToolGroup("things")
    declared = group.tool(
        scope="things:write", risk=Risk.WRITE, rest="PUT /things", also=("POST /things/{thing}",)
    )
    declared(make_thing)
    assert group.tools[0].addresses == (("PUT", "/things"), ("POST", "/things/{thing}"))
    wrong = group.tool(scope="things:write", risk=Risk.WRITE, rest="PUT /x", also=("POST /{y}",))
    with pytest.raises(TypeError, match="does not take"):
        wrong(make_thing)


def test_a_schema_that_holds_itself_is_refused() -> None:
    schema = {
        "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}},
        "$ref": "#/$defs/Node",
    }
    with pytest.raises(TypeError, match="refers to itself"):
        inline_refs(schema)


async def test_two_tools_of_one_name_or_address_are_refused(sqlite_desk: Desk) -> None:
    gate = sqlite_desk.gate
    with pytest.raises(ValueError, match="two tools"):
        type(gate)(
            [declare(make_thing), declare(make_thing)],
            database=sqlite_desk.database,
            policy=gate.policy,
            key=b"k",
        )
    group = ToolGroup("things")
    group.tool(
        scope="things:write", risk=Risk.WRITE, rest="POST /more", also=("PATCH /tickets/{thing}",)
    )(make_thing)
    group.tool(scope="things:write", risk=Risk.WRITE, rest="PATCH /tickets/{thing}")(hidden_thing)
    with pytest.raises(ValueError, match="two tools"):
        type(gate)(group.tools, database=sqlite_desk.database, policy=gate.policy, key=b"k")


@pytest.mark.parametrize(
    ("count", "taken"), [("5", 5), ("5.0", 5), ("5.5", None), ('"5"', None), ("1e300", None)]
)
def test_an_integer_is_what_json_schema_calls_one(count: str, taken: int | None) -> None:
    given = from_json(
        f'{{"thing":"a","owner":"b","inner":{{"size":2.0}},"secret":"c","count":{count}}}'
    )
    if taken is None:
        with pytest.raises(InvalidInput):
            validated(declare(make_thing), given, strict=True)
    else:
        model = validated(declare(make_thing), given, strict=True).model_dump()
        assert (model["count"], model["inner"]) == (taken, {"size": 2})
