"""What is said of a product or version that nobody has on record: the nearest that there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.errors import NotFound
from deskward.core.text import shorten

CUTOFF = 0.5
"""How like a name must be to be the one that was meant, as `difflib` has it."""
MOST_NAMED = 5
"""Products that are named where none is near."""


def no_product(name: str, known: Iterable[str]) -> NotFound:
    """The error for a product that a customer does not have."""
    return NotFound(
        "product",
        name,
        f"The customer has no product “{shorten(name)}” on record. {_instead(name, known)}",
    )


def doubts(rows: Sequence[sa.Row[Any]], name: str, version: str) -> list[str]:
    """What of a product and its version is not as the customer's record has it.

    Nothing where nothing is on record: a desk need not know what its customers have.

    Args:
        rows: The products on record.
        name: The product that somebody named.
        version: Its version, empty where nobody said it.
    """
    if not rows:
        return []
    row = next((one for one in rows if one.product.casefold() == name.strip().casefold()), None)
    if row is None:
        instead = _instead(name, [one.product for one in rows])
        absent = f"The product “{shorten(name)}” is not on the desk's record of the customer."
        return [f"{absent} {instead}"]
    if not version or not row.version or _agree(version, row.version):
        return []
    absent = f"Version “{shorten(version)}” of {row.product} is not on the desk's record"
    return [f"{absent} of the customer. Did you mean {row.version}?"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was likely meant, in whatever case; None where none is near."""
    by_folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.strip().casefold(), by_folded, n=1, cutoff=CUTOFF)
    return by_folded[near[0]] if near else None


def _instead(name: str, known: Iterable[str]) -> str:
    names = sorted(set(known))
    near = nearest(name, names)
    if near is not None:
        return f"Did you mean “{near}”?"
    if not names:
        return "There is none."
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"There are: {', '.join(names[:MOST_NAMED])}{more}."


def _agree(told: str, recorded: str) -> bool:
    """Whether two versions are the same, as far as both are told: 2.3 is also 2.3.1."""
    both = zip(_numbers(told), _numbers(recorded), strict=False)
    return all(one == other for one, other in both)


def _numbers(version: str) -> list[str]:
    return version.strip().casefold().removeprefix("v").split(".")
