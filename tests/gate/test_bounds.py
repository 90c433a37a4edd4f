"""Numbers that no policy can hold are refused as wrong, and every schema says which can be."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.app import Desk
from deskward.gate.context import Context
from deskward.gate.schemas import BOUNDS, out_of_bounds, with_bounds
from tests.conftest import STAFF

LONG, DECIMAL = 2**63, 922_337_203_685_478.0


def numbers(schema: Any) -> list[dict[str, Any]]:
    """All parts of a schema that are numbers."""
    if isinstance(schema, list):
        return [one for part in schema for one in numbers(part)]
    if not isinstance(schema, dict):
        return []
    here = [schema] if schema.get("type") in ("integer", "number") else []
    return here + [one for part in schema.values() for one in numbers(part)]


async def test_every_number_of_every_tool_says_its_bounds(sqlite_desk: Desk) -> None:
    found = 0
    for tool in sqlite_desk.gate.tools.values():
        for one in numbers(tool.input_schema()):
            if one.keys() & {"enum", "const"}:
                continue
            least, most = BOUNDS[one["type"]]
            assert least <= one.get("minimum", one.get("exclusiveMinimum", -(2**64))), tool.name
            assert most >= one.get("maximum", one.get("exclusiveMaximum", 2**64)), tool.name
            found += 1
    assert found > 50


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        (
            "evaluate_escalation_criteria",
            {"ticket_data": {"revenue": DECIMAL}},
            "ticket_data.revenue",
        ),
        (
            "route_to_specialist",
            {
                "ticket_id": "T1001",
                "specialist_type": "network",
                "priority_level": 1,
                "customer_context": {"revenue": 1e16},
            },
            "customer_context.revenue",
        ),
        ("mark_spam", {"ticket_id": "T1001", "revision": LONG}, "revision"),
        ("split_ticket", {"ticket_id": "T1", "subject": "A", "messages": [2, LONG]}, "messages.1"),
        (
            "set_customer_product",
            {
                "customer_id": "user_001",
                "product_name": "Acme",
                "configuration": {"a": [{"b": -LONG - 1}]},
            },
            "configuration.a.0.b",
        ),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
async def test_what_no_policy_can_hold_is_no_valid_input(
    sqlite_desk: Desk, tool: str, arguments: dict[str, Any], field: str, strict: bool
) -> None:
    context = Context(STAFF, "cli")
    outcome = await sqlite_desk.gate.call(tool, arguments, context, strict=strict)
    error = outcome.value["error"]
    assert error["code"] == "INVALID_INPUT"
    assert error["details"]["fields"][0]["field"] == field


def test_what_is_within_them_is_none_of_these() -> None:
    assert out_of_bounds({"a": [1, True, 2**63 - 1, -(2**63), 9e14, None, "1e99"]}) is None
    assert out_of_bounds({"a": [1, {"b": float("nan")}]}) == (("a", "1", "b"), "number")
    assert with_bounds({"properties": {"type": {"type": "integer", "minimum": 1}}}) == {
        "properties": {"type": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}}
    }
    assert with_bounds({"type": "number", "exclusiveMinimum": 0, "maximum": 1e15}) == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 922_337_203_685_477,
    }
