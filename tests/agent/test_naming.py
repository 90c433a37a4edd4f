"""Which words that point count as the name of a record, and which do not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deskward.agent.dialogue import followed
from deskward.agent.model import OFFLINE, Message, ToolRequest
from deskward.agent.naming import said_in
from deskward.agent.taint import influence_of
from deskward.orders.wishes import WISHES
from tests.everything import built_in_tools

ORDERS = {
    "orders": [
        {
            "id": "O1003",
            "status": "pending",
            "created_at": "2026-11-03",
            "lines": [{"description": "USB-C charger 65 W"}],
        },
        {
            "id": "O1002",
            "status": "shipped",
            "created_at": "2026-11-02",
            "lines": [{"description": "Noise-cancelling headphones"}],
        },
    ]
}


def shown(by: str = OFFLINE, arguments: dict[str, int] | None = None) -> list[Message]:
    said = [
        Message("user", "my orders"),
        Message("assistant", "", (ToolRequest("a", "get_orders_by_customer", arguments or {}),)),
        Message("tool", json.dumps(ORDERS), tool_request_id="a"),
        Message("assistant", "1. O1003 2. O1002"),
    ]
    said[-1] = replace(said[-1], dialogue=followed(said, built_in_tools(), by).plain)
    return said


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("cancel the second one", "cancel the O1002 one"),
        ("cancel the pending one", "cancel the O1003 one"),
        ("annulez celle avec le chargeur", "annulez celle avec le O1003"),
        ("annulla l'ultimo", "annulla l'O1003"),
        ("cancela o último", "cancela O1003"),
        (
            "then cancel the first, ill order again tomorrow",
            "then cancel the O1003, ill order again tomorrow",
        ),
        ("cancel both", "cancel both"),
        ("cancel the fifth", "cancel the fifth"),
        ("cancel the first or the second", "cancel the first or the second"),
    ],
)
def test_words_that_point_at_one_are_its_name(said: str, named: str) -> None:
    assert said_in([*shown(), Message("user", said)])[-1] == named


def test_what_a_model_showed_names_nothing() -> None:
    """It may have shown it in another order, or said that the second is what it is not."""
    given = [*shown("anthropic:some"), Message("user", "cancel the second one")]
    assert said_in(given)[-1] == "cancel the second one"


@pytest.mark.parametrize(("arguments", "is_named"), [({}, True), ({"offset": 1}, False)])
def test_of_a_list_looked_up_for_it_all_has_to_be_there(
    arguments: dict[str, int], is_named: bool
) -> None:
    """Else a model could choose the page on which another order is the last one."""
    messages = shown(arguments=arguments)
    messages[0] = Message("user", "cancel my last order")
    assert ("O1003" in said_in(messages)[0]) is is_named


def may_cancel(said: str, order: str, by: str = OFFLINE) -> bool:
    influence = influence_of([*shown(by), Message("user", said)], built_in_tools())
    arguments = {"order_id": order, "status": "cancelled"}
    wish = WISHES["update_order_status"]
    return influence.wished(wish, arguments, tool="update_order_status", strict=True)


def test_a_wish_that_points_counts_for_that_record_only() -> None:
    assert may_cancel("cancel the second one", "O1002")
    assert not may_cancel("cancel the second one", "O1003")
    assert not may_cancel("cancel the second one", "O1002", by="anthropic:some")


@pytest.mark.parametrize(
    "said",
    [
        "don't cancel the second one",
        "is the second one late?",
        "my husband said cancel the second one",
        'he wrote "cancel the second one"',
        "maybe cancel the second one tomorrow",
        "cancel the second one, no wait",
        "cancel the second one of my neighbour",
        "the second one was great",
    ],
)
def test_what_is_no_wish_is_none_by_pointing(said: str) -> None:
    assert not may_cancel(said, "O1002")


def test_what_is_passed_on_is_what_was_said() -> None:
    said = "the charger is broken"
    influence = influence_of([*shown(), Message("user", said)], built_in_tools())
    assert influence.said[-1] == said


def found_by(words: str, said: str) -> str:
    """What counts as said, where the desk looked for an order by these words and found one."""
    one = {"orders": [ORDERS["orders"][0]]}
    given = [
        Message("user", said),
        Message("assistant", "", (ToolRequest("f", "find_order", {"words": words}),)),
        Message("tool", json.dumps(one), tool_request_id="f"),
    ]
    return said_in(given)[0]


def test_what_is_found_by_the_customers_own_words_is_named_by_them() -> None:
    said = "cancel the one with the charger"
    assert found_by(said, said) == "cancel the one with the charger O1003"
    assert found_by("charger", said) == said  # a model may have chosen them
    assert found_by("cancel my last order", "cancel my last order") == "cancel my last order"


def test_a_pronoun_counts_within_its_part_of_the_text() -> None:
    one = {"orders": [ORDERS["orders"][0]]}
    given = [
        Message("user", "the charger"),
        Message("assistant", "", (ToolRequest("a", "get_orders_by_customer", {}),)),
        Message("tool", json.dumps(one), tool_request_id="a"),
        Message("assistant", "O1003 is pending"),
    ]
    given[-1] = replace(given[-1], dialogue=followed(given, built_in_tools(), OFFLINE).plain)
    said = "then cancel that one, i will order it all again tomorrow"
    assert said_in([*given, Message("user", said)])[-1].startswith("then cancel O1003,")
    long = "my sister in law told me to cancel that one for her"
    assert said_in([*given, Message("user", long)])[-1] == long


def test_a_pronoun_is_the_only_order_that_is_open() -> None:
    given = [
        Message("user", "cancel it then"),
        Message("assistant", "", (ToolRequest("a", "get_orders_by_customer", {}),)),
        Message("tool", json.dumps(ORDERS), tool_request_id="a"),
    ]
    screen = [
        Message("user", "my orders"),
        Message("assistant", "", (ToolRequest("b", "get_orders_by_customer", {}),)),
        Message("tool", json.dumps(ORDERS), tool_request_id="b"),
        Message("assistant", "O1003 is pending, O1002 is shipped"),
    ]
    screen[-1] = replace(screen[-1], dialogue=followed(screen, built_in_tools(), OFFLINE).plain)
    assert said_in([*screen, *given])[1] == "cancel O1003 then"
