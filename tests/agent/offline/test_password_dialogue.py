"""The present password is asked for where it is needed, and no answer is kept in the clear."""

import pytest
from pydantic import SecretStr

from deskward.accounts import service
from deskward.app import Desk
from deskward.core.database import metadata
from deskward.gate.context import Context
from deskward.security.masking import mask
from deskward.security.passwords import verify_password
from deskward.security.principals import Kind
from deskward.security.vault import Vault
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER
from tests.everything import shipped_skills

FIRST, SECOND = "Copper-Kettle-91", "Birch-Valley-47"
LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "tr"}


@pytest.fixture
async def talk(sqlite_desk: Desk) -> Talk:
    """A customer with a key, so that nothing but the present password proves who they are."""
    first = await sqlite_desk.gate.call(
        "change_password", {"new_password": FIRST}, Context(CUSTOMER, "cli")
    )
    assert first.error is None
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    return Talk(sqlite_desk, await sqlite_desk.keys.verify(key))


async def is_now(desk: Desk, password: str) -> bool:
    account = await service.get(desk.gate.database.reader, "default", "user_001")
    return await verify_password(account.password_hash, SecretStr(password))


async def test_the_right_one_changes_it(talk: Talk) -> None:
    assert "present password" in await talk.say(f"Change my password to {SECOND}")
    assert "changed successfully" in await talk.say(FIRST)
    assert await is_now(talk.desk, SECOND)


async def test_a_wrong_one_changes_nothing_and_is_asked_for_again(talk: Talk) -> None:
    await talk.say(f"Change my password to {SECOND}")
    said = await talk.say("Maple-Garden-33")
    assert "not the present password" in said
    assert "present password?" in said
    assert await is_now(talk.desk, FIRST)
    assert "changed successfully" in await talk.say(FIRST)
    assert await is_now(talk.desk, SECOND)


@pytest.mark.parametrize("text", ["no", "never mind", "I do not want to say"])
async def test_who_refuses_keeps_the_old_one(talk: Talk, text: str) -> None:
    await talk.say(f"Change my password to {SECOND}")
    await talk.say(text)
    assert "ok" not in talk.statuses
    assert await is_now(talk.desk, FIRST)


async def test_one_that_is_typed_unasked_changes_nothing(talk: Talk) -> None:
    await talk.say(FIRST)
    await talk.say(f"My password is {FIRST}")
    assert "change_password" not in talk.tools
    assert await is_now(talk.desk, FIRST)


async def test_no_password_of_the_dialogue_is_stored_in_the_clear(talk: Talk) -> None:
    for text in (f"Change my password to {SECOND}", "Maple-Garden-33", FIRST):
        await talk.say(text)
    reader = talk.desk.gate.database.reader
    kept = [
        str(row) for table in metadata.sorted_tables for row in await reader.all(table.select())
    ]
    assert kept
    assert not [row for row in kept if SECOND in row or FIRST in row or "Maple-Garden" in row]


@pytest.mark.parametrize("slot", ["new_password", "current_password"])
def test_what_each_languages_question_is_answered_with_is_masked(slot: str) -> None:
    """The answer is told by the question; one in another language must be as well known."""
    questions = shipped_skills().skills["change_password"].slots[slot].ask
    assert set(questions) == LANGUAGES
    for question in questions.values():
        assert mask("sunshine-and-rain", Vault(), asked_by=question) == "[[phrase:1]]"
        assert mask("sunshine-and-rain-7", Vault(), asked_by=question) == "[[password:1]]"


@pytest.mark.parametrize(
    "text",
    ["laisse tomber", "lascia perdere", "ach lass das doch", "forget-about-it", "さようなら"],
)
async def test_words_are_no_password_before_that_is_asked(sqlite_desk: Desk, text: str) -> None:
    """Who calls it off in words that nobody knows is not locked out by them."""
    talk = Talk(sqlite_desk, CUSTOMER)
    await talk.say("Change my password")
    await talk.say(text)
    assert "ok" not in talk.statuses
    await talk.say("no")
    assert "ok" not in talk.statuses


async def test_a_phrase_is_a_password_after_a_yes(sqlite_desk: Desk) -> None:
    talk = Talk(sqlite_desk, CUSTOMER)
    await talk.say("Change my password")
    assert "Shall I change your password" in await talk.say("correct horse battery staple")
    assert "changed successfully" in await talk.say("yes")
    assert await is_now(sqlite_desk, "correct horse battery staple")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "ich habe es vergessen"),
        ("de", "nein"),
        ("fr", "je ne sais plus"),
        ("es", "no me acuerdo"),
        ("nl", "weet ik niet meer"),
        ("pt", "não me lembro"),
    ],
)
def test_an_answer_that_gives_none_is_no_password(language: str, text: str) -> None:
    question = shipped_skills().skills["change_password"].slots["new_password"].ask[language]
    assert mask(text, Vault(), asked_by=question) == text
