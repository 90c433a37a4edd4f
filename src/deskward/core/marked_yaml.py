"""YAML files that people write, read so that each problem can be told with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

MOST = 1_000_000
"""Bytes of a file."""
DEEPEST = 64
"""Lists and mappings inside each other."""

Place = tuple[str | int, ...]
"""Where in a file: keys and numbers, as pydantic says it."""
Form = TypeVar("Form", bound=BaseModel)
_VALUES = frozenset(f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float"))
"""What YAML makes of a text by its form alone."""


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong with a file.

    Attributes:
        line: Counted from 1.
    """

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class WrongFiles(ValueError):
    """Files that cannot be used.

    Attributes:
        problems: All that was found, in order.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = sorted(problems)


@dataclass(frozen=True)
class Marked(Generic[Form]):
    """What a file holds, and where its parts stand in it."""

    file: Path
    content: Form
    lines: Mapping[Place, int]

    def problem(self, place: Place, text: str) -> Problem:
        """A problem of a part of it."""
        return Problem(self.file, line_of(self.lines, place), text)


def read_marked(
    file: Path, form: type[Form], *, called: str, example: str
) -> tuple[Marked[Form] | None, list[Problem]]:
    """Read one file: what it holds, or what keeps it from holding that.

    Args:
        form: What it is to hold.
        called: What such a file is called, as `a workflow's file`.
        example: How one begins, for whoever wrote something else.
    """
    try:
        if file.stat().st_size > MOST:
            return None, [Problem(file, 1, f"{called} may have {MOST:,} bytes")]
        text = file.read_text("utf-8")
        if wrong := _costly(text):
            return None, [Problem(file, *wrong)]
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        loader = yaml.CSafeLoader("")
        lines: dict[Place, int] = {}
        problems = [Problem(file, line, text) for line, text in _mark(node, (), lines)]
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, [Problem(file, line, f"this is no YAML: {error.problem}")]
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        return None, [Problem(file, 1, f"it cannot be read: {error}")]
    try:
        content = form.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        for one in errors:
            inside = any(
                other["loc"][: len(one["loc"])] == one["loc"] != other["loc"] for other in errors
            )
            if not inside:  # a list that is short of what is wrong in it
                told = _told(one, f"{called} holds names and values: {example}")
                problems.append(Problem(file, line_of(lines, one["loc"]), told))
        return None, problems
    return (Marked(file, content, lines) if not problems else None), problems


def plain_yaml(text: str) -> Any:
    """What a YAML text of an operator's holds.

    Raises:
        ValueError: It is nested without an end, or refers to parts of itself.
        yaml.YAMLError: It is no YAML.
    """
    if len(text) > MOST:
        raise ValueError(f"it may have {MOST:,} characters")
    if wrong := _costly(text):
        raise ValueError(f"line {wrong[0]}: {wrong[1]}")
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _costly(text: str) -> tuple[int, str] | None:
    """The line of what makes a text cost more than its length, and what that is.

    What is nested some ten thousand times ends the process: the library goes down by its stack.
    """
    depth = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken):  # a few of them can stand for a million parts
            return line, "write it out: “*” and “&” cannot be used here"
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > DEEPEST:
            return line, f"it is nested more than {DEEPEST} times"
    return None


_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


def line_of(lines: Mapping[Place, int], place: Iterable[Any]) -> int:
    """The line of a place in a file, or of the nearest part around it.

    Parts that are no keys of the file are passed over, such as the kind that a form was picked by.
    """
    at: Place = ()
    for part in place:
        at = (*at, part) if (*at, part) in lines else at
    return lines.get(at, 1)


def _mark(node: Any, place: Place, lines: dict[Place, int]) -> Iterable[tuple[int, str]]:
    """Note the line of every part; gives keys that stand there twice, which YAML lets pass."""
    if node is None:
        return
    lines.setdefault(place, node.start_mark.line + 1)
    _as_text(node)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            _as_text(key)
            name = str(key.value)
            if name in seen:
                yield key.start_mark.line + 1, f"“{name}” stands here twice"
            seen.add(name)
            lines[(*place, name)] = key.start_mark.line + 1
            yield from _mark(value, (*place, name), lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _mark(value, (*place, number), lines)


def _as_text(node: Any) -> None:
    """Have what looks like a value and is none, as the day 2026-02-30, be a text.

    The form says then what is wrong with it, in its line and beside all else that is wrong.
    """
    if isinstance(node, yaml.ScalarNode) and node.tag in _VALUES:
        try:
            yaml.constructor.SafeConstructor().construct_object(node)
        except ValueError:
            node.tag = "tag:yaml.org,2002:str"


def _told(error: Any, whole: str) -> str:
    where = ".".join(str(part) for part in error["loc"] if not isinstance(part, int))
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"there is no “{error['loc'][-1]}” here; is it a slip?"
    if error["type"] == "missing":
        return f"“{error['loc'][-1]}” is missing"
    if not error["loc"]:
        return said if error["type"] == "value_error" else whole
    if error["loc"][-1] == "[key]":
        said = "put it into quotes; YAML reads yes, no, on and off as true and false"
    if error["type"] == "string_pattern_mismatch":
        said = "use small letters, digits and underscores (in an id, hyphens)"
    return f"{where}: {said}"
