"""A customer's own name in what they write is no claim, and casts no doubt on the answer."""

from __future__ import annotations

import pytest

from deskward.assist.own_name import without_own_name
from deskward.text.sentences import sentences
from tests.assist.test_reply import opened, suggested
from tests.conftest import Call

QUESTION = "How long does a transfer take?"


@pytest.mark.parametrize(
    "body",
    [
        "{q}\n\nThanks\nAlex",
        "{q}\n\nAlex Morgan",
        "{q}\n\nViele Grüße\nAlex",
        "{q}\n\nCheers,\n\nAlex M.",
        "Hi, I'm Alex Morgan.\n{q}",
        "Hello, Alex here. {q} Best regards, Alex",
        "My name is Alex Morgan. {q}",
        "Hallo, ich bin Alex.\n{q}\nSaludos\nAlex",
        "{q} – Alex",
    ],
)
async def test_a_name_above_or_below_casts_no_doubt(sqlite_call: Call, body: str) -> None:
    bare = await suggested(sqlite_call, await opened(sqlite_call, QUESTION, QUESTION))
    ticket = await opened(sqlite_call, QUESTION, body.format(q=QUESTION))
    told = await suggested(sqlite_call, ticket)
    assert told["signals"]["foreign"] == []
    assert told["signals"]["doubts"] == []
    assert told["confidence"] == bare["confidence"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("{q}\n\nMy neighbour Bertram wants to know.", "bertram"),
        ("{q} Alex stole my card.", "stole"),
        ("{q} I am Alex and bankrupt.", "bankrupt"),
        ("{q}\n\nThanks\nnot Alex but Bertram", "bertram"),
    ],
)
async def test_what_is_no_name_of_theirs_stays_a_doubt(
    sqlite_call: Call, body: str, word: str
) -> None:
    ticket = await opened(sqlite_call, QUESTION, body.format(q=QUESTION))
    told = await suggested(sqlite_call, ticket)
    assert word in [each.casefold() for each in told["signals"]["foreign"]]
    assert "words" in told["signals"]["doubts"]


@pytest.mark.parametrize("name", ["Not Never", "", "12", "Stop"])
def test_no_name_takes_away_what_turns_a_sentence(name: str) -> None:
    said = sentences("Please transfer it. Not. Never - not")
    assert without_own_name(said, name) == said


def test_only_a_name_behind_a_mark_is_cut_off() -> None:
    [kept] = without_own_name(sentences("Why did you refund Alex"), "Alex Morgan")
    assert kept.text == "Why did you refund Alex"
    [kept] = without_own_name(sentences("Why was it refunded, Alex Morgan"), "Alex Morgan")
    assert kept.text == "Why was it refunded"
