"""Articles in files: Markdown, a heading per question, or CSV with a row per question.

Markdown may begin with front matter (YAML between lines of `---`): `title` (the whole file is one
article), `id`, `keywords`, `language`. Without a title every heading with text beneath it is a
question; `{#id}` behind it is its id. CSV has a header: question, answer, and perhaps id, keywords
and language.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from deskward.core.errors import InvalidInput
from deskward.core.marked_yaml import plain_yaml

Format = Literal["markdown", "csv"]
COLUMNS = ("id", "question", "answer", "keywords", "language")

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]{1,20}(.{0,300}?)[ \t]{0,20}"
    r"(?:\{#([\w-]{1,100})\}[ \t]{0,20})?(?:#{1,20}[ \t]{0,20})?$"
)


@dataclass
class Found:
    """An article as a file has it.

    Attributes:
        line: Where it begins.
        values: Its fields, as far as they are there.
        problem: Why it can be no article.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def read_articles(text: str, form: Format) -> list[Found]:
    """The articles of a file.

    Raises:
        InvalidInput: The file as a whole cannot be read; says why.
    """
    text = text.removeprefix("\ufeff")
    return list(_csv(text) if form == "csv" else _markdown(text))


def _csv(text: str) -> Iterator[Found]:
    try:
        rows = csv.reader(io.StringIO(text, newline=""), _dialect(text), strict=True)
        header = [name.strip().casefold() for name in next(rows, [])]
        if missing := [name for name in ("question", "answer") if name not in header]:
            raise InvalidInput(f"The first line names no column {missing[0]!r}.")
        if unknown := [name for name in header if name not in COLUMNS]:
            names = ", ".join(COLUMNS)
            raise InvalidInput(f"There is no column {unknown[0]!r}; there are {names}.")
        begins = rows.line_num + 1
        for row in rows:
            at, begins = begins, rows.line_num + 1
            if not any(map(str.strip, row)):
                continue
            if len(row) != len(header):
                problem = f"it has {len(row)} fields, and the first line {len(header)}"
                yield Found(at, problem=problem)
                continue
            values = {name: value.strip() for name, value in zip(header, row, strict=True)}
            yield Found(at, {name: value for name, value in values.items() if value})
    except csv.Error as error:
        raise InvalidInput(f"The file is no CSV: {error}.") from None


def _dialect(text: str) -> type[csv.excel]:
    """With the separator that the first line has most of."""
    first = text.partition("\n")[0]

    class Dialect(csv.excel):
        delimiter = max(",;\t", key=first.count)

    return Dialect


def _markdown(text: str) -> Iterator[Found]:
    lines = text.splitlines()
    front, start = _front_matter(lines)
    shared = {name: value for name, value in front.items() if name in ("keywords", "language")}
    if "question" in front:
        whole = {**front, "answer": "\n".join(lines[start:]).strip()}
        yield Found(1, {name: value for name, value in whole.items() if value})
        return
    found: Found | None = None
    for at, heading, beneath in _sections(lines, start):
        if heading is None:
            continue
        question, own_id = heading
        if beneath:  # one without text is the title of a chapter
            found = Found(at, {**shared, "question": question, "answer": beneath})
            if own_id:
                found.values["id"] = own_id
            yield found
    if found is None:
        problem = "there is neither a heading with text beneath it nor a `title` in front"
        yield Found(1, {}, problem)


def _sections(
    lines: list[str], start: int
) -> Iterator[tuple[int, tuple[str, str | None] | None, str]]:
    """Line, heading with its own id, and the text beneath, of each heading."""
    at, heading, beneath, fence = start + 1, None, list[str](), ""
    for number, line in enumerate(lines[start:], start + 1):
        marks = _FENCE.match(line)
        if marks and (not fence or marks[1].startswith(fence)):
            fence = "" if fence else marks[1]
        named = None if fence or marks else _HEADING.match(line)
        if named is None:
            beneath.append(line)
            continue
        yield at, heading, "\n".join(beneath).strip()
        at, heading, beneath = number, (named[1].strip(), named[2]), []
    yield at, heading, "\n".join(beneath).strip()


def _front_matter(lines: list[str]) -> tuple[dict[str, str], int]:
    """What stands in front of a file, and the line where the rest begins."""
    if not lines or lines[0].rstrip() != "---":
        return {}, 0
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), 0)
    if not end:
        raise InvalidInput("What stands in front of the file does not end with `---`.")
    try:
        told: Any = plain_yaml("\n".join(lines[1:end])) or {}
    except (yaml.YAMLError, ValueError) as error:  # the second of a date that there is not, too
        # Where what is wrong began; else where it was seen.
        mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
        where = f", in line {mark.line + 2}" if mark is not None else ""
        raise InvalidInput(
            f"What stands in front of the file is no YAML{where}. Write `name: value` in each "
            "line, and values with colons, brackets or quotation marks between quotation marks."
        ) from None
    if not isinstance(told, dict):
        raise InvalidInput("What stands in front of the file names no fields.")
    front = {}
    for name, value in told.items():
        known = {"title": "question", "lang": "language", "tags": "keywords"}.get(name, name)
        if known in COLUMNS:
            front[known] = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return front, end + 1
