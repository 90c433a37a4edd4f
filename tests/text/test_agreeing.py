"""A yes that names the deed once more, and everything that is none."""

import pytest

from deskward.accounts.wishes import WISHES as ACCOUNTS
from deskward.orders.wishes import WISHES as ORDERS
from deskward.text.agreeing import agrees_to

ONE = "Shall I freeze your card now (Mastercard ••4444)? You can have it unfrozen again."
BOTH = "Soll ich Ihre Karte jetzt sperren (Visa ••4242, Mastercard ••4444)? Sie lässt sich …"
FINALLY = "Shall I deactivate your card for good (Visa ••4242)? That cannot be undone."
CANCEL = "Shall I set your order O1003 to “cancelled”?"


@pytest.mark.parametrize(
    "text",
    [
        "yes, block it",
        "Yes please freeze the card right now!",
        "yes freeze my mastercard",
        "ja, sperren Sie sie bitte",
        "oui bloquez-la tout de suite",
        "sí, bloquéala ya",
        "sì bloccatela subito, temporaneamente",
        "sim, bloqueie já, por favor",
        "ok, block 4444",
    ],
)
def test_a_yes_may_name_the_deed(text: str) -> None:
    assert agrees_to(text, ACCOUNTS["freeze_card"], ONE)


@pytest.mark.parametrize(
    "text",
    [
        "yes",  # that is another's affair
        "block it",
        "yes, block the visa",
        "yes, block them",
        "yes block both",
        "yes, but block the other one",
        "yes, do not block it",
        "ja, nicht sperren",
        "ok, cancel it",
        "yes, unfreeze it",
        "ja, entsperren",
        "yes, deactivate it",
        "yes, block it?",
        "yes, block it tomorrow",
        "yes block it if it is free",
        "yes block it and change my address",
        "maybe block it",
        "yes he said block it",
        "no, block it",
        "sí, no la bloquees",
        "ok, block 4242",
        "yes, block it,",
    ],
)
def test_whatever_else_stands_there_makes_it_none(text: str) -> None:
    assert not agrees_to(text, ACCOUNTS["freeze_card"], ONE)


def test_one_of_two_is_not_both() -> None:
    freeze = ACCOUNTS["freeze_card"]
    assert agrees_to("ja, sperren", freeze, BOTH)
    assert not agrees_to("ja, sperr die visa", freeze, BOTH)
    assert agrees_to("ja, sperr visa mastercard", freeze, BOTH)


def test_what_is_final_is_agreed_to_by_its_own_word() -> None:
    final = ACCOUNTS["deactivate_card"]
    assert agrees_to("yes, deactivate it", final, FINALLY)
    assert not agrees_to("yes, block it", final, FINALLY)
    assert not agrees_to("yes, deactivate it temporarily", final, FINALLY)


def test_an_order_is_cancelled_by_a_yes_that_says_so() -> None:
    cancelled = ORDERS["update_order_status"].means["cancelled"]
    assert agrees_to("yes cancel it", cancelled, CANCEL)
    assert agrees_to("ok sí, cancélalo", cancelled, CANCEL)
    assert agrees_to("yes, cancel the order", cancelled, CANCEL)
    assert not agrees_to("yes, cancel O1002", cancelled, CANCEL)
    assert not agrees_to("yes, change the order", cancelled, CANCEL)
