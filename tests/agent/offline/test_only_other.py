"""One of two is not meant and the other is: "not the Visa, only the Mastercard" is a wish."""

from __future__ import annotations

import pytest

from deskward.text.excluding import instead
from tests.agent.talk import Talk


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Bitte sperren Sie meine Visa nicht, nur die Mastercard", "Mastercard ••4444"),
        ("Please don't block my Visa, only the Mastercard", "Mastercard ••4444"),
        ("No bloquees la Visa, solo la Mastercard", "Mastercard ••4444"),
        ("Ne bloquez pas ma Visa, seulement la Mastercard", "Mastercard ••4444"),
        ("Non bloccare la Visa, solo la Mastercard", "Mastercard ••4444"),
        ("Não bloqueie o Visa, só o Mastercard", "Mastercard ••4444"),
        ("Do not cancel O1002 but O1003", "O1003"),
        ("don't cancel O1002, only the other one", "O1003"),
    ],
)
async def test_the_other_one_is_proposed(talk: Talk, text: str, asked: str) -> None:
    assert asked in await talk.say(text)
    assert talk.statuses[-1] == "confirm"


@pytest.mark.parametrize(
    "text",
    [
        "don't block my Visa",
        "don't block my visa, only joking",
        "don't block my Visa, I only use the Mastercard",
        "Should you not block the Visa, only the Mastercard?",
    ],
)
async def test_where_no_other_one_is_named_nothing_is_proposed(talk: Talk, text: str) -> None:
    await talk.say(text)
    assert "confirm" not in talk.statuses
    assert "freeze_card" not in talk.tools


def test_what_leads_to_the_other_is_of_the_language_that_denies() -> None:
    assert instead("Ne bloquez pas ma Visa, seulement la Mastercard") == "Mastercard"
    assert instead("ni la una ni la otra") == ""
    assert instead("block my Visa, only the Visa") == ""
