"""What a text denies it does not say, in any alphabet; and a phrase is not found within a word."""

from __future__ import annotations

import pytest

from deskward.escalation.rules import load
from deskward.text.polarity import said_plainly

OUTAGE = next(one.words for one in load().rules if one.id == "outage")


@pytest.mark.parametrize(
    "text",
    [
        "Our users see a loss; no answer: data loss",
        "Сервис недоступен у всех пользователей, данные потеряны.",
        "全ユーザーでサービスが停止しています。大規模障害です。",
        "الخدمة متوقفة لدى الجميع",
        "大規模障害が発生しています",
        "There is an outage",
        "Outages everywhere",
        "We cannot work because of the outage",
        "No answer yet, and an outage",
        "Not working: outage!",
        "We don't know why there is an outage",
        "Seit Mai Ausfall",
        "Seit Mai haben wir einen Ausfall",
        "Wir können wegen Ausfall nicht arbeiten",
        "Ausfall!",
        "Es ist nicht nur ein Ausfall",
        "障害のため使えません",
        "サービスが停止していて使えません",
        "Une panne générale",
        "Il n'y a pas d'accès depuis la panne",
        "服务中断了",
        "서비스 장애가 발생했습니다",
        "Kesinti var",
        "Сбой не устранён",
        "Is it not an outage?? nothing works",
        "Awaria w całej firmie",
        "There is no doubt: an outage",
        "The outage is not over.",
        "השירות לא זמין לכולם",
        "Uusi käyttökatko",
    ],
)
def test_an_outage_is_one(text: str) -> None:
    assert said_plainly(text, OUTAGE)


@pytest.mark.parametrize(
    "text",
    [
        "There is no outage, all is fine.",
        "Kein Ausfall bei uns, danke.",
        "Нет сбоя",
        "Pannenkoeken zijn lekker",
        "It isn't an outage",
        "We have not seen any outage",
        "Without data loss, fine",
        "障害はありません",
        "障害は発生していません",
        "没有发生服务中断",
        "서비스 장애는 없습니다",
        "Kesinti yok",
        "Сбоя нет, спасибо",
        "Aucune panne chez nous",
        "Il n'y a pas de panne",
        "No hay ninguna caída del servicio",
        "لا يوجد انقطاع الخدمة",
        "Nie ma awarii",
        "No outages",
        "Es gab keinen Ausfall",
        "Geen dataverlies",
        "Ingen driftstopp",
        "Není výpadek",
        "אין השבתה",
    ],
)
def test_what_is_denied_is_not_said(text: str) -> None:
    assert said_plainly(text, OUTAGE) == []


def test_what_is_denied_once_may_be_said_later() -> None:
    text = "There was no outage yesterday. Today there is an outage, without data loss."
    assert said_plainly(text, ["outage", "data loss"]) == ["outage"]


@pytest.mark.parametrize(
    ("phrase", "said"),
    [("panne", False), ("panne*", True), ("koeken", False), ("pannenkoek", True)],
)
def test_words_are_whole_ones(phrase: str, said: bool) -> None:
    assert bool(said_plainly("Pannenkoeken zijn lekker.", [phrase])) is said
    assert said_plainly("data\n  LOSS", ["data loss"]) == ["data loss"]


def test_no_text_takes_long() -> None:
    assert said_plainly("no outage. " * 99, ["outage"]) == []
    assert said_plainly("no outage. " * 20_000, ["outage"]) == ["outage"]
