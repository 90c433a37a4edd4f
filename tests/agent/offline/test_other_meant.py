"""After something was done or told, "no, I meant the other one" is about the same, of the other."""

from __future__ import annotations

import pytest

from tests.agent.talk import Talk


@pytest.mark.parametrize(
    ("wish", "meant"),
    [
        ("block my Visa", "no, I meant the Mastercard"),
        ("block my Visa", "sorry, I meant the other one"),
        ("Sperr bitte meine Visa", "nein, ich meinte die Mastercard"),
        ("Bloquea mi tarjeta 4242", "perdón, quería decir la Mastercard"),
    ],
)
async def test_the_other_card_is_proposed(talk: Talk, wish: str, meant: str) -> None:
    await talk.say(wish)
    assert "Mastercard ••4444" in await talk.say(meant)
    assert talk.statuses[-1] == "confirm"
    yes = {"b": "yes", "S": "ja", "B": "sí"}[wish[0]]
    await talk.say(yes)
    assert talk.tools == ["freeze_card"], "nothing else was meant"


async def test_what_was_only_told_is_told_of_the_other(talk: Talk) -> None:
    await talk.say("where is O1002?")
    assert "Order O1001 is delivered." in await talk.say("sorry, I meant O1001")
    assert talk.statuses == ["ok"]


@pytest.mark.parametrize(
    "text", ["sorry, I meant to thank you for my parcel", "no, I meant it", "sorry, my Mastercard?"]
)
async def test_what_says_more_or_less_than_which_one_is_meant_is_no_wish(
    talk: Talk, text: str
) -> None:
    await talk.say("block my Visa")
    await talk.say(text)
    assert "freeze_card" not in talk.tools
