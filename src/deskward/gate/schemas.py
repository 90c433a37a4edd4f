"""JSON Schemas, taken apart and put together."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import TypeAdapter

JsonSchema = dict[str, Any]


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
