"""What an utterance gives to what a record asks."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.gate.answers import is_answer, is_told, number_in
from deskward.text.wishes import Wish

CHOICES = ["wifi: By Wi-Fi", "cable: By a cable", "mobile_data: Over mobile data"]
WISH = Wish("", answers="helped", affirms=("helped", "it works"), denies=("not helped",))


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        ("yes_no", True, "Yes, it is"),
        ("yes_no", False, "nee, dat is het niet"),
        ("number", 429, "It says 429."),
        ("number", 0.5, "0,5 Sekunden"),
        ("number", 1200, "about 1,200 ms"),
        ("number", 300, "３００"),
        ("choice", "wifi", "Over the wifi"),
        ("choice", "wifi", "1"),
        ("choice", "mobile_data", "mobile data"),
        ("choice", "cable", "By a cable."),
        ("text", "ECONNRESET", "It says ECONNRESET."),
        ("text", "connection reset by peer", "I see: connection reset by peer"),
    ],
)
def test_it_gives_this(form: str, value: Any, said: str) -> None:
    assert is_answer({"asks": form, "choices": CHOICES}, value, said)


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        ("yes_no", True, "No"),
        ("yes_no", 1, "Yes"),
        ("yes_no", True, "yes and no"),
        ("number", 429, "429 or 403"),
        ("number", 429, "It is not 429"),
        ("number", 29, "It says 429."),
        ("number", True, "1"),
        ("choice", "wifi", "Not the wifi"),
        ("choice", "wifi", "wifi or a cable: cable"),
        ("choice", "wifi", "2"),
        ("choice", "wifi", "4"),
        ("choice", "wifi", "the wifi, but at home"),
        ("text", "E", "It says ECONNRESET."),
        ("text", "", ""),
        ("", True, "yes"),
    ],
)
def test_it_does_not_give_this(form: str, value: Any, said: str) -> None:
    assert not is_answer({"asks": form, "choices": CHOICES}, value, said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It helped.", True),
        ("Everything works again, thanks", True),
        ("It has not helped.", False),
        ("It has not helped, it works", None),
        ("Not sure it helped", None),
        ("If it works I will tell you", None),
        ("yes", None),
    ],
)
def test_whether_something_is_so_is_told_or_is_not(said: str, told: bool | None) -> None:
    assert is_told(WISH, True, said) is (told is True)
    assert is_told(WISH, False, said) is (told is False)


@pytest.mark.parametrize(
    ("said", "number"),
    [("1,200 ms", 1200), ("0,5", 0.5), ("1.234.567", 1_234_567), ("1.2.3", None), ("2 or 3", None)],
)
def test_a_number_is_one_that_is_an_answer(said: str, number: float | None) -> None:
    assert number_in(said) == number
    assert number is None or is_answer({"asks": "number"}, number, said)
