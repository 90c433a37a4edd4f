"""What a JSON Schema has to say beyond what types say."""

from __future__ import annotations

from typing import Any


def not_all_null(schema: dict[str, Any]) -> None:
    """Say of an object that at least one property has to be there, and not be null."""
    schema["anyOf"] = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
        for name in schema["properties"]
    ]
