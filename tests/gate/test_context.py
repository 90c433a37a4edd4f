"""A context that is made quickly is the one that its class makes."""

from __future__ import annotations

from deskward.gate.context import Context
from tests.conftest import CUSTOMER


def test_the_context_of_a_caller_has_every_field() -> None:
    usual = Context(CUSTOMER, "mcp", "request", client="client")
    quick = Context.of(CUSTOMER, "mcp", "request", "client")
    ours, theirs = vars(usual), vars(quick)
    assert ours.keys() == theirs.keys()
    assert {**ours, "reading": None} == {**theirs, "reading": None}
    assert quick.reading.sources == frozenset()
    assert quick.reading is not Context.of(CUSTOMER, "mcp", "request").reading


def test_nothing_of_one_context_is_shared_with_another() -> None:
    first, second = (Context.of(CUSTOMER, "rest", "request") for _ in range(2))
    first.reading.add({"customer"})
    assert second.reading.sources == frozenset()
