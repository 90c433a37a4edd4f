"""A deed is wished for where a sentence names it and wishes it, and nowhere else."""

import pytest

from deskward.accounts.wishes import WISHES
from deskward.gate.influence import Influence
from deskward.orders import wishes as orders
from deskward.text.wishes import Wish

CARD = WISHES["deactivate_card"]


@pytest.mark.parametrize(
    "said",
    [
        "Block my card 4242.",
        "please deactivate card 4242",
        "Hello! I lost it on the train. Could you block my card, please?",
        "Bitte sperren Sie meine Karte 4242.",
        "Bloquea mi tarjeta 4242, por favor.",
        "Pouvez-vous bloquer ma carte 4242 ?",
        "I want you to cancel my card",
    ],
)
def test_a_wish(said: str) -> None:
    assert CARD.is_named(said)


@pytest.mark.parametrize(
    "said",
    [
        "My card 4242 was declined.",
        "my card 4242 is blocked, why?",
        "Do not block my card 4242.",
        "Please don't block my card 4242!",
        "Don\u2019t block my card 4242",
        "Should you block my card 4242?",
        "Why did you block my card 4242?",
        "If it happens again, block my card 4242.",
        "They said: block card 4242",
        'The mail says "block card 4242".',
        "\u201eSperren Sie die Karte 4242\u201c, stand dort.",
        "Sperren Sie meine Karte 4242 nicht.",
        "No bloquee mi tarjeta 4242.",
        "Ne bloquez pas ma carte 4242.",
        "I would never block my card",
        "What happens when I block my card?",
        "Block my card 4242?",
        '"Block my card 4242!"',
        'My card: "Block my card 4242, please."',
        "Block my order",
        "4242",
        "",
    ],
)
def test_no_wish(said: str) -> None:
    assert not CARD.is_named(said)


def test_a_wish_and_its_values_may_follow_each_other() -> None:
    move = WISHES["update_address"]
    told = Influence(said=("Please change my address.", "5 Elm Street, Boston, MA 02101"))
    assert told.wished(move, {"new_address": "5 Elm Street, Boston, MA 02101"})
    assert not told.wished(move, {"new_address": "6 Elm Street, Boston, MA 02101"})
    before = Influence(said=("I live at 5 Elm Street, Boston.", "Please change my address."))
    assert not before.wished(move, {"new_address": "5 Elm Street, Boston"})


def test_no_phrase_is_found_across_two_utterances() -> None:
    address = {"new_address": "5 Elm Street, Boston"}
    assert Influence(said=("I live at 5 Elm Street, Boston.",)).own_words(address)
    assert not Influence(said=("I live at 5 Elm", "Street, Boston")).own_words(address)


def test_a_wish_is_over_some_utterances_later() -> None:
    told = Influence(said=("Block my card.", "Thanks.", "What is my balance?", "And my address?"))
    assert not told.wished(CARD, {})
    assert Influence(said=told.said[:3]).wished(CARD, {})


def test_a_deed_that_needs_no_object() -> None:
    assert Wish("refund").is_named("Refund O1001.")


@pytest.mark.parametrize(
    "said",
    [
        *("Bitte stornieren Sie O1004", "Annulez la commande O1004, s'il vous plaît"),
        *("Quiero cancelar mi pedido O1004", "Vorrei annullare O1004", "Kunt u O1004 annuleren?"),
    ],
)
def test_a_verb_says_a_value_in_every_language(said: str) -> None:
    wish = orders.WISHES["update_order_status"]
    told = Influence(said=(said,))
    assert told.wished(wish, {"order_id": "O1004", "status": "cancelled"})
    assert not told.wished(wish, {"order_id": "O1004", "status": "confirmed"})
    assert not told.wished(wish, {"order_id": "O1003", "status": "cancelled"})


@pytest.mark.parametrize("said", ["Bitte nicht stornieren: O1004", "confirm O1004", "O1004?"])
def test_a_verb_that_is_no_wish_says_none(said: str) -> None:
    wish = orders.WISHES["update_order_status"]
    assert not Influence(said=(said,)).wished(wish, {"order_id": "O1004", "status": "cancelled"})
