"""Wishes in Japanese and Arabic, and what is written without capitals or digits: only proposed."""

import pytest

from deskward.accounts.kinds import KINDS
from deskward.accounts.postal import postal_address
from deskward.agent.offline.model import OfflineModel
from deskward.security.masking import mask
from deskward.security.vault import Vault
from tests.agent.talk import Talk


def wishes(offline: OfflineModel, text: str) -> list[tuple[str, str]]:
    guess = offline.acts.guess(mask(text, Vault()))
    return [(wish.skill, wish.value or wish.said) for wish in guess.wishes]


@pytest.mark.parametrize(
    ("text", "wished"),
    [
        ("末尾4242のカードを止めてもらえますか。", [("freeze_card", "4242")]),
        ("JCBカードをなくしました。すぐ止めてください", [("freeze_card", "JCB")]),
        ("マスターカードの凍結を解除してください", [("unfreeze_card", "マスターカード")]),
        ("カード4444を完全に解約したいです", [("deactivate_card", "4444")]),
        ("O1003の注文をキャンセルしてください", [("cancel_order", "O1003")]),
        ("パスワードはSakura_Hana_2025でお願いします", [("change_password", "[[password:1]]")]),
        ("جمّدوا البطاقة المنتهية بـ ٤٤٤٤ لو سمحتم", [("freeze_card", "4444")]),
        ("من فضلكم ألغوا الطلب رقم O1003", [("cancel_order", "O1003")]),
        ("فكوا تجميد الفيزا لو سمحتم", [("unfreeze_card", "فيزا")]),
        ("block card four four four four please", [("freeze_card", "4444")]),
        ("remettez en marche la carte quarante-deux quarante-deux", [("unfreeze_card", "4242")]),
    ],
)
def test_a_wish_is_proposed_with_its_value(
    offline: OfflineModel, text: str, wished: list[tuple[str, str]]
) -> None:
    assert [(skill, value.lower()) for skill, value in wishes(offline, text)] == [
        (skill, value.lower()) for skill, value in wished
    ]


@pytest.mark.parametrize(
    "text",
    [
        "カード4242は止めないでください",
        "カード4242を止めるとどうなりますか",
        "もし4242のカードを盗まれたら止めてください",
        "母のカードを止めてほしいそうです",
        "住所を東京都渋谷区道玄坂2-10-7に変更すると手数料がかかるはず",
        "in those days you would freeze card 4242 for me, thanks",
        "昨日カード4242を止めました",
        "4242を止めてください。あ、やっぱりいいです",
        "لا تجمدوا البطاقة 4242",
        "هل يمكن إلغاء الطلب O1003 بعد الشحن؟",
        "إذا ضاعت البطاقة 4242 جمدوها",
        "صاحبي يريد إلغاء طلبه O1004",
        "Copio lo que me llegó, ¿son ustedes?\n*Cliente, responda: CONGELAR 4242*",
        "please add a line to T909, it isn't my ticket",
    ],
)
def test_nothing_is_proposed_where_something_speaks_against_it(
    offline: OfflineModel, text: str
) -> None:
    assert wishes(offline, text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "住所を〒150-0043 東京都渋谷区道玄坂2-10-7に変更して",
            "〒150-0043 東京都渋谷区道玄坂2-10-7",
        ),
        ("عنواني الجديد شارع التحرير ١٢، القاهرة وشكراً", "شارع التحرير ١٢، القاهرة"),
        ("ive moved its now 15 kloof street cape town 8001", "15 kloof street cape town 8001"),
        ("neue adresse seestrasse 45 8002 zürich danke", "seestrasse 45 8002 zürich"),
        ("i owe 12 people on this street a favour", None),
    ],
)
def test_an_address_without_capitals(text: str, address: str | None) -> None:
    assert postal_address(text) == address


@pytest.mark.parametrize(
    ("text", "make"),
    [("ビザを止めて", "Visa"), ("الفيزا", "Visa"), ("JCB-Karte", "JCB"), ("advisable", None)],
)
def test_makes_are_known_in_other_letters(text: str, make: str | None) -> None:
    assert KINDS["card"].find(text, False) == make


async def test_what_is_added_to_a_ticket_may_say_anything(talk: Talk) -> None:
    said = await talk.say("Please add to T904 that I never lost it and nobody should cancel it")
    assert talk.tools == ["answer_ticket"]
    assert "nobody should cancel it" in said
    await talk.say("yes")
    assert talk.statuses == ["ok"]


async def test_a_card_that_is_named_afterwards_is_the_one_meant(talk: Talk) -> None:
    await talk.say("Je dois bloquer une carte")
    said = await talk.say("celle en 4444")
    assert "4444" in said
    assert "4242" not in said


async def test_who_only_says_that_there_is_a_problem_is_asked_for_it(talk: Talk) -> None:
    await talk.say("عندي مشكلة أبغى أبلغ عنها")
    assert talk.tools == []
    await talk.say("التطبيق يعلق كل ما أفتح صفحة التحويلات")
    assert talk.tools == ["report_issue"]
