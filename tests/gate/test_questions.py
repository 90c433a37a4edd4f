"""What a customer is asked shows each value whole and exactly, or is not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import deskward.accounts.tools
import deskward.orders.tools
from deskward.app import Desk
from deskward.core.errors import InvalidInput
from deskward.gate.questions import LONGEST, question_of, read_questions, values_of
from deskward.gate.tool import Risk, Tool
from tests.conftest import Call
from tests.everything import GROUPS
from tests.gate.test_confirmations import address, agent

SLICES = (deskward.accounts.tools, deskward.orders.tools)
QUESTIONS = {
    name: texts
    for module in SLICES
    for name, texts in read_questions(
        Path(str(module.__file__)).with_name("questions.yaml")
    ).items()
}
SAID = {
    "en": "please do that for me",
    "de": "bitte machen Sie das für mich",
    "fr": "faites cela pour moi s'il vous plaît",
    "es": "haga eso para mí por favor",
    "it": "lo faccia per me per favore",
    "pt": "faça isso para mim por favor",
    "nl": "doe dat voor mij alstublieft",
    "tr": "lütfen bunu benim için yapın",
}
VALUES = {
    "new_address": 'Apt. #5, 12 O\u2019Neil Street "East", c/o Kim & Co., 02110 Boston',
    "order_id": "O1003",
    "amount": "125.50",
    "status": "cancelled",
    "reason": "It came broken.",
}
RECORD = {"label": "Visa \u2022\u20224242", "currency": "USD"}


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("tool", QUESTIONS)
def test_all_languages_ask_with_usual_values(tool: str, language: str) -> None:
    texts = QUESTIONS[tool]
    given = {name: VALUES[name] for name in values_of(texts) & VALUES.keys()}
    question = question_of({"en": texts[language]}, tool, given, RECORD, [SAID[language]])
    if tool == "update_address":
        assert VALUES["new_address"] in question
    assert "{" not in question


HIDDEN = [
    "12 Elm St, Boston <!-- c/o 5 Shadow Road, Evilville -->",
    "[12 Elm Street, Boston](5_Shadow_Road_Evilville)",
    "c/o shop evil.example, 5 Shadow Road",
    "5 Shadow Road\u200b",
    "5 Shadow\u202eRoad",
    "5 Shadow\xad Road",
    "5 Shadow Road\u3164",
    "5 Shadow Road\ufe01",
    "5 Shadow Road\U000e0041",
    "5 Shadow Road\x1b[8m, Evilville",
    "5 *Shadow* Road",
    "5 Shadow Road&#x200b;",
    "5 Shadow Road&nbsp;&zwnj;",
    "5 Shadow Road\u2028Evilville",
    "\u201d? No, this one: \u201c12 Elm Street",
    "5 Shadow\\_Road",
    "card 4242 4242 4242 4242, Boston",
    "x " * LONGEST,
]


@pytest.mark.parametrize("value", HIDDEN)
@pytest.mark.parametrize("own", [QUESTIONS["update_address"], None])
def test_what_cannot_be_shown_exactly_is_not_asked(own: Any, value: str) -> None:
    with pytest.raises(InvalidInput):
        question_of(own, "Update address", {"new_address": value}, None, [])


def test_any_tools_values_stand_between_marks() -> None:
    values = {"to": "kim@shop.example", "text": "Hello,\nthere.", "days": 0, "pin": "**********"}
    assert question_of(None, "Send it", values, None, []) == (
        "Shall I do this: Send it (to: \u201ckim@shop.example\u201d, "
        "text: \u201cHello, \u23ce there.\u201d, days: 0, "
        "pin: \u201c\u2022\u2022\u2022\u2022\u2022\u2022\u201d)?"
    )


async def test_the_gate_refuses_it_and_says_why(sqlite_desk: Desk, sqlite_call: Call) -> None:
    before = await address(sqlite_call)
    outcome = await sqlite_desk.gate.call("update_address", {"new_address": HIDDEN[0]}, agent())
    assert outcome.value["error"]["code"] == "INVALID_INPUT"
    assert "no markup" in outcome.value["error"]["message"]
    assert await address(sqlite_call) == before


CHANGING = [tool for group in GROUPS for tool in group.tools if tool.risk is not Risk.READ]


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("tool", CHANGING, ids=lambda tool: tool.name)
def test_a_question_shows_every_value_of_its_call(tool: Tool, language: str) -> None:
    """Whichever tool an operator's policy has confirmed; what is secret nobody is shown."""
    secret = tool.secret
    shown = {name: f"value of {name}" for name in sorted(tool.parameters - tool.bound - secret)}
    hidden = dict.fromkeys(secret, "**********")
    record = {"label": "Visa", "currency": "USD"}
    question = question_of(tool.asks, tool.title, {**shown, **hidden}, record, [SAID[language]])
    for value in shown.values():
        assert value in question


def test_a_refund_is_asked_about_with_its_reason() -> None:
    given = {"order_id": "O1001", "amount": "5.00", "reason": "it came broken"}
    asked = question_of(QUESTIONS["refund_order"], "Refund", given, RECORD, [])
    assert asked == (
        "Shall I refund 5.00 USD of order O1001, for this reason: \u201cit came broken\u201d?"
    )


def test_what_a_question_leaves_out_stands_behind_it() -> None:
    """Also of a tool that gets another argument one day, whose texts nobody has changed."""
    own = {"en": ["Shall I cancel {order_id}?"]}
    asked = question_of(own, "Cancel", {"order_id": "O1001", "note": "b"}, None, [])
    assert asked == "Shall I cancel O1001? (note: \u201cb\u201d)"
    hidden = {"order_id": "O1001", "code": "**********"}
    assert question_of(own, "Cancel", hidden, None, []) == "Shall I cancel O1001?"
