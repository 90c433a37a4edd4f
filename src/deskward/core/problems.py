"""What is wrong with a record of a file, in words for whoever has made the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

MOST = 5
"""How many problems of one record are told; most have one."""
SHOWN = 40
"""Characters of a wrong value that are shown."""

_BRANCHES = frozenset({"str", "float", "int", "bool", "[key]"})
"""What stands in a place of pydantic's for one of several forms, and is no name of the file's."""
_FORMS = {
    "string": "a text",
    "list": 'a list, such as ["a", "b"]',
    "dict": 'an object, such as {"name": "value"}',
    "model": 'an object, such as {"name": "value"}',
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "datetime": "a moment with its offset from UTC, such as 2026-01-31T12:00:00Z",
    "timezone": "a moment with its offset from UTC, such as 2026-01-31T12:00:00Z",
}
"""How pydantic's names of problems with a form begin → the form that is wanted."""


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    called: Callable[[str], str] | None = None,
) -> str:
    """What is wrong with each column or field, and what to do.

    Args:
        model: What the record was to be.
        called: A field's name → the column of a table, in which entries are counted from 1; where
            it is left out a place is told as in JSON.
    """
    schema = model.model_json_schema()
    told: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        place = [part for part in problem["loc"] if part not in _BRANCHES]
        where = ".".join(map(str, _in_table(place, called) if called else place))
        told.setdefault(where, _sentence(problem, _schema_at(schema, place)))
    parts = [f"{where}: {said}" if where else said for where, said in list(told.items())[:MOST]]
    return " ".join(parts)


def _in_table(place: Sequence[int | str], called: Callable[[str], str]) -> Sequence[int | str]:
    """A place in a record as people count: the first entry of a list is its number 1."""
    return [part + 1 if isinstance(part, int) else called(part) for part in place]


def _sentence(problem: ErrorDetails, schema: Mapping[str, Any]) -> str:
    kind, given, limits = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "missing":
        return "It is missing, and every record needs it."
    if kind == "extra_forbidden":
        return "There is no such field. Leave it out, or mend its name."
    if kind.endswith("too_long"):
        most = limits["max_length"]
        what = "characters" if isinstance(given, str) else "entries"
        return f"It has {len(given):,} {what}, and {most:,} are the most. Shorten it."
    if kind.endswith("too_short"):
        if not given:
            return "It is empty. Give it a value, or leave it out."
        return f"It is shorter than {limits['min_length']} characters. Write it in full."
    if kind in ("literal_error", "enum"):
        return f"It is one of {limits['expected']}, and not {_shown(given)}."
    if kind == "string_pattern_mismatch":
        if isinstance(given, str) and (not given.strip() or not given.isprintable()):
            return "It is one line with at least a letter: no line breaks or control characters."
        return f"{_shown(given)} is not of the form that is wanted{_such_as(schema)}."
    if kind == "value_error":
        return f"{problem['msg'].removeprefix('Value error, ').rstrip('.')}."
    if kind == "string_unicode":
        return "It holds half of a surrogate pair, which is no unicode text."
    form = next((form for name, form in _FORMS.items() if kind.startswith(name)), None)
    if form is not None:
        return f"It is to be {form}, and not {_shown(given)}."
    return f"{problem['msg'].rstrip('.')}."


def _shown(given: object) -> str:
    """A value as the file has it, or its beginning."""
    said = json.dumps(given, ensure_ascii=False, default=str)
    return said if len(said) <= SHOWN else f"{said[:SHOWN]}…"


def _such_as(schema: Mapping[str, Any]) -> str:
    several = [schema, *schema.get("anyOf", ())]
    examples = [one["examples"][0] for one in several if one.get("examples")]
    return f", which is that of {_shown(examples[0])}" if examples else ""


def _schema_at(schema: Mapping[str, Any], place: Sequence[int | str]) -> Mapping[str, Any]:
    """The part of a JSON Schema that is about a place in a record."""
    at: Mapping[str, Any] = schema
    for step in place:
        inner: list[Any] = []
        for one in (at, *at.get("anyOf", ())):
            named = _opened(one, schema)
            inner += [named.get("properties", {}).get(step), named.get("items")]
        at = next((one for one in inner if isinstance(one, dict)), {})
    return _opened(at, schema)


def _opened(one: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference in a schema stands for."""
    name = str(one.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = schema.get("$defs", {}).get(name, one)
    return found
