"""`deskward products`: which products customers have, in which version and configuration."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.operated import Key, called, run_operated
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    print_json,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

products = App(name="products", help="Which products customers have, and how they are configured.")

CustomerId = Annotated[str, Parameter(help="The customer's id.")]
_TEXTS = ("version", "license_type", "support_tier")
_VALUES = ("configuration", "usage_stats")


@products.command(name="list")
def list_(
    customer_id: CustomerId,
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the products of a customer, from the desk and from the systems of CRM_FILE.

    Example: `deskward products list user_001`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "get_customer_product_info", customer_id=customer_id)
        if as_json:
            print_json(found)
            return 0
        for one in found["products"]:
            told = ", ".join(filter(None, (one["version"], one["license_type"])))
            print(f"{one['product_name']}  {told}  ({one['source']})")
        if not found["products"]:
            print("None is known.")
        for one in found["sources"]:
            if one["problem"]:
                print(f"{one['source']} is unavailable: {one['problem']}")
        return 0

    run_operated(work, key, tenant, as_)


@products.command(name="import")
def import_(
    file: Annotated[
        Path,
        Parameter(
            help="CSV with a head, or `.jsonl` with an object in each line: customer_id, "
            "product_name, version, license_type, support_tier, configuration, usage_stats (the "
            "last two JSON objects)."
        ),
    ],
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Take the products of customers over from a file. The same file again changes nothing.

    Exit code 1: a line was refused; the others are taken over.

    Example: `deskward products import products.csv`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        from deskward.core.errors import DeskwardError

        taken = refused = 0
        for line, told in _lines(file):
            try:
                if isinstance(told, str):
                    raise ValueError(told)
                await called(desk, caller, "set_customer_product", **told)
                taken += 1
            except (DeskwardError, ValueError) as error:
                refused += 1
                print(f"line {line}: {error}")
        print(f"{taken} taken over, {refused} refused.")
        return 1 if refused else 0

    run_operated(work, key, tenant, as_)


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Number of a line → the arguments that it gives, or what is wrong with it."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file} cannot be read: {error}") from None
    if file.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, _object(line)
        return
    reader = csv.DictReader(text.splitlines())
    known = {"customer_id", "product_name", *_TEXTS, *_VALUES}
    if unknown := set(reader.fieldnames or ()) - known:
        raise Misused(f"{file}: there is no column {min(unknown)}; there are {', '.join(known)}")
    for row in reader:
        yield reader.line_num, _of_row(row)


def _of_row(row: dict[str, str]) -> dict[str, Any] | str:
    told: dict[str, Any] = {}
    for name, value in row.items():
        if not value:
            continue
        found: Any = _object(value) if name in _VALUES else value
        if isinstance(found, str) and name in _VALUES:
            return f"{name}: {found}"
        told[name] = found
    return told


def _object(text: str) -> dict[str, Any] | str:
    try:
        found = json.loads(text)
    except ValueError as error:
        return f"it is no JSON: {error}"
    return found if isinstance(found, dict) else 'it is no object, such as {"name": "value"}'
