"""Which order is meant, told without a text of anybody's."""

import pytest

from deskward.app import Desk
from deskward.gate.context import Context
from deskward.text.goods import called
from tests.conftest import CUSTOMER

TOLD = {
    "O1": "USB-C cable 1 m USB-C charger 65 W",
    "O2": "Noise-cancelling headphones",
    "O3": "Keyboard, US layout Wireless mouse",
}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("cancel the one with the charger", ["O1"]),
        ("storniere die mit dem Ladegerät", ["O1"]),
        ("celle avec le casque", ["O2"]),
        ("el del ratón", ["O3"]),
        ("充電器の注文", ["O1"]),
        ("طلب الشاحن", ["O1"]),
        ("cancel my order", []),
    ],
)
def test_things_are_known_by_what_they_are_called(words: str, names: list[str]) -> None:
    assert list(called(words, TOLD)) == names


async def test_it_tells_ids_and_taints_nothing(desk: Desk) -> None:
    context = Context(CUSTOMER, "rest")
    outcome = await desk.gate.call("list_order_numbers", {"words": "the headphones"}, context)
    orders = outcome.value["orders"]
    assert [(one["id"], one["named"]) for one in orders] == [
        ("O1003", False),
        ("O1002", True),
        ("O1001", False),
    ]
    assert "eadphone" not in str(outcome.value)
    assert not outcome.sources
