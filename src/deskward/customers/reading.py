"""Files of customers: CSV with a header, or JSON lines; read a line at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any, BinaryIO

from pydantic import ValidationError

from deskward.core.custom_fields import CustomFields
from deskward.core.errors import DeskwardError, InvalidInput
from deskward.core.line_files import LONGEST_LINE, NotRead, json_objects, not_in, opened
from deskward.core.problems import problems_of
from deskward.customers.details import Checked, checked
from deskward.customers.models import CUSTOMER_ID, Details

COLUMNS = (
    *("id", "name", "email", "phone", "address", "language", "time_zone", "tier", "tags"),
    "verified",
)
"""The columns of a file, besides `external:SYSTEM` and `field:NAME`."""
_LISTS = {"email": "emails", "phone": "phones", "tags": "tags", "verified": "verified"}
_SINGLE = ("name", "address", "language", "time_zone", "tier")
_OTHER_NAMES = {"emails": "email", "e_mail": "email", "mail": "email", "phones": "phone"}
_PARTS = re.compile(r"[;,|\n]")
_DELIMITERS = ",;\t|"
GUARDED = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: before it stands an apostrophe."""


@dataclass(frozen=True)
class Line:
    """One customer of a file.

    Attributes:
        number: The line of the file on which it begins.
        told: What it says, or None where it says nothing that can be taken.
        problem: Why it cannot be taken.
    """

    number: int
    customer_id: str | None = None
    told: Checked | None = None
    problem: str = ""

    @property
    def record(self) -> str:
        """The customer's id, where it names one."""
        return self.customer_id or ""


def lines(file: BinaryIO, declared: CustomFields, encoding: str | None = None) -> Iterator[Line]:
    """The customers of a file, one at a time; what cannot be read of them has its `problem`.

    Args:
        file: Read from its beginning to its end, once.
        encoding: The file's, where it is not UTF-8 (or UTF-16 that says so).

    Raises:
        NotRead: The file is of no form that is known.
    """
    text, first = opened(file, encoding)
    try:
        if first.lstrip().startswith("{"):
            yield from _json_lines(text, declared)
        else:
            yield from _csv_lines(text, declared)
    except UnicodeError:
        raise not_in(text) from None
    finally:
        text.detach()


def _json_lines(text: TextIOWrapper, declared: CustomFields) -> Iterator[Line]:
    for number, value in json_objects(text):
        if value is None:
            yield Line(number, problem="It is no JSON object.")
        else:
            yield _line(number, value, declared)


def _csv_lines(text: TextIOWrapper, declared: CustomFields) -> Iterator[Line]:
    head = text.readline(LONGEST_LINE)
    if not head.strip():
        raise NotRead("The file is empty: its first line names the columns.")
    delimiter = max(_DELIMITERS, key=head.count)
    names = [_column(name, declared) for name in next(csv.reader([head], delimiter=delimiter))]
    if double := {name for name in names if names.count(name) > 1}:
        raise NotRead(f"Two columns are called {', '.join(sorted(double))}.")
    if "name" not in names and "id" not in names and "email" not in names:
        raise NotRead("The first line names the columns: at least name, id or email.")
    rows = csv.reader(text, delimiter=delimiter)
    number = 2
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, problem=f"It is no line of CSV: {error}.")
            cells = []
        if any(cell.strip() for cell in cells):
            if len(cells) > len(names):
                problem = f"It has {len(cells)} cells, and there are {len(names)} columns."
                yield Line(number, problem=problem)
            else:
                told = {n: _plain(c) for n, c in zip(names, cells, strict=False) if c.strip()}
                yield _line(number, _nested(told), declared)
        number = rows.line_num + 2


def _column(name: str, declared: CustomFields) -> str:
    """A column's name as we call it.

    Raises:
        NotRead: There is no such column.
    """
    plain = name.strip()
    if plain.startswith(("external:", "field:")):
        return plain
    if plain in declared.declared:
        return f"field:{plain}"
    folded = re.sub(r"[\s-]+", "_", plain.casefold())
    folded = _OTHER_NAMES.get(folded, folded)
    if folded not in COLUMNS:
        raise NotRead(
            f"There is no column {name[:60]!r}. There are: {', '.join(COLUMNS)}, external:SYSTEM, "
            "and field:NAME of the declared fields."
        )
    return folded


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in GUARDED else cell


def _nested(cells: Mapping[str, str]) -> dict[str, Any]:
    """A line of CSV in the shape of a JSON line."""
    found: dict[str, Any] = {}
    for name, cell in cells.items():
        kind, colon, rest = name.partition(":")
        if colon:
            where = "external_ids" if kind == "external" else "fields"
            found.setdefault(where, {})[rest.strip()] = cell.strip()
        else:
            found[name] = cell.strip()
    return found


def _line(number: int, value: dict[str, Any], declared: CustomFields) -> Line:
    try:
        customer_id, details = _details(value)
        return Line(number, customer_id, checked(details, declared))
    except ValidationError as error:
        return Line(number, problem=problems_of(error, Details, _column_of))
    except DeskwardError as error:
        return Line(number, problem=error.message)


def _column_of(field: str) -> str:
    """What files call a field."""
    return next((name for name, one in _LISTS.items() if one == field), field)


def _details(value: dict[str, Any]) -> tuple[str | None, Details]:
    """A line's id and details.

    Raises:
        InvalidInput: Something in it is not of its form.
    """
    given = {_OTHER_NAMES.get(name, name): part for name, part in value.items()}
    customer_id = given.pop("id", given.pop("customer_id", None))
    if customer_id is not None and not CUSTOMER_ID.fullmatch(str(customer_id)):
        raise InvalidInput("The id has 1 to 64 letters, digits, dots, dashes or underscores.")
    told: dict[str, Any] = {
        name: given.pop(name) for name in _SINGLE if given.get(name) is not None
    }
    for name, field in _LISTS.items():
        if (several := given.pop(name, None)) is not None:
            told[field] = _several(several)
    if (known := given.pop("external_ids", None)) is not None:
        pairs = known.items() if isinstance(known, dict) else None
        told["external_ids"] = [{"system": s, "id": i} for s, i in pairs] if pairs else known
    if (fields := given.pop("fields", None)) is not None:
        told["fields"] = fields
    ignored = {"created_at", "updated_at", "revision"}  # which an export has, and nobody sets
    if unknown := given.keys() - ignored - {name for name, part in given.items() if part is None}:
        raise InvalidInput(f"There is no {sorted(map(str, unknown))[0][:60]!r} of a customer.")
    return (str(customer_id) if customer_id is not None else None), Details(**told)


def _several(value: Any) -> Any:
    """A list, of a list or of a text that has several in it."""
    if isinstance(value, str):
        return [part.strip() for part in _PARTS.split(value) if part.strip()]
    if isinstance(value, list):
        return [part.get("value") if isinstance(part, dict) else part for part in value]
    return value
