"""What a JSON Schema has to say beyond what types say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any


def not_all_null(*but: str, nullable: Collection[str] = ()) -> Callable[[dict[str, Any]], None]:
    """Says of an object that at least one property has to be there, and not be null.

    Args:
        but: Those that do not count.
        nullable: Those of which a null says something.
    """

    def add(schema: dict[str, Any]) -> None:
        schema["anyOf"] = [
            {"required": [name]}
            if name in nullable
            else {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
            for name in schema["properties"]
            if name not in but
        ]

    return add


def one_of_two(first: str, other: str) -> Callable[[dict[str, Any]], None]:
    """Says of an object that two properties are not both there, unless one is null."""

    def add(schema: dict[str, Any]) -> None:
        given = {name: {"not": {"type": "null"}} for name in (first, other)}
        schema["not"] = {"required": [first, other], "properties": given}

    return add


def only_with(first: str, other: str) -> Callable[[dict[str, Any]], None]:
    """Says of an object that a property is there only with another one, unless it is null."""

    def add(schema: dict[str, Any]) -> None:
        given = {"not": {"type": "null"}}
        both = {"required": [first, other], "properties": {other: given}}
        none = {"properties": {first: {"type": "null"}}}
        schema.setdefault("allOf", []).append({"anyOf": [none, both]})

    return add


def some_given(*but: str) -> Callable[[dict[str, Any]], None]:
    """Says of an object that at least one property has to be there; null is a value.

    Args:
        but: Those that do not count.
    """

    def add(schema: dict[str, Any]) -> None:
        schema["anyOf"] = [{"required": [n]} for n in schema["properties"] if n not in but]

    return add


def one_given(*names: str) -> dict[str, Any]:
    """Says of an object that exactly one of some properties is there and not null."""
    given = {"not": {"type": "null"}}
    return {"oneOf": [{"required": [name], "properties": {name: given}} for name in names]}
