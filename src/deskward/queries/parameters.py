"""The values of a registered query: of the declared types, or refused."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from deskward.core.errors import Unfit
from deskward.queries.functions import Dialect
from deskward.queries.models import Kind, Parameter
from deskward.queries.relations import mark

_LARGEST = 2**63 - 1
_CASTS: dict[Kind, str] = {
    "text": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamptz",
}


def marks(declared: Iterable[Parameter], first: int, dialect: Dialect) -> dict[str, str]:
    """Name → what stands for it in the statement.

    Args:
        first: The number of the first one's value.
    """
    found = {}
    for number, parameter in enumerate(declared, first):
        place = mark(number, dialect)
        if dialect == "postgresql":
            place = f"CAST({place} AS {_CASTS[parameter.type]})"
        found[parameter.name] = place
    return found


def values(
    declared: Iterable[Parameter], given: Mapping[str, Any], dialect: Dialect
) -> tuple[Any, ...]:
    """The values that are put in, in the order of the declarations.

    Raises:
        Unfit: One is missing, is not of its type, or is not declared.
    """
    declared = list(declared)
    known = {parameter.name for parameter in declared}
    if unknown := sorted(set(given) - known):
        named = ", ".join(sorted(known)) or "none"
        raise Unfit(f"There is no parameter {unknown[0]!r}. There are: {named}.")
    return tuple(_value(parameter, given.get(parameter.name), dialect) for parameter in declared)


def _value(parameter: Parameter, given: Any, dialect: Dialect) -> Any:
    if given is None:
        if parameter.required:
            raise Unfit(f"Say `{parameter.name}`, of the type {parameter.type}.")
        return None
    try:
        value = _READ[parameter.type](given)
    except (ValueError, TypeError, OverflowError):
        raise Unfit(f"`{parameter.name}` is to be of the type {parameter.type}.") from None
    if dialect == "sqlite" and isinstance(value, date):
        # As the desk keeps moments in SQLite, so that they compare.
        return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else str(value)
    return value


def _text(given: Any) -> str:
    if not isinstance(given, str) or "\0" in given or (not given.isprintable() and _odd(given)):
        raise ValueError
    return given


def _odd(given: str) -> bool:
    return any(0xD800 <= ord(char) <= 0xDFFF for char in given)


def _integer(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) > _LARGEST:
        raise ValueError
    return given


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError
    return float(given)


def _boolean(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError
    return given


def _date(given: Any) -> date:
    return date.fromisoformat(_text(given))


def _datetime(given: Any) -> datetime:
    moment = datetime.fromisoformat(_text(given))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


_READ = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}
