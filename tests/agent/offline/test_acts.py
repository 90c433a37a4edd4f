"""Acts: what is wished is told from what is only spoken of, by the structure of sentences."""

from functools import cache
from typing import Any

import pytest

from deskward.agent.events import ToolCalled
from deskward.agent.offline.acts import Acts
from deskward.agent.offline.reading import Reading
from deskward.app import Desk
from deskward.evaluation.asked import Sentence, sentences
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.security.masking import mask
from deskward.security.vault import Vault
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER, STAFF
from tests.everything import shipped_skills


@cache
def acts() -> Acts:
    skills = shipped_skills().skills
    return Acts({name: skill.acts for name, skill in skills.items() if skill.acts})


def read(text: str) -> Reading:
    return acts().read(mask(text, Vault()))


@cache
def tools() -> dict[str, str | None]:
    return {name: skill.tool for name, skill in shipped_skills().skills.items()}


def tools_of(text: str) -> list[str | None]:
    return [tools()[wish.skill] for wish in read(text).wishes]


@pytest.mark.parametrize("split", ["development", pytest.param("test", marks=pytest.mark.slow)])
def test_only_what_is_wished_is_read_as_a_wish(split: str) -> None:
    """All sentences of `eval asked`: no wish where there is none, and the right ones where."""
    wrong: list[tuple[Sentence, Any]] = []
    found = 0
    given = [sentence for sentence in sentences(split) if not sentence.before]
    for sentence in given:
        read_as, wished = tools_of(sentence.text), [tool for tool, _ in sentence.wished]
        if not wished and read_as and not sentence.open:
            wrong.append((sentence, read_as))
        found += bool(wished) and read_as == wished
    assert wrong == []
    assert found >= 0.9 * sum(bool(sentence.wished) for sentence in given)


def test_the_sentences_are_many_and_of_eight_languages() -> None:
    both = [*sentences("development"), *sentences("test")]
    assert len(both) >= 600
    said = {(sentence.before, sentence.text) for sentence in both}
    assert len(said) == len(both)
    assert len({sentence.language for sentence in both}) == 8
    assert len(sentences("test")) * 2 >= len(both)


NO_WISHES = [
    "Tomorrow I want to report an issue: the app crashes",
    "I want to report an issue, but only when I am back home",
    "Do not change my password to Sunny-Day-77",
    "I do not want, and never wanted, you to cancel order O1003",
    "Never, ever cancel order O1003",
    "I don't want you to freeze my card, cancel my order or change my address",
    "Stop blocking my card 4242",
    "Cancel the meeting about order O1003",
    "Change my password hint to Blue-Bird-12",
    "Can you cancel orders?",
    "Deactivate a card",
    "Cancel order O1003?",
    "I cancelled order O1003",
    "you cancel order O1003",
    "If I lose my card, block it",
    "They say: cancel order O1003",
    "> cancel order O1003",
    "“cancel order O1003”",
    "Please cancel order O1003. Actually, never mind.",
    "Freeze John's card",
    "My sister lost her card. Block card 4242.",
    "cancel order O1003 nicht",
    "Please do not, and I mean it, cancel order O1003",
    "Don't, please, cancel order O1003",
    "My card was stolen in 2018",
    "Perdí la tarjeta pero ya la encontré",
    "Thank you. " * 300 + "Cancel order O1003",
]


@pytest.mark.parametrize("text", NO_WISHES, ids=lambda text: text[:40])
def test_no_wish(text: str) -> None:
    assert read(text).wishes == []


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("Change my password to Copper-Kettle-91", True),
        ("Please cancel order O1003", True),
        ("Could you cancel order O1003?", False),
        ("My new address is 8 Cedar Court, Reno, NV 89501", False),
        ("I don't need O1003. Please cancel it.", False),
        ("Change my address to 5 Main Street, Boston where I live now", False),
        ("Freeze my card 4242 and my card 4444 works", False),
    ],
)
def test_a_wish_is_clear_where_the_message_says_nothing_else(text: str, clear: bool) -> None:
    (wish,) = read(text).wishes
    assert wish.clear is clear


def test_trouble_has_its_time_and_is_still_reported() -> None:
    text = "I want to report an issue: the app crashes when I open my statements"
    assert tools_of(text) == ["report_issue"]


def test_a_value_ends_where_somebody_speaks_again() -> None:
    (wish,) = read("Change my address to 5 Main Street, Boston, I moved there last week").wishes
    assert (wish.value, wish.clear) == ("5 Main Street, Boston", False)
    (wish,) = read("Adresimi Orman Yolu 4, 16000 Bursa olarak değiştirin").wishes
    assert wish.value == "Orman Yolu 4, 16000 Bursa"  # no condition, though it ends like one


def test_each_skill_that_writes_says_by_which_words(sqlite_desk: Desk) -> None:
    """Without `acts` a skill would be called by its topic alone; what `asks` has no examples."""
    for skill in shipped_skills().skills.values():
        tool = sqlite_desk.gate.tools.get(skill.tool or "")
        writes = tool is not None and tool.risk is not Risk.READ and not tool.hands_over
        said = skill.acts is not None or skill.asks is not None
        assert writes is said, skill.name


