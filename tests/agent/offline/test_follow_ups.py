"""A question that goes on with the one before is about it; what was told is not told twice."""

from __future__ import annotations

import pytest

from deskward.agent.offline.follow_ups import follows
from deskward.agent.offline.replies import texts_of
from tests.agent.talk import Talk

ALL = texts_of("replies")["told_already"]["en"].partition("{")[0]


async def test_the_same_passage_is_not_told_as_if_it_were_new(talk: Talk) -> None:
    told = await talk.say("how do refunds work?")
    assert (await talk.say("and how long does that take?")).startswith(ALL)
    assert "T1001" in await talk.say("yes")
    assert await talk.say("how do refunds work?") == told, "a whole question is answered again"


async def test_what_is_new_is_told_and_a_second_question_without_an_answer_is_for_a_person(
    talk: Talk,
) -> None:
    await talk.say("how do refunds work?")
    assert "Transfers within the bank" in await talk.say("and what about transfers?")
    assert (await talk.say("and how long does that take?")).startswith(ALL)
    assert "T1001" in await talk.say("and do you charge for that?")


async def test_of_what_was_told_the_sentence_that_answers_is_said(talk: Talk) -> None:
    await talk.say("How do I order a replacement card?")
    said = await talk.say("and express?")
    assert said.startswith(ALL)
    assert "express delivery takes two" in said
    assert "Open Cards in the app" not in said


@pytest.mark.parametrize(
    ("text", "language", "how"),
    [
        ("and how long does that take?", "en", "surely"),
        ("Was kostet das?", "de", "surely"),
        ("¿y cuánto tarda eso?", "es", "surely"),
        ("e quanto tempo demora isso?", "pt", "surely"),
        ("وكم يستغرق ذلك؟", "ar", "surely"),
        ("and what about transfers?", "en", "likely"),
        ("et le dimanche ?", "fr", "likely"),
        ("how long?", "en", "perhaps"),
        ("how long does it take to open an account?", "en", ""),
        ("Wie lange dauert eine Überweisung?", "de", ""),
        ("do you ship to Canada?", "en", ""),
    ],
)
def test_how_surely_a_question_goes_on(text: str, language: str, how: str) -> None:
    assert follows(text, language) == how
