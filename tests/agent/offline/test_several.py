"""Several questions in one message, and a question beside a wish: all are answered."""

from __future__ import annotations

import pytest

from deskward.agent.offline.asked import WISH
from deskward.agent.offline.glossary import in_english
from deskward.agent.offline.model import OfflineModel
from tests.agent.talk import Talk
from tests.everything import shipped_skills

KINDS = {"balance": "balance", "orders": "order_list", "kontostand": "balance"}


@pytest.fixture(autouse=True)
def told_by_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a meaning would tell, told by one word: the tests' model learned without vectors."""

    def turned(self: OfflineModel, text: str) -> dict[str, float]:
        found = [kind for word, kind in KINDS.items() if word in text.lower()]
        return {found[0]: 0.95, WISH: 0.05} if len(found) == 1 else {WISH: 1.0}

    monkeypatch.setattr(OfflineModel, "turned", turned)


async def test_two_questions_are_both_answered_in_their_order(talk: Talk) -> None:
    said = await talk.say("what is my balance and which orders do i have?")
    assert talk.tools == ["get_account_balance", "get_orders_by_customer"]
    assert said.index("$5,420.50") < said.index("O1003")


async def test_a_question_beside_a_wish_is_answered_and_the_wish_proposed(talk: Talk) -> None:
    said = await talk.say("cancel O1003. and what is my balance?")
    assert "O1003" in said
    assert talk.statuses[-1] == "confirm"
    said = await talk.say("yes")
    assert said.index("Order O1003 has been cancelled.") < said.index("$5,420.50")


async def test_a_second_wish_is_asked_about_when_the_first_is_done_or_declined(talk: Talk) -> None:
    for session, answer in (("declined", "no"), ("done", "yes")):
        talk.session = session
        await talk.say("I want to cancel order O1003 and change my address")
        assert talk.statuses[-1] == "confirm"
        assert "What is your new address?" in await talk.say(answer)


async def test_a_value_that_is_given_early_is_kept_for_its_wish(talk: Talk) -> None:
    await talk.say("I want to cancel order O1003 and change my address")
    assert "O1003" in await talk.say("5 Oak Street, Salem, OR 97301")
    assert talk.statuses[-1] == "confirm"
    said = await talk.say("yes")
    assert "5 Oak Street, Salem, OR 97301" in said


async def test_what_is_not_to_be_done_beside_a_wish_is_not_taken_up(talk: Talk) -> None:
    await talk.say("Please freeze my Visa, and do not cancel order O1003")
    assert "O1003" not in await talk.say("yes")


async def test_a_wish_that_lacks_something_is_asked_about_behind_the_answer(talk: Talk) -> None:
    said = await talk.say("I want to change my address. And what is my balance?")
    assert said.index("$5,420.50") < said.index("What is your new address?")
    assert talk.tools == ["get_account_balance"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("wat gibts bei euch an zinsen", "interest rate savings"),
        ("plafond par jour ?", "daily limit"),
        ("como contesto uma compra", "dispute charge"),
        ("リンクの有効期限は", "forgot password reset"),
        ("متى تفتحون يوم السبت", "opening hours"),
        ("what is the limit", ""),
        ("wo ist meine bestellung", ""),
    ],
)
def test_what_a_question_is_about_in_english(said: str, words: str) -> None:
    assert in_english(said, "de") == words


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("cancel O1003 and tell me my address", "yes"),
        ("storniere O1003 und nenne mir meine Adresse", "ja"),
        ("annule la commande O1003 et donne-moi mon adresse", "oui"),
        ("cancela el pedido O1003 y dime mi dirección", "sí"),
        ("annulla l'ordine O1003 e dimmi il mio indirizzo", "sì"),
        ("cancele o pedido O1003 e me diga o meu endereço", "sim"),
    ],
)
async def test_who_wants_to_be_told_a_value_is_not_asked_for_a_new_one(
    talk: Talk, text: str, yes: str
) -> None:
    said = await talk.say(text) + await talk.say(yes)
    asks = shipped_skills().skills["update_address"].slots["new_address"].ask.values()
    assert "O1003" in said
    assert [one for one in asks if one in said] == []
