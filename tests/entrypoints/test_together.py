"""Arguments that go together or not: what the document allows is taken, of every tool.

Schemathesis finds such pairs by chance. Here each tool is called with what it needs alone, with all
that it can have, with each of it, and with each two; and the same within each of its arguments.
What is asked in an address alone has no pairs: no document can say that two do not go together.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from deskward.app import Desk
from deskward.core.errors import InvalidInput, Unfit
from deskward.entrypoints.openapi import ANY_JSON, example_of, tool_paths
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from tests.policies import policy_of

EVERYBODY = Principal(
    Kind.STAFF, "anna", "default", ("support", "support-2", "support-3", "administrator")
)
PERMIT = '@id("all") permit (principal, action, resource);'


@pytest.mark.slow
async def test_what_the_document_allows_together_is_taken(sqlite_desk: Desk) -> None:
    gate = sqlite_desk.gate
    gate.policy = policy_of(PERMIT, gate.tools.values())
    refused: dict[tuple[str, str], Any] = {}
    calls = outside = 0
    for tool in list(gate.tools.values()):
        if not tool.offered:
            continue
        operation = tool_paths([tool], is_open=False)[tool.path][tool.method.lower()]
        whole = described(operation)
        judge = jsonschema.Draft202012Validator(
            {**whole, "components": {"schemas": {"AnyJson": ANY_JSON}}}
        )
        for arguments in forms(whole, 2 if "requestBody" in operation else 1):
            if not judge.is_valid(arguments):
                outside += 1
                continue
            calls += 1
            outcome = await gate.call(tool.name, arguments, Context(EVERYBODY, "cli"))
            error = outcome.error
            if isinstance(error, InvalidInput) and not isinstance(error, Unfit):
                refused.setdefault((tool.name, error.message), arguments)
    assert not refused, "\n".join(f"{of}: {arguments}" for of, arguments in refused.items())
    assert calls > 1_000
    assert outside > 20


def described(operation: dict[str, Any]) -> dict[str, Any]:
    """One schema of all that an address takes."""
    named = [one for one in operation["parameters"] if one["in"] != "header"]
    whole: dict[str, Any] = {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in named},
        "required": [one["name"] for one in named if one["required"]],
    }
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        whole["properties"] |= body["properties"]
        whole["required"] += body.get("required", [])
        whole["allOf"] = [{k: v for k, v in body.items() if k != "additionalProperties"}]
    return whole


def forms(schema: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """Values of an object's schema: with up to so many of what can be left out, and with all."""
    properties, needed = schema["properties"], schema.get("required", [])
    least = {name: example_of(properties[name]) for name in needed}
    more = {name: example_of(one) for name, one in properties.items() if name not in needed}
    several = [one for count in range(most + 1) for one in itertools.combinations(more, count)]
    for names in {*several, tuple(more)}:
        yield {**least, **{name: more[name] for name in names}}
    for name, one in properties.items():
        kinds = [one, *one.get("anyOf", ())]
        inner = next((kind for kind in kinds if kind.get("properties")), None)
        if inner is not None:
            yield from ({**least, name: value} for value in forms(inner, most))
