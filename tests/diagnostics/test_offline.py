"""A diagnosis with the model that needs no provider: begun, answered, left and ended in words."""

from __future__ import annotations

import pytest

from deskward.app import Desk
from tests.agent.talk import Talk
from tests.diagnostics.test_chat import sessions


@pytest.fixture
def talk(sqlite_desk: Desk) -> Talk:
    """A conversation with a desk of its own."""
    return Talk(sqlite_desk)


async def say(talk: Talk, *said: str) -> list[str]:
    return [await talk.say(text) for text in said]


async def test_it_leads_to_a_cause_and_notes_that_it_helped(talk: Talk) -> None:
    first, *_, cause, end = await say(
        talk,
        "Our API calls get a 429",
        "Yes, every time",
        "It is a 429",
        "120",
        "60",
        "It works now, thank you",
    )
    assert "Does it fail still?" in first
    assert first.endswith("Please answer yes or no.")
    assert "More calls are made than the limit allows" in cause
    assert "Wait as Retry-After says" in cause
    assert end == "Good, I have noted that it works again."
    (one,) = await sessions(talk.desk)
    assert one["status"] == "resolved"
    assert one["product_name"] == "our service"


async def test_what_has_not_helped_is_given_to_staff(talk: Talk) -> None:
    *_, end = await say(
        talk, "Our API calls get a 429", "yes", "429", "120", "60", "No, still the same"
    )
    assert "Your ticket number is T1001" in end
    assert (await sessions(talk.desk))[0]["status"] == "handed_over"


async def test_it_is_taken_back_paused_and_taken_up_again(talk: Talk) -> None:
    first, second, sure, again, *_ = await say(
        talk, "Unsere API-Aufrufe schlagen mit 429 fehl", "ja", "ich habe mich vertan", "ja"
    )
    assert "Bitte antworten Sie mit Ja oder Nein." in first
    assert "Bitte antworten Sie mit einer Zahl." in second
    assert sure.startswith("Soll ich Ihre letzte Antwort zurücknehmen")
    assert "Schlägt es noch immer fehl?" in again
    asks, paused = await say(talk, "jetzt nicht", "ja")
    assert asks.startswith("Soll die Fehlersuche warten")
    assert paused == "Die Suche wartet, bis Sie weitermachen möchten."
    assert (await sessions(talk.desk))[0]["status"] == "paused"
    *_, back = await say(talk, "Zeig mir meine Bestellungen", "weiter", "ja")
    assert "Schlägt es noch immer fehl?" in back
    assert (await sessions(talk.desk))[0]["status"] == "open"


async def test_what_is_no_answer_is_asked_once_more_and_then_a_person_is(talk: Talk) -> None:
    _, once, twice, end = await say(
        talk, "Our API calls get a 429", "the cat sat", "on the mat it sat", "yes"
    )
    assert once == "I am not sure what you mean. Please answer yes or no."
    assert twice.startswith("Shall I give this to a person")
    assert "Your ticket number is T1001" in end


@pytest.mark.parametrize(
    "said",
    [
        "Onze API aanroepen krijgen een 429",
        "API çağrılarımız 429 hatası alıyor",
    ],
)
async def test_without_a_catalogue_its_steps_are_english(talk: Talk, said: str) -> None:
    assert "Does it fail still?" in await talk.say(said)


@pytest.mark.parametrize(
    "said",
    [
        "What does the API plan cost?",
        "If our API calls get a 429 tomorrow I will ask you for a diagnosis.",
        "My neighbour's API calls get a 429.",
        "Please do not start a diagnosis because our API calls get a 429.",
        "Thanks, the API works now, no more errors",
        "The webhook is not working and I am furious, I will sue you",
        "Where is my order?",
        "My card was declined.",
    ],
)
async def test_it_begins_for_nothing_else(talk: Talk, said: str) -> None:
    await talk.say(said)
    assert await sessions(talk.desk) == []


async def test_another_wish_is_done_meanwhile_and_a_threat_gets_a_person(talk: Talk) -> None:
    *_, again = await say(talk, "Our calls get a 503", "what is my balance?", "go on")
    assert "Does it fail still?" in again
    (threat,) = await say(talk, "This is a scandal, my lawyer will sue you")
    assert "handing you over to a person" in threat
    assert talk.tools == ["hand_over"]
    assert (await sessions(talk.desk))[0]["status"] == "open"


async def test_a_choice_is_made_by_its_number(talk: Talk) -> None:
    first, again, next_one = await say(talk, "single sign-on fails for all of us", "yes", "1")
    assert "1. with a password; 2. with single sign-on" in first
    assert again.startswith("Please choose one of these, by its number: 1. with a password")
    assert "Do others of the same organisation sign in?" in next_one
