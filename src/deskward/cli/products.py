"""`deskward products`: which products customers have, in which version and configuration."""

from __future__ import annotations

import csv
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    operated_desk,
    print_json,
    read_settings,
    run,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

products = App(name="products", help="Which products customers have, and how they are configured.")

Key = Annotated[
    str | None,
    Parameter(
        help="API key of the member of staff who calls. Default: the system's user.",
        env_var="DESKWARD_API_KEY",
    ),
]
CustomerId = Annotated[str, Parameter(help="The customer's id.")]
Work = Callable[["Desk", "Principal"], Awaitable[int]]
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
        found = await _call(desk, caller, "get_customer_product_info", customer_id=customer_id)
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

    _run(work, key, tenant, as_)


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
                await _call(desk, caller, "set_customer_product", **told)
                taken += 1
            except (DeskwardError, ValueError) as error:
                refused += 1
                print(f"line {line}: {error}")
        print(f"{taken} taken over, {refused} refused.")
        return 1 if refused else 0

    _run(work, key, tenant, as_)


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


async def _call(desk: Desk, caller: Principal, tool: str, **arguments: Any) -> dict[str, Any]:
    from deskward.gate.context import Context

    outcome = await desk.gate.call(tool, arguments, Context(caller, "cli"))
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def _run(work: Work, key: str | None, tenant: str | None, as_: str | None) -> None:

    async def with_desk() -> int:
        async with operated_desk(read_settings(), key, tenant, "support-3", as_=as_) as opened:
            return await work(*opened)

    run(with_desk())
