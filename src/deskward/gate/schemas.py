"""JSON Schemas, taken apart and put together."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

JsonSchema = dict[str, Any]
BOUNDS: Mapping[str, tuple[int, int]] = {
    "integer": (-(2**63), 2**63 - 1),
    "number": (-922_337_203_685_477, 922_337_203_685_477),
}
"""Type → the least and the greatest value that Cedar can hold: its Long, and its decimal."""


def inline_refs(schema: JsonSchema) -> JsonSchema:
    """The schema with every `$ref` replaced by what it names.

    Raises:
        TypeError: The schema refers to itself, which cannot be inlined.
    """
    definitions = schema.get("$defs", {})

    def walk(node: Any, open_refs: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [walk(item, open_refs) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name in open_refs:
                raise TypeError(f"the schema of {name} refers to itself")
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return {**walk(definitions[name], (*open_refs, name)), **rest}
        return {key: walk(value, open_refs) for key, value in node.items() if key != "$defs"}

    inlined: JsonSchema = walk(copy.deepcopy(schema), ())
    return inlined


def with_bounds(schema: JsonSchema) -> JsonSchema:
    """The schema in which every number says between which values it has to be.

    Policies can hold no others (`validation.py` refuses them).
    """

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        found = {key: walk(value) for key, value in node.items()}
        kind = node.get("type")  # a property may be called so
        if isinstance(kind, str) and kind in BOUNDS and not node.keys() & {"enum", "const"}:
            least, most = BOUNDS[kind]
            if "exclusiveMinimum" not in node:
                found["minimum"] = max(node.get("minimum", least), least)
            if "exclusiveMaximum" not in node:
                found["maximum"] = min(node.get("maximum", most), most)
        return found

    bounded: JsonSchema = walk(schema)
    return bounded


def out_of_bounds(value: Any, place: tuple[str, ...] = ()) -> tuple[tuple[str, ...], str] | None:
    """Where a number in a value is beyond its bounds, and of which type it is; None for nowhere."""
    if isinstance(value, dict):
        parts = ((str(name), part) for name, part in value.items())
    elif isinstance(value, list):
        parts = ((str(number), part) for number, part in enumerate(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        kind = "integer" if isinstance(value, int) else "number"
        least, most = BOUNDS[kind]
        return None if least <= value <= most else (place, kind)
    else:
        return None
    found = (out_of_bounds(part, (*place, name)) for name, part in parts)
    return next((one for one in found if one is not None), None)


def gives_object(adapter: TypeAdapter[Any]) -> bool:
    """Whether all values of a type are objects in JSON.

    That is looked up in what pydantic checks by; to make the JSON Schemas of all answers took a
    seventh of the time in which a desk is loaded.
    """
    form: Any = adapter.core_schema
    while form["type"] == "definitions" or form["type"].startswith("function-"):
        form = form["schema"]
    if form["type"] == "definition-ref":
        named = adapter.core_schema.get("definitions", ())
        form = next(one for one in named if one["ref"] == form["schema_ref"])
    if form["type"] == "model" and form.get("root_model"):
        form = form["schema"]
    return form["type"] in {"model", "typed-dict", "dataclass", "dict"}


def without(schema: JsonSchema, names: frozenset[str]) -> JsonSchema:
    """The schema of an object without some of its properties."""
    properties = {k: v for k, v in schema.get("properties", {}).items() if k not in names}
    required = [name for name in schema.get("required", []) if name not in names]
    trimmed = {**schema, "properties": properties, "required": required}
    if not required:
        del trimmed["required"]
    return trimmed


def holds_secret(schema: Any) -> bool:
    """Whether the value that a JSON Schema describes is, or may hold, a secret."""
    if isinstance(schema, dict):
        return schema.get("format") == "password" or any(map(holds_secret, schema.values()))
    return isinstance(schema, list) and any(map(holds_secret, schema))