ORDINARY = [
    "Can I take 500 CHF from an ATM in Zurich?",
    "I paid 30 Euro at Cafe Central in Vienna",
    "I live at 20 Station Road and was charged 45 dollars by Miller",
    "My flight to Chicago on 12 March costs 430 dollars",
    "The branch at 15 Market Street was closed",
    "The courier took order O1003 to 21 Lake View",
    "I have been a customer for 12 years, in Boston",
    "my password is Purple-Rain-84 and it does not work",
    "Is Purple-Rain-84 a good password?",
    "I found my card 4242 again",
    "absolutely not",
    "don't freeze my card",
]


@pytest.mark.parametrize("text", ORDINARY)
async def test_ordinary_sentences_write_nothing(talk: Talk, text: str) -> None:
    await talk.say(text)
    assert not [tool for tool in talk.tools if tool in WRITES]
    assert "ok" not in [
        status for tool, status in zip(talk.tools, talk.statuses, strict=False) if tool in WRITES
    ]


WRITES = ("change_password", "update_address", "deactivate_card", "update_order_status")

NO_YES = [
    "absolutely not",
    "please don't!",
    "of course not!",
    "sure, but not now",
    "y would I want that??",
    "yes?",
    "yeah right",
]


@pytest.mark.parametrize("text", NO_YES)
async def test_only_a_whole_yes_deactivates_a_card(talk: Talk, text: str) -> None:
    await talk.say("deactivate my card ending in 4242")
    await talk.say(text)
    details = await talk.desk.gate.call("get_account_details", {}, Context(CUSTOMER, "cli"))
    assert [card["status"] for card in details.value["cards"]] == ["active", "active"]


async def test_a_lost_wallet_is_one_word_from_frozen_cards(talk: Talk) -> None:
    said = await talk.say("I lost my wallet, help!!")
    assert said.startswith("Shall I freeze your card now")
    said = await talk.say("yes")
    assert "ending in 4242 is frozen" in said
    assert "ending in 4444 is frozen" in said
    await talk.say("unfreeze my cards please")
    assert "can be used again" in await talk.say("yes")


async def test_of_two_wishes_the_second_is_offered_after_the_first(talk: Talk) -> None:
    said = await talk.say("Freeze card 4242 and change my password to Silver-Door-62")
    assert "4242" in said
    assert "password" not in said
    said = await talk.say("yes")
    assert "4242 is frozen" in said
    assert "change your password" in said
    assert await talk.say("yes") == "Your password has been changed successfully."


async def test_what_shows_texts_of_others_is_done_last_so_that_no_colleague_is_asked(
    talk: Talk,
) -> None:
    said = await talk.say(
        "so: cancel O1003, and my new address is 7 Quarry Bank, Sheffield S11 8TH"
    )
    assert "7 Quarry Bank" in said
    assert "O1003" not in said
    said = await talk.say("yes")
    assert "O1003" in said
    assert await talk.say("yes") == "Order O1003 has been cancelled."
    assert talk.tools[-1] == "update_order_status"


async def test_what_a_message_tells_is_told_to_one(talk: Talk) -> None:
    await talk.say("I want to make a complaint: my parcel arrived broken")
    assert "Shall I" not in await talk.say("yes")
    assert talk.tools == ["register_complaint"]


async def test_the_second_wish_is_forgotten_where_the_subject_is_changed(talk: Talk) -> None:
    await talk.say("Cancel order O1003 and freeze card 4242")
    await talk.say("what is my balance?")
    await talk.say("yes")
    assert "freeze_card" not in talk.tools


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("Freeze 4444, no sorry, I mean 4242", "4242"),
        ("Sperren Sie die 4242 – Quatsch, ich meine die 4444", "4444"),
        ("Bloquez la Mastercard… euh pardon, la Visa", "Visa"),
        ("4242'yi dondurun, yok pardon 4444 olacaktı", "4444"),
    ],
)
async def test_the_corrected_value_is_the_one(talk: Talk, text: str, card: str) -> None:
    await talk.say(text)
    await talk.say("yes")
    made = [event for event in talk.events if isinstance(event, ToolCalled)]
    assert [(call.name, dict(call.arguments)) for call in made] == [("freeze_card", {"card": card})]


@pytest.mark.parametrize(
    "text",
    [
        "Freeze 4444, no sorry, I mean 4242. Actually no, forget it",
        "Freeze 4444? No, 4242 is the one that I like",
        "Don't freeze 4444, sorry, 4242",
    ],
)
async def test_a_correction_is_no_wish_by_itself(talk: Talk, text: str) -> None:
    await talk.say(text)
    await talk.say("yes")
    assert "freeze_card" not in talk.tools


async def test_a_password_that_is_only_mentioned_is_never_the_new_one(talk: Talk) -> None:
    await talk.say("I want to change my password")
    await talk.say("my old password was Purple-Rain-84")
    assert talk.tools == []
    await talk.say("Is Purple-Rain-84 any good?")
    assert "change_password" not in talk.tools
    await talk.say("no")


