"""How large a request's body may be, so that everything fits that a schema allows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from deskward.gate.tool import Tool

USUAL = 1024 * 1024
"""Largest request body, in bytes, where the schema does not need more."""
LARGEST = 4 * USUAL
"""Largest body of any tool call."""

ESCAPED = 12
r"""Bytes of a character in JSON at the most: a pair of surrogates, `\ud83d\ude00`."""


def body_limits(tools: Iterable[Tool], at_once: str) -> dict[str, int]:
    """Return the addresses whose bodies may be larger than usual, and how large.

    Args:
        tools: All tools.
        at_once: The address where all tools are called.
    """
    limits: dict[str, int] = {}
    for tool in tools:
        needed = _largest(tool.input_schema())
        if math.isfinite(needed) and needed > USUAL:
            limits |= {path: min(int(needed), LARGEST) for _, path in tool.addresses}
    return limits | {at_once: max([USUAL, *limits.values()])}


def _largest(schema: dict[str, Any]) -> float:
    """Return the most bytes that a value of a schema has in JSON; infinity where it says nothing.

    What a schema leaves open is bounded by the usual limit.
    """
    if "enum" in schema or "const" in schema:
        return 1000
    if "anyOf" in schema:
        return max(map(_largest, schema["anyOf"]))
    kind = schema.get("type")
    if kind == "string":
        return float(ESCAPED * schema.get("maxLength", 1000) + 2)
    if kind == "array":
        count = float(schema.get("maxItems", math.inf))
        return count * (_largest(schema.get("items", {})) + 2)
    if kind == "object":
        named = schema.get("properties", {}).items()
        return 2 + sum(len(name) + 6 + _largest(part) for name, part in named)
    return 40
