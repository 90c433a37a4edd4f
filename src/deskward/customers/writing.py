"""Customers as lines of a file that can be read again."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from deskward.customers.models import Profile
from deskward.customers.reading import GUARDED

_PLAIN = ("name", "address", "language", "time_zone", "tier")
_NUMBERS = frozenset({"phone"})


def json_line(one: Profile) -> dict[str, Any]:
    """A customer as the object of a JSON line; what is not known is left out."""
    found = {
        "id": one.customer_id,
        **{name: getattr(one, name) for name in _PLAIN},
        "emails": [address.value for address in one.emails],
        "phones": [address.value for address in one.phones],
        "verified": [address.value for address in one.emails if address.verified],
        "tags": one.tags,
        "fields": one.fields,
        "external_ids": [known.model_dump() for known in one.external_ids],
    }
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def json_writer(out: TextIO) -> Callable[[Profile], None]:
    """What writes customers as JSON lines into a file."""

    def write(one: Profile) -> None:
        out.write(f"{json.dumps(json_line(one))}\n")

    return write


def csv_writer(
    out: TextIO, fields: Iterable[str] = (), systems: Iterable[str] = ()
) -> Callable[[Profile], None]:
    """What writes customers as CSV into a file, below a line that names the columns.

    Of several ids in one system a line has the first; JSON lines have all.

    Args:
        fields: The names of declared fields.
        systems: The other systems that know customers.
    """
    names = ["id", *_PLAIN, "email", "phone", "verified", "tags"]
    names += [f"field:{name}" for name in fields] + [f"external:{system}" for system in systems]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()

    def write(one: Profile) -> None:
        told = json_line(one)
        told["email"] = ";".join(told.pop("emails", ()))
        told["phone"] = ";".join(told.pop("phones", ()))
        told["verified"] = ";".join(told.get("verified", ()))
        told["tags"] = ";".join(told.get("tags", ()))
        told |= {f"field:{name}": str(value) for name, value in one.fields.items()}
        told |= {f"external:{known.system}": known.id for known in reversed(one.external_ids)}
        writer.writerow({name: _guarded(name, told.get(name) or "") for name in names})

    return write


def _guarded(name: str, cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(GUARDED) and name not in _NUMBERS else cell
