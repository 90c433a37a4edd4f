"""Foreign JSON Schemas whose checking costs no more than we want to spend.

Twenty definitions that each refer twice to the next one make a million checks of a few hundred
characters (the "billion laughs" of XML), and one that refers to itself never ends. So a schema is
looked at when its tool is taken in, and every check has a number of steps, which are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend
from referencing import Registry

from deskward.core.patternless import NAMED, VALUES, patternless

MAX_LENGTH = 64 * 1024
"""Characters of a schema as text."""
MAX_DEPTH = 64
MAX_PARTS = 5_000
"""Values, lists and objects in a schema."""
MAX_EXPANDED = 20_000
"""Schemas that there would be, were each reference what it refers to."""
MAX_STEPS = 200_000
"""Steps of one check: about half a second."""
TOO_DEEP = "it is nested too deeply to check"
_SHOWN = 64
"""Characters of a value that are put into an error's words in one step."""
_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas look at the same value again."""
_SET_ASIDE = frozenset({"$defs", "definitions"})
"""Keywords whose schemas are looked at only where something refers to them."""

Check = Callable[[Any], str | None]
"""Says what of a value does not fit, without the value itself; None where all does."""


class _Steps:
    """What a check may still cost."""

    def __init__(self, value: Any) -> None:
        self.left = MAX_STEPS
        self.weight = 1 + len(str(value)) // _SHOWN

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TooCostly("it takes too long to check")


class TooCostly(ValueError):
    """A schema, or a check, is over its bound."""


_steps: ContextVar[_Steps] = ContextVar("steps of the check")


def _counted(keyword: Callable[..., Iterable[Any] | None]) -> Callable[..., Iterator[Any]]:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
        steps = _steps.get()
        steps.take(1 + _size(wanted) + _size(value))
        for error in keyword(validator, wanted, value, schema) or ():
            steps.take(steps.weight)  # its words hold the value
            yield error

    return counted


_Validator = extend(  # type: ignore[no-untyped-call]  # jsonschema has no types
    Draft202012Validator,
    {name: _counted(keyword) for name, keyword in Draft202012Validator.VALIDATORS.items()},
)


def check_of(schema: Mapping[str, Any]) -> Check:
    """What checks values by a foreign schema, as far as that needs no regular expression.

    Raises:
        ValueError: The schema is not valid, refers to what is not in it, or is over a bound.
    """
    _look_at_size(schema)
    plain = patternless(schema)
    try:
        Draft202012Validator.check_schema(plain)
    except SchemaError as error:
        raise ValueError(f"its schema is not valid: {error.message[:100]}") from None
    _Expansion(plain).look()
    # The registry is empty: a `$ref` to another server is not followed.
    validator = _Validator(plain, registry=Registry())

    def check(value: Any) -> str | None:
        try:
            steps = _Steps(value)
        except RecursionError:
            return TOO_DEEP
        token = _steps.set(steps)
        try:
            for error in validator.iter_errors(value):
                where = ".".join(map(str, error.absolute_path)) or "(all)"
                return f"{where} does not fit the schema's {error.validator!r}"
        except TooCostly as error:
            return str(error)
        except RecursionError:
            return TOO_DEEP
        finally:
            _steps.reset(token)
        return None

    return check


def _size(value: Any) -> int:
    return len(value) if isinstance(value, Sized) and not isinstance(value, str) else 0


def _look_at_size(schema: Any) -> None:
    """See that a schema is small, before anything walks through it."""
    parts, waiting = 0, [(schema, 1)]
    while waiting:
        part, depth = waiting.pop()
        parts += 1
        if depth > MAX_DEPTH or parts > MAX_PARTS:
            raise TooCostly("its schema is nested too deeply or has too many parts")
        inner = part.values() if isinstance(part, Mapping) else part
        if isinstance(part, Mapping | list):
            waiting += [(each, depth + 1) for each in inner]
    if len(str(schema)) > MAX_LENGTH:
        raise TooCostly("its schema is too long")


class _Expansion:
    """A schema with its references followed, each of them once."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._counts: dict[int, int] = {}
        self._ended: dict[int, bool] = {}
        self._further: list[Any] = [whole]

    def look(self) -> None:
        """See that it stays small, and that no schema refers to itself for the same value.

        Raises:
            ValueError: It does not, or refers to what is not there.
        """
        try:
            if self._count(self._whole) > MAX_EXPANDED:
                raise TooCostly("its schema is too large with what it refers to")
            while self._further:
                self._follow(self._further.pop())
        except RecursionError:
            raise TooCostly("its schema refers on and on") from None

    def _count(self, schema: Any) -> int:
        """How many schemas there are in one; one that contains itself counts once."""
        if not isinstance(schema, Mapping):
            return 1
        if id(schema) not in self._counts:
            self._counts[id(schema)] = 1
            inner = sum(self._count(part) for part, _ in self._parts(schema))
            self._counts[id(schema)] = min(1 + inner, MAX_EXPANDED + 1)
        return self._counts[id(schema)]

    def _follow(self, schema: Any) -> None:
        """See that looking at one value comes to an end; what is within comes later."""
        if not isinstance(schema, Mapping) or self._ended.get(id(schema)):
            return
        if id(schema) in self._ended:
            raise ValueError("its schema refers to itself without an end")
        self._ended[id(schema)] = False
        for part, same in self._parts(schema):
            if same:
                self._follow(part)
            else:
                self._further.append(part)
        self._ended[id(schema)] = True

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[tuple[Any, bool]]:
        """The schemas in a schema, and whether they look at the same value as it does."""
        for word, part in schema.items():
            same = word in _IN_PLACE
            if word == "$ref":
                yield self._referred(part), True
            elif word in _SET_ASIDE or word in VALUES:
                continue
            elif word in NAMED and isinstance(part, Mapping):
                yield from ((each, same) for each in part.values())
            elif isinstance(part, list):
                yield from ((each, same) for each in part)
            else:
                yield part, same

    def _referred(self, reference: str) -> Any:
        found: Any = self._whole
        place, _, rest = unquote(reference).partition("#")
        try:
            if place or (rest and not rest.startswith("/")):
                raise KeyError(reference)
            for step in rest.split("/")[1:]:
                name = step.replace("~1", "/").replace("~0", "~")
                found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            raise ValueError("its schema refers to something that is not in it") from None
        return found
