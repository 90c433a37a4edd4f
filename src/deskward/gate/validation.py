"""A call's arguments against the tool's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from deskward.core.characters import holds_nul
from deskward.core.errors import InvalidInput, problem_of
from deskward.gate.schemas import BOUNDS, out_of_bounds
from deskward.gate.tool import Tool

EXACT = 2**53
"""Beyond it a JSON number with a fraction or an exponent is not exact (RFC 8259, section 6)."""


def validated(tool: Tool, arguments: dict[str, Any], *, strict: bool) -> BaseModel:
    """The arguments as the tool's model.

    Raises:
        InvalidInput: They do not fit; says which and why.
    """
    if holds_nul(arguments):
        raise InvalidInput(f"The arguments of {tool.name} hold a NUL character, which no text has.")
    try:
        return _validate(tool, arguments, strict)
    except ValidationError as error:
        raise _invalid(error, tool) from None
    except PydanticSerializationError:
        raise InvalidInput(
            f"The arguments of {tool.name} hold half of a surrogate pair, which no text has."
        ) from None


def require_in_bounds(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """See that policies can hold all numbers of valid arguments.

    Raises:
        InvalidInput: They cannot; says which, and the bounds.
    """
    found = out_of_bounds(dict(arguments))
    if found is None:
        return
    place, kind = found
    least, most = BOUNDS[kind]
    field, said = ".".join(place), f"a number from {least} to {most} is wanted"
    raise InvalidInput(
        f"The arguments of {tool.name} are not valid. {field}: {said}.",
        details={"fields": [{"field": field, "problem": said}]},
    )


def _validate(tool: Tool, arguments: dict[str, Any], strict: bool) -> BaseModel:
    if not strict:
        return tool.arguments.model_validate(arguments)
    # Through JSON, so that strictness is JSON's (a date is text there) and not Python's.
    exposed = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else _whole(value)
        for name, value in arguments.items()
    }
    return tool.arguments.model_validate_json(to_json(exposed), strict=True)


def _whole(value: Any) -> Any:
    """The value with 5.0 as 5: an integer in JSON Schema (Core 2020-12, 4.2.3), not in Python."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    if isinstance(value, dict):
        return {name: _whole(part) for name, part in value.items()}
    return [_whole(part) for part in value] if isinstance(value, list) else value


def _invalid(error: ValidationError, tool: Tool) -> InvalidInput:
    """What is wrong with each field, without the values, which may be secret."""
    problems = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        example = _example(tool.input_schema(), problem["loc"])
        said = problem_of(problem["type"], problem["msg"], example)
        problems.append({"field": ".".join(map(str, problem["loc"])) or "(all)", "problem": said})
    first = problems[0]
    return InvalidInput(
        f"The arguments of {tool.name} are not valid. {first['field']}: {first['problem']}.",
        details={"fields": problems},
    )


def _example(schema: Mapping[str, Any], place: Sequence[int | str]) -> Any:
    """The example that a schema has for what is at a place in its value."""
    at: Mapping[str, Any] = schema
    for step in place:
        several = [at, *at.get("anyOf", ())]
        inner = (one.get("properties", {}).get(step) or one.get("items") for one in several)
        at = next((one for one in inner if isinstance(one, dict)), {})
    several = [at, *at.get("anyOf", ())]
    return next((one["examples"][0] for one in several if one.get("examples")), None)
