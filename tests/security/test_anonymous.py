"""Texts of people without what tells who they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.security.anonymous import perhaps_names, without_people


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mail me at ann.lee@example.com, please.", "Mail me at [email], please."),
        ("Call +41 44 555 01 23 or 0445550124.", "Call [number] or [number]."),
        ("My IBAN is CH93 0076 2011 6238 5295 7.", "My IBAN is [number]."),
        ("Order O1001 and ticket T-20231 are late", "Order [id] and ticket [id] are late"),
        ("See https://shop.example.com/o?token=abc now", "See [link] now"),
        ("Ann Lee here, Lee's card; ANN again", "[name] here, [name] card; [name] again"),
        ("Anna's annex", "Anna's annex"),
        ("王伟 asked", "[name] asked"),
        ("It takes 14 days, 3.5 % or 1,000 units in 2026.",) * 2,
    ],
)
def test_what_tells_who_somebody_is_is_masked(text: str, masked: str) -> None:
    assert without_people(text, ["Ann Lee", "王伟"]) == masked


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("私は田中太郎です", "田中太郎"),
        ("제 이름은 김철수입니다", "김철수"),
        ("我叫王小明，我的卡丢了", "王小明"),
        ("ฉันชื่อสมชายบัตรหาย", "สมชาย"),
        ("передайте Ивану Петрову", "Иван Петров"),
        ("أعطها لمحمد علي", "محمد علي"),
        ("Ju\u0308rgen fragt", "Jürgen"),
        ("Jurgen fragt", "Jürgen"),
    ],
)
def test_a_known_name_is_masked_however_it_is_written(text: str, name: str) -> None:
    masked = without_people(text, [name])
    assert "[name]" in masked
    for part in name.split():
        assert part not in masked


@pytest.mark.parametrize(
    "number", ["030.1234.5678", "030–1234–5678", "030\u00a01234\u00a05678", "030_12345678"]
)
def test_a_telephone_number_is_one_with_any_signs_between(number: str) -> None:
    assert without_people(f"call {number} now") == "call [number] now"


def test_secrets_are_masked_too() -> None:
    assert "Hunter2" not in without_people("my password is Hunter2-hunter")


def test_what_may_be_a_name_stands_inside_a_sentence() -> None:
    found = perhaps_names("Maria wrote. I told Peter that Printer X is on. “Yes”, said O'Neill.")
    assert found == {"Peter", "Printer", "O'Neill"}


@given(st.text(max_size=200), st.sampled_from(["Ann Lee", "name", "email", "", "a b"]))
def test_masking_twice_is_masking_once(text: str, name: str) -> None:
    once = without_people(text, [name])
    assert without_people(once, [name]) == once
