"""The Cedar schema that follows from the tools, so that a misspelt attribute is found early.

What a JSON Schema allows and Cedar cannot express (alternatives, open objects) is left out: a
policy that names it does not pass the check.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import cedarpy

from deskward.gate.counters import WHOSE
from deskward.gate.policy.engine import Policy
from deskward.gate.tool import Tool
from deskward.security.principals import Kind

CedarType = dict[str, Any]

_STRING: CedarType = {"type": "String"}
_LONG: CedarType = {"type": "Long"}
_BOOL: CedarType = {"type": "Boolean"}
_DECIMAL: CedarType = {"type": "Extension", "name": "decimal"}
_SIMPLE = {"string": _STRING, "integer": _LONG, "boolean": _BOOL, "number": _DECIMAL}
_PYTHON: dict[Any, CedarType] = {
    str: _STRING,
    int: _LONG,
    bool: _BOOL,
    float: _DECIMAL,
    list[str]: {"type": "Set", "element": _STRING},
}

_FACTS = {
    "unattended": _BOOL,
    "confirmed": _BOOL,
    "unsure": _BOOL,
    "door": _STRING,
    "taint": {"type": "Set", "element": _STRING},
    "tainted": _BOOL,
    "own_words": _BOOL,
    "about": {**_STRING, "required": False},
    "about_known": _BOOL,
    "confidence": {**_DECIMAL, "required": False},
    "doubts": {"type": "Set", "element": _STRING},
    "autonomy": _LONG,
    "queue": {**_STRING, "required": False},
    "product": {**_STRING, "required": False},
    "weekday": _LONG,
    "minute": _LONG,
}
_PRINCIPAL = {
    "id": _STRING,
    "tenant": _STRING,
    "tier": _LONG,
    "proof": _LONG,
    "agent": {**_STRING, "required": False},
    "via": {**_STRING, "required": False},
}


_DONE: CedarType = {"type": "Record", "attributes": {"count": _LONG, "amount": _LONG}}
_TODAY: CedarType = {"type": "Record", "attributes": dict.fromkeys(WHOSE, _DONE)}


@dataclass(frozen=True)
class Problem:
    """What is wrong with a policy."""

    policy: str
    problem: str


def check(policy: Policy, tools: Iterable[Tool]) -> list[Problem]:
    """What Cedar's validator finds wrong with policies over these tools; nothing is best.

    It finds unknown actions and attributes, wrong types, attributes that may be missing and are
    read without `has`, and policies that can never apply.
    """
    found = []
    # Read once: that takes longer than to look at a policy.
    known = cedarpy.Schema.from_json_str(json.dumps(schema(tools, policy.roles.all_scopes)))
    for name in policy.policies:
        # One by one, because the validator names policies by their place.
        result = cedarpy.validate_policies(policy.written(name), known)
        found += [Problem(name, _plain(error.error)) for error in result.errors]
    return found


def schema(tools: Iterable[Tool], scopes: Iterable[str] = ()) -> dict[str, Any]:
    """The schema in Cedar's JSON form (https://docs.cedarpolicy.com/schema/json-schema.html).

    Args:
        scopes: Further scopes, of tools that are not here, such as those of outside servers.
    """
    kinds = [kind.value.capitalize() for kind in Kind]
    actions: dict[str, Any] = {}
    tools = list(tools)
    for scope in set(scopes) - {tool.scope for tool in tools}:
        actions[scope] = {}
        actions[f"a tool of {scope}"] = _action(kinds, [scope], {**_FACTS, "args": _record({})})
    for tool in tools:
        groups = [tool.scope, f"risk:{tool.risk.value}"]
        for group in groups:
            actions.setdefault(group, {})
        actions[tool.name] = _action(kinds, groups, _context(tool))
    principal = {"memberOfTypes": ["Role"], "shape": _record(_PRINCIPAL)}
    return {
        "": {
            "entityTypes": {**dict.fromkeys(kinds, principal), "Role": {}, "Tenant": {}},
            "actions": actions,
        }
    }


def _action(kinds: list[str], groups: list[str], context: Mapping[str, CedarType]) -> Any:
    return {
        "memberOf": [{"id": group} for group in groups],
        "appliesTo": {
            "principalTypes": kinds,
            "resourceTypes": ["Tenant"],
            "context": _record(context),
        },
    }


def _context(tool: Tool) -> dict[str, CedarType]:
    arguments = {
        name: part
        for name, part in _properties(tool.input_schema()).items()
        if name not in tool.secret
    }
    context = {**_FACTS, "args": _record(arguments)}
    if tool.counted:
        context["today"] = _TODAY
    if tool.facts is not None:
        context["record"] = _record(_facts_of(tool))
    return context


def _facts_of(tool: Tool) -> dict[str, CedarType]:
    """What the tool's facts are, as the `TypedDict` that they are declared to be says."""
    declared: Any = get_type_hints(tool.facts).get("return")
    if not typing.is_typeddict(declared):
        return {}
    found = {}
    for name, annotation in get_type_hints(declared).items():
        cedar = _PYTHON.get(annotation)
        if cedar is not None:
            found[name] = {**cedar, "required": name in declared.__required_keys__}
    return found


def _properties(node: Mapping[str, Any]) -> dict[str, CedarType]:
    required = set(node.get("required", ()))
    found = {}
    for name, part in node.get("properties", {}).items():
        cedar, may_be_null = _type(part)
        if cedar is not None:
            given = name in required or part.get("default") is not None
            found[name] = {**cedar, "required": given and not may_be_null}
    return found


def _type(node: Mapping[str, Any]) -> tuple[CedarType | None, bool]:
    """The Cedar type of a JSON Schema, None where there is none, and whether it can be null."""
    if "anyOf" in node and "type" not in node:
        parts = [part for part in node["anyOf"] if part.get("type") != "null"]
        cedar = _type(parts[0])[0] if len(parts) == 1 else None
        return cedar, len(parts) < len(node["anyOf"])
    kind = node.get("type") or ("string" if "enum" in node else None)
    if kind == "array":
        element, _ = _type(node.get("items", {}))
        return ({"type": "Set", "element": element} if element else None), False
    if kind == "object":
        return _record(_properties(node)), False
    return _SIMPLE.get(str(kind)), False


def _record(attributes: Mapping[str, CedarType]) -> CedarType:
    return {"type": "Record", "attributes": dict(attributes)}


def _plain(message: str) -> str:
    """Without the place that the validator calls a policy by."""
    return message.removeprefix("for policy `policy0`, ")
