"""A foreign JSON Schema without its regular expressions.

Whoever writes a regular expression can have it searched for hours (CWE-1333): of `^(a+)+$` thirty
letters are enough, and Python cannot stop it. So no expression of an outside server is run here; it
checks its arguments itself.
"""

from __future__ import annotations

from typing import Any

_NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by name; a name can be that of a keyword."""
_VALUES = frozenset({"const", "enum", "default", "examples", "required", "dependentRequired"})
"""Keywords that hold values and no schemas."""
_LEFT_OUT = frozenset({"pattern", "patternProperties", "format"})


def patternless(schema: Any) -> Any:
    """The schema without what needs a regular expression.

    Where names could be told only by one, further properties are not refused.
    """
    drop = set(_LEFT_OUT)
    if _has_pattern_properties(schema):
        drop |= {"additionalProperties", "unevaluatedProperties"}
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
        if word in _NAMED and isinstance(part, dict):
            found[word] = {name: _without(each, drop) for name, each in part.items()}
        else:
            found[word] = part if word in _VALUES else _without(part, drop)
    return found
