"""What a function's types and docstring say of the tool that it is to be."""

from __future__ import annotations

import re
from typing import Annotated, Any, get_args, get_origin

import docstring_parser


def address_of(name: str, rest: str, parameters: frozenset[str]) -> tuple[str, str]:
    """Method and path of a REST address such as `PATCH /tickets/{ticket_id}`.

    Raises:
        TypeError: It is none, or names what the tool does not take.
    """
    method, _, path = rest.partition(" ")
    if not re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) /\S*", rest):
        raise TypeError(f"tool {name}: {rest!r} is not of the form `METHOD /path`")
    if unknown := set(re.findall(r"{(\w+)}", path)) - parameters:
        raise TypeError(f"tool {name}: the path names {', '.join(unknown)}, which it does not take")
    return method, path


def description_of(doc: docstring_parser.Docstring) -> str:
    """What a docstring says before its sections, in one line."""
    parts = [doc.short_description or "", doc.long_description or ""]
    return " ".join(" ".join(part.split()) for part in parts if part)


def has_mark(annotation: Any, mark: type) -> bool:
    """Whether a type, or a part of it, is annotated with an object of this class."""
    marks = getattr(annotation, "__metadata__", ())
    return any(isinstance(item, mark) for item in marks) or any(
        has_mark(part, mark) for part in get_args(annotation)
    )


def mentions(annotation: Any, wanted: type) -> bool:
    """Whether a type is this one, or has it as a part."""
    if get_origin(annotation) is Annotated:
        return mentions(get_args(annotation)[0], wanted)
    return annotation is wanted or any(mentions(part, wanted) for part in get_args(annotation))
