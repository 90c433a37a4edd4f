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


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("call ０１５１２３４５６７８ now", "call [number] now"),
        ("call ⓪①⑤①②③④⑤⑥⑦⑧ now", "call [number] now"),
        ("call 0151\u200b234\u200b56789 now", "call [number] now"),
        ("call ۰۱۵۱\u200c۲۳۴\u200c۵۶۷۸۹ now", "call [number] now"),
        ("call 0151 - 234 - 56789 now", "call [number] now"),
        ("mail anna＠example.com now", "mail [email] now"),
        ("mail anna(at)example.com now", "mail [email] now"),
        ("mail anna.lee [at] example [dot] com now", "mail [email] now"),
        ("mail anna at example dot com now", "mail [email] now"),
        ("I am @anna_m there", "I am [id] there"),
        ("it is 8f14e45f-ceea-167a-5a36-dedd4bea2543 there", "it is [id] there"),
        ("order Ｔ１２３４ and ABCDE12345", "order [id] and [id]"),
        ("see https：//shop.example/u/me now", "see [link] now"),
    ],
)
def test_other_forms_hide_nothing(said: str, left: str) -> None:
    assert without_people(said) == left


@pytest.mark.parametrize(
    "text",
    [
        "我叫什么？订单在哪里，谢谢！",
        "می\u200cخواهم سفارشم را ببینم",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 … “ok” ½ price",
        "ฉันทำบัตรหาย",
        "it shows error404 at checkout @ 5 pm, look at the dots",
    ],
)
def test_what_tells_of_nobody_stays_as_it_is_written(text: str) -> None:
    assert without_people(text) == text


def test_an_id_is_masked_as_a_whole() -> None:
    known = ["Ann Lee", "user_001", "shop.k7"]
    said = "USER_001 is a user of ours, and shop.k7's shop is user_0012's"
    assert without_people(said, known) == "[id] is a user of ours, and [id]'s shop is [id]'s"


def test_secrets_are_masked_too() -> None:
    assert "Hunter2" not in without_people("my password is Hunter2-hunter")


def test_what_may_be_a_name_stands_inside_a_sentence() -> None:
    found = perhaps_names("Maria wrote. I told Peter that Printer X is on. “Yes”, said O'Neill.")
    assert found == {"Peter", "Printer", "O'Neill"}


@given(st.text(max_size=200), st.sampled_from(["Ann Lee", "name", "email", "", "a b"]))
def test_masking_twice_is_masking_once(text: str, name: str) -> None:
    once = without_people(text, [name])
    assert without_people(once, [name]) == once
