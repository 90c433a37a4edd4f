"""Which of the records that were shown is meant."""

from __future__ import annotations

import json
import re

import pytest

from deskward.accounts.kinds import KINDS
from deskward.agent.model import Message
from deskward.agent.offline.refers import meant, shown
from deskward.orders.kinds import KINDS as ORDER_KINDS
from tests.agent.talk import Talk

CARDS = {"4242": {"last4": "4242"}, "4444": {"last4": "4444"}, "1881": {"last4": "1881"}}
ORDERS = {"O1003": {"created_at": "2026-11-03"}, "O1001": {"created_at": "2026-11-01"}}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("freeze the second one", "4444"),
        ("dann sperr mal die dritte", "1881"),
        ("bloquez la deuxième", "4444"),
        ("congela la primera", "4242"),
        ("blocca la seconda", "4444"),
        ("bloqueia o segundo", "4444"),
        ("2番目のを止めて", "4444"),
        ("جمّد الثانية", "4444"),
        ("freeze the last one", "1881"),
        ("freeze the fifth", None),
        ("freeze it", None),
        ("the first or the second?", None),
    ],
)
def test_a_place_in_the_list_names_one(said: str, name: str | None) -> None:
    assert meant(said, CARDS) == name


def test_the_newest_is_told_by_its_date() -> None:
    assert meant("cancel the last one", ORDERS) == "O1003"


def test_the_other_is_the_one_that_was_not_spoken_of() -> None:
    two = {name: CARDS[name] for name in ("4242", "4444")}
    assert meant("and the other one", two, ["4242"]) == "4444"
    assert meant("and the other one", CARDS, ["4242"]) is None


def test_one_alone_is_it() -> None:
    assert meant("cancel it", {"O1003": {}}) == "O1003"
    assert meant("cancel it", {}) is None


def test_records_are_found_in_what_tools_gave_last() -> None:
    answer = {"cards": [{"id": "card_1", "last4": "4242"}, {"id": "card_2", "last4": "4444"}]}
    messages = [
        Message("user", "which cards do I have?"),
        Message("tool", json.dumps(answer)),
        Message("assistant", "Two."),
        Message("user", "freeze the second"),
    ]
    assert list(shown(messages, re.compile(r"\d{4}"))) == ["4242", "4444"]
    later = [*messages, Message("assistant", "Sure."), Message("user", "well?")]
    assert list(shown(later, re.compile(r"\d{4}"))) == ["4242", "4444"]
    assert not shown(later, re.compile(r"T\d{4}"))


async def test_the_second_card_is_proposed_and_done_after_a_yes(talk: Talk) -> None:
    await talk.say("which cards do I have?")
    await talk.say("freeze the second one please")
    assert talk.statuses[-1] == "confirm"
    assert "4444" in await talk.say("yes")
    assert talk.statuses == ["ok"]


async def test_what_is_denied_of_it_is_not(talk: Talk) -> None:
    await talk.say("which cards do I have?")
    await talk.say("no, don't freeze the second one")
    assert "freeze_card" not in talk.tools


PAIR = {
    "4242": {"brand": "Visa", "last4": "4242", "status": "active"},
    "4444": {"brand": "Mastercard", "last4": "4444", "status": "frozen"},
}


@pytest.mark.parametrize(
    "said",
    [
        "its not the visa its the other one. put it on hold pls",
        "anything but the visa",
        "not the one ending in 4242",
        "not the first one",
        "don't block the visa, block the other one",
        "nicht die Visa, die andere, die große",
        "alles außer der Visa",
        "pas la visa, lautre. bloquez la",
        "toutes sauf la Visa",
        "no es la visa, es la otra",
        "todas menos la Visa",
        "non la visa, l'altra",
        "tutto tranne la Visa",
        "não é o visa, é o outro",
        "ビザじゃない方です",
        "ビザ以外を止めて",
        "مو الفيزا، الثانية. جمدوها",
        "كل البطاقات إلا الفيزا",
    ],
)
def test_what_is_said_not_to_be_meant_is_not(said: str) -> None:
    assert meant(said, PAIR, ["4242"]) == "4444"
    assert KINDS["card"].find(said, False) is None


@pytest.mark.parametrize(
    ("said", "card"),
    [
        ("the visa, not the mastercard", "4242"),
        ("no, the visa", "4242"),
        ("the card is not working, the visa", "4242"),
        ("the other one, not the mastercard", "4242"),
        ("マスターカードではなくビザです", "4242"),
        ("not only the visa", "4242"),
        ("je ne trouve pas la visa, bloquez-la", "4242"),
        ("no encuentro la visa, la otra la tengo", "4242"),
        ("non trovo la visa, l'altra ce l'ho", "4242"),
    ],
)
def test_what_else_is_said_no_of_excludes_nothing(said: str, card: str) -> None:
    assert meant(said, PAIR, ["4444"]) == card


def test_a_status_that_is_told_with_a_negation_excludes_nothing() -> None:
    orders = {"O1": {"status": "pending"}, "O2": {"status": "shipped"}}
    assert meant("the one that's not shipped", orders) == "O1"


def test_an_id_that_is_not_meant_is_none() -> None:
    assert ORDER_KINDS["order_id"].find("not O1002, O1003", False) == "O1003"
    assert ORDER_KINDS["order_id"].find("cancel order no 1003", False) == "O1003"
    assert KINDS["card"].find("freeze card no 4242", False) == "4242"
    assert ORDER_KINDS["order_id"].find("anything but O1002", False) is None
