"""A wish that is taken back: what was done by then is told, and a correction is none."""

from __future__ import annotations

import pytest

from tests.agent.talk import Talk


@pytest.mark.parametrize(
    ("wish", "back", "told"),
    [
        ("Block my Visa", "no wait", "done already"),
        ("Sperr bitte meine Karte 4242", "nein, doch nicht", "schon geschehen"),
        ("I want to talk to a person", "no, wait", "done already"),
        ("What is my account balance?", "never mind", "left everything as it is"),
        ("Cancel order O1001", "wait, no", "left everything as it is"),  # which was refused
    ],
)
async def test_what_is_done_by_then_is_not_left_as_it_was(
    talk: Talk, wish: str, back: str, told: str
) -> None:
    done = await talk.say(wish)
    said = await talk.say(back)
    assert told in said
    if "done" in told:
        assert done.splitlines()[0] in said or "T1001" in said


async def test_what_was_done_with_a_yes_is_told_too(talk: Talk) -> None:
    await talk.say("Cancel order O1003")
    await talk.say("yes")
    assert "Order O1003 has been cancelled." in await talk.say("no, stop!")
    assert "left everything" in await talk.say("never mind")  # in this turn nothing was done


@pytest.mark.parametrize(
    "text",
    [
        "Block my Visa, no wait, the Mastercard",
        "Sperr meine Visa, nein warte, die Mastercard",
        "bloquea mi Visa, no, espera, la Mastercard",
    ],
)
async def test_a_correction_is_proposed_in_a_later_turn_as_well(talk: Talk, text: str) -> None:
    await talk.say("What is my account balance?")
    said = await talk.say(text)
    assert (talk.tools, talk.statuses) == (["freeze_card"], ["confirm"])
    assert "Mastercard" in said
