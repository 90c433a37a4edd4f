"""Who has said what a test is filled in with: what others say chooses no target inside.

Whoever calls says nothing of that. A test that staff have run may be filled in with what a customer
has said, and a model that acts for staff may say what it has read in a customer's message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from deskward.diagnostics.suites.filling import wanted_places
from deskward.diagnostics.suites.suite import Test
from deskward.gate.context import Context
from deskward.security.principals import Kind


def vouched(ctx: Context, told: Iterable[str]) -> tuple[str, ...]:
    """The names of the facts that a caller vouches for who tells them in a session.

    Staff do by themselves. A service hands on what customers say.
    """
    return tuple(sorted(told)) if ctx.principal.kind is Kind.STAFF and own_word(ctx) else ()


def own_word(ctx: Context) -> bool:
    """Whether what a call says is the word of staff, or of a service, and of nobody else.

    A model's is not any more once it has read what others have written.
    """
    others = ctx.by_model and bool(ctx.reading.sources)
    return ctx.principal.kind is not Kind.CUSTOMER and not others


def said_by_others(test: Test, values: Mapping[str, Any], trusted: Collection[str]) -> bool:
    """Whether a test is filled in with anything that nobody has vouched for.

    Args:
        values: `environment` and `configuration`.
        trusted: Names of `environment` that somebody has vouched for. A configuration is on record
            by staff.
    """
    for place in wanted_places(test):
        root, name = place.rstrip("?").split(".")[:2]
        known = values["environment"].get(name) not in (None, "")
        if root == "environment" and known and name not in trusted:
            return True
    return False
