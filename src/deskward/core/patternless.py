"""A foreign JSON Schema without its regular expressions, and what else can be costly.

Whoever writes a regular expression can have it searched for hours (CWE-1333): of `^(a+)+$` thirty
letters are enough, and Python cannot stop it. So no expression of an outside server is run here; it
checks its arguments itself. Nor is what compares each part with each other one, or looks again at
what was looked at; and whatever would give a `$ref` another meaning than its place in the schema.
"""

from __future__ import annotations

from typing import Any

NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by name; a name can be that of a keyword."""
VALUES = frozenset({"const", "enum", "default", "examples", "required", "dependentRequired"})
"""Keywords that hold values and no schemas."""
_LEFT_OUT = frozenset(
    {
        *("pattern", "patternProperties", "format"),
        *("uniqueItems", "unevaluatedProperties", "unevaluatedItems"),
        *("$schema", "$vocabulary", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef"),
    }
)


def patternless(schema: Any) -> Any:
    """The schema without what needs a regular expression, or costs much.

    Where names could be told only by one, further properties are not refused.
    """
    drop = set(_LEFT_OUT)
    if _has_pattern_properties(schema):
        drop.add("additionalProperties")
    return _without(schema, drop)


def _has_pattern_properties(part: Any) -> bool:
    if isinstance(part, dict):
        return "patternProperties" in part or any(map(_has_pattern_properties, part.values()))
    return isinstance(part, list) and any(map(_has_pattern_properties, part))


def _without(schema: Any, drop: set[str]) -> Any:
    if isinstance(schema, list):
        return [_without(part, drop) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for word, part in schema.items():
        if word in drop:
            continue
        if word in NAMED and isinstance(part, dict):
            found[word] = {name: _without(each, drop) for name, each in part.items()}
        else:
            found[word] = part if word in VALUES else _without(part, drop)
    return found
