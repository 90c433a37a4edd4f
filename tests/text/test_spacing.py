"""Texts in scripts without spaces, or with other marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.text.spacing import spaced, words_apart


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ご注文O8011は発送済みです。", "ご注文 O8011 は発送済みです. "),
        ("31万円の入金", "310000 円 の入金"),
        ("1万2500円です", "12500 円 です"),
        ("2026年3月1日に", " 3月 1, 2026 に"),
        ("（３，２００円）", "(3,200 円)"),
        ("رصيدك ٥٬٤٢٠٫٥٠ دولار؟", "رصيدك 5,420.50 دولار? "),
        ("ألغيتُ الطلبـ", "الغيت الطلب"),
        ("Schön für 5 €!", "Schön für 5 €!"),
    ],
)
def test_marks_and_digits_become_the_usual_ones(text: str, seen: str) -> None:
    assert spaced(text) == seen


def test_words_of_japanese_stand_apart() -> None:
    assert words_apart("カードを停止しました").split() == ["カード", "を", "停止", "しました"]
    assert words_apart("停止できません").split() == ["停止", "でき", "ません"]


@given(st.text(alphabet="3月1日年万円0ただカード止。؟ألاA €", max_size=40))
def test_what_is_spaced_stays_so(text: str) -> None:
    assert spaced(spaced(text)).split() == spaced(text).split()
