"""What sentences that were learned from tell of a message, beside its words."""

from __future__ import annotations

import pytest

from deskward.agent.events import ToolCalled
from deskward.agent.offline.meant import UNWISHED
from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import NONE
from tests.agent.talk import Talk
from tests.everything import shipped_skills

DENIED = [
    "I do not want a refund for O1001",
    "I don't want to speak to a human",
    "Je ne veux pas de remboursement",
    "Keine Erstattung für O1001, danke",
    "No quiero ningún reembolso",
]


@pytest.fixture(scope="module")
def model() -> OfflineModel:
    return OfflineModel(shipped_skills())


@pytest.mark.parametrize("said", DENIED)
async def test_who_denies_it_is_not_handed_over(talk: Talk, said: str) -> None:
    answer = await talk.say(said)
    assert "hand_over" not in talk.tools or talk.statuses == ["confirm"], answer


async def test_who_says_only_under_which_condition_is_asked(talk: Talk) -> None:
    answer = await talk.say("If it comes late I want a refund for order O1004")
    assert answer.startswith("Shall I hand this over to a person?")
    await talk.say("yes")
    assert talk.statuses == ["ok"]


@pytest.mark.parametrize(
    "said",
    [
        "I want a refund for O1001",
        "my parcel never arrived, refund me",
        "I want to talk to a human",
    ],
)
async def test_who_wishes_it_is_handed_over(talk: Talk, said: str) -> None:
    await talk.say(said)
    assert talk.tools == ["hand_over"]
    assert talk.statuses == ["ok"]


async def test_who_does_not_want_something_else_is_asked(talk: Talk) -> None:
    await talk.say("I don't want to talk to a bot")
    assert talk.statuses == ["confirm"]
    await talk.say("yes")
    assert talk.statuses == ["ok"]


@pytest.mark.parametrize(
    ("said", "skill"),
    [
        ("ola kiero canselar el pedido o1003 xfa", "cancel_order"),
        ("ciao vorei anulare lordine o1003 grz", "cancel_order"),
        ("Please shut down card 4242 for good, it is in pieces", "deactivate_card"),
        ("visa would like to know how you are", NONE),
        ("what does it cost to have a card replaced", NONE),
    ],
)
def test_wishes_are_told_from_talk(model: OfflineModel, said: str, skill: str) -> None:
    wanted = model.wanted(said)
    assert max(wanted, key=lambda name: wanted[name]) == skill


def test_without_sentences_nothing_is_told(model: OfflineModel) -> None:
    skills = shipped_skills().model_copy(update={"wishes": {}})
    assert OfflineModel(skills, lazy=True).wanted("freeze card 4242") == {}


@pytest.mark.parametrize(
    "said",
    [
        "Visaを止めてください、いや違った、マスターカードの方です",
        "أوقف الفيزا، لا آسف، الماستركارد",
        "Block my Visa, no sorry, the Mastercard",
    ],
)
async def test_of_two_makes_the_corrected_one_is_meant(talk: Talk, said: str) -> None:
    await talk.say(said)
    await talk.say("yes")
    called = [event for event in talk.events if isinstance(event, ToolCalled)]
    assert [event.arguments["card"] for event in called if event.name == "freeze_card"] in (
        ["Mastercard"],
        ["4444"],
    )


async def test_a_card_is_found_in_whatever_digits(talk: Talk) -> None:
    await talk.say("末尾４２４２のカードを一時停止してください")
    assert "4242" in await talk.say("はい")
    assert talk.statuses == ["ok"]


def test_a_password_that_is_only_told_is_no_wish(model: OfflineModel) -> None:
    assert "do_change_password" not in model.acts.cues("My password is [[password:1]]")


@pytest.mark.parametrize(
    "said",
    [
        "enséñame todas mis quejas con su estado",
        "T905の状況はどうなっていますか",
        "wo bleibt meine Bestellung O1003",
    ],
)
def test_who_only_wants_to_see_it_wishes_no_act(model: OfflineModel, said: str) -> None:
    assert model.wanted(said)[NONE] > UNWISHED