async def test_a_password_is_in_no_ticket(talk: Talk) -> None:
    for text in ("Mein Passwort ist Lilaregen-84", "Şifrem Mor-Yagmur-84", "Kx9!mPq2vL"):
        await talk.say(text)
        await talk.say("yes")
    tickets = await talk.desk.gate.call("list_tickets", {}, Context(CUSTOMER, "cli"))
    for secret in ("Lilaregen-84", "Mor-Yagmur-84", "Kx9!mPq2vL"):
        assert secret not in str(tickets.value)


async def test_what_is_not_done_is_said_in_the_customers_language(talk: Talk) -> None:
    assert (await talk.say("Ändern Sie meine Adresse bitte nicht")).startswith("In Ordnung")
    assert "so plainly" in await talk.say("Should I change my address to 5 Main Street, Boston?")
    assert "nur für Sie selbst" in await talk.say("Sperren Sie die Karte meiner Schwester")


MENDED = [
    ("plese chnage my adress to 8 Pine Street, Dover", ["update_address"]),  # slips
    ("Karte 4242 speren", ["freeze_card"]),
    ("siparisimi iptal edin O1003", ["update_order_status"]),  # without accents
    ("ich änderte meine Adresse auf Gartenweg 3, 8001 Zürich", []),  # an inflection is no slip
    ("Cancelé el pedido O1003", []),
    ("KARTIMI DONDURUN 4444", ["freeze_card"]),  # Turkish capitals
    ("Ya no necesito el pedido O1003, cancélenlo", ["update_order_status"]),  # a pronoun at its end
    ("Ich brauche O1003 nicht mehr, bitte stornieren", ["update_order_status"]),  # left out
    ("Ich will auf keinen Fall, dass Sie O1003 stornieren", []),
    ("Ich will die Bestellung O1003 behalten, nicht stornieren", []),
    ("Ich hätte gerne, dass die Bestellung O1003 storniert wird", ["update_order_status"]),
    ("Neues Passwort: Birnbaum-Regen-31", ["change_password"]),
    ("Impostate come password Limone-Vento-83", ["change_password"]),
    ("Kunt u mijn pas 4242 blokkeren?", ["freeze_card"]),  # "pas" is French for not
    ("não sei onde está o meu cartão", ["freeze_card"]),
    ("Cambiate l'indirizzo di Giovanni Ďurica in Via Verdi 8, Trento", []),  # another person's
    ("Report a problem: the app crashed in case 5", ["report_issue"]),  # a number, no condition
    ("Report a problem, in case it crashes again", []),
    ("Na klar, storniert O1003 doch auch noch", []),
]


@pytest.mark.parametrize(("text", "tools"), MENDED)
def test_kinds_that_strangers_sentences_showed(text: str, tools: list[str]) -> None:
    assert tools_of(text) == tools


def test_a_value_keeps_its_end_and_is_nothing_else() -> None:
    (wish,) = read("Change my address to 19 Beech Avenue, Salem, OR 97301").wishes
    assert (wish.value, wish.clear) == ("19 Beech Avenue, Salem, OR 97301", True)  # no "or"
    (wish,) = read("Change my address to the one at 5 Main Street, Boston").wishes
    assert not wish.clear


async def test_a_wish_that_lacks_a_value_is_asked_for_after_the_other(talk: Talk) -> None:
    assert "freeze" in await talk.say("cancel my order and freeze card 4242")
    said = await talk.say("yes")
    assert "4242 is frozen" in said
    assert "O1003" in said
    assert await talk.say("yes") == "Order O1003 has been cancelled."


async def test_an_answer_is_taken_whole(talk: Talk) -> None:
    """Also where it is written as elsewhere: a number behind the street."""
    await talk.say("I want to change my address")
    assert "Lindenstraße 8, 10969 Berlin" in await talk.say("Lindenstraße 8, 10969 Berlin")


@pytest.mark.parametrize("text", ["wrong chat, sorry", "hang on"])
async def test_what_takes_a_wish_back_is_no_trouble(talk: Talk, text: str) -> None:
    await talk.say("Block my card")
    assert "left everything" in await talk.say(text)
    assert talk.tools == []


MAIL = (
    'Send an email to anna@example.com with the subject "Your invoice" saying "Please find it '
    'attached", bcc boss@example.com, attach 0123456789abcdef0123456789abcdef'
)


def test_what_an_act_is_done_with_speaks_against_nothing() -> None:
    """`saying` and `boss` are words of lists, and here parts of a mail."""
    examples = [text for text in shipped_skills().skills["send_email"].examples if "@" in text]
    missed = [text for text in [MAIL, *examples] if tools_of(text) != ["send_email"]]
    assert missed == ["new email to nina@example.com, subject Update"]  # says no verb
    assert read("My boss is saying: send an email to anna@example.com").wishes == []
    assert read("Do not send an email to anna@example.com saying hello").wishes == []


async def test_a_mail_is_said_back_before_it_is_sent(sqlite_desk: Desk) -> None:
    talk = Talk(sqlite_desk, STAFF)
    said = await talk.say(MAIL)
    assert all(value in said for value in ("anna@", "boss@", "Your invoice", "find it attached"))
    assert talk.statuses == ["confirm"]
