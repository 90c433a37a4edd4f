"""Who speaks against a deed, and what an answer leans to."""

from __future__ import annotations

import pytest

from deskward.text.against import is_well, leaning, speaks_against, turns_over

NAMES = ("diagnos", "диагност", "診断")
AGAINST = (
    "No, please do not start a diagnosis. I only want to know your opening hours.",
    "Bitte starte keine Diagnose, ich frage nur.",
    "What would happen if you started a diagnosis because our calls get a 429?",
    "My neighbour's calls get a 429, nothing is wrong with mine.",
    "Не начинай диагностику, у меня всё работает.",
    "診断は始めないでください。429は昨日のことです。",
    "If the calls get a 429 tomorrow I will ask you for a diagnosis.",
    "No.",
)
FOR = (
    "Our calls get a 429",
    "Since noon our calls get a 429, as if we had reached the rate limit.",
    "We cannot sign in, it does not work.",
    "The VPN works fine, but the sync is stuck.",
    "Please start a diagnosis: our calls fail.",
    "接続できません。",
    "Мы не можем войти.",
)


@pytest.mark.parametrize("said", AGAINST)
def test_who_speaks_against_a_deed(said: str) -> None:
    assert speaks_against(said, NAMES, of_trouble=True)


@pytest.mark.parametrize("said", FOR)
def test_a_trouble_has_negations_and_speaks_against_nothing(said: str) -> None:
    assert not speaks_against(said, NAMES, of_trouble=True)


def test_what_speaks_only_against_trouble_speaks_against_no_other_deed() -> None:
    assert not speaks_against("Everything is fine with the parcel.", ("ticket",))
    assert speaks_against("Please do not open a ticket.", ("ticket",))


@pytest.mark.parametrize(
    ("said", "leans"),
    [
        ("Yes, it does.", True),
        ("ja, das steht da", True),
        ("はい、出ています", True),
        ("Да, пишет", True),
        ("No, it does not", False),
        ("Nein, tut es nicht.", False),
        ("いいえ、出ていません", False),
        ("Нет, не пишет", False),
        ("Yes, but not always", None),
        ("Yes, I think so", None),
        ("No, but sometimes", None),
        ("Hm, yes?", None),
        ("yes, no", None),
        ("いいえ、たぶん違います", None),
        ("No, it no longer does", False),
        ("No, but it did", None),
        ("Yes, if I wait", None),
        ("It does not", None),
        ("", None),
    ],
)
def test_an_answer_leans_to_what_it_begins_with(said: str, leans: bool | None) -> None:
    assert leaning(said) is leans


@pytest.mark.parametrize(
    "said",
    [
        "429、たぶん",
        "たぶん429です",
        "可能是429",
        "429 لكن لست متأكدا",
        "429ですがわかりません",
    ],
)
def test_who_is_not_sure_is_so_in_scripts_that_part_no_words(said: str) -> None:
    assert turns_over(said)


def test_a_question_in_any_script_says_nothing_of_how_it_is() -> None:
    assert is_well("كل شيء يعمل")
    assert not is_well("هل كل شيء يعمل؟")


def test_all_is_well_where_nothing_turns_it_over() -> None:
    assert is_well("Danke, es geht wieder.")
    assert not is_well("Everything works, but not the sync.")
    assert not is_well("Is everything fine?")
    assert not is_well("It isn't true that everything works.")
