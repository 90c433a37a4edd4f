"""Numbers that are written in words."""

from decimal import Decimal

import pytest

from deskward.text.spelled import rounded, thousands_in


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("a little over five thousand dollars", "en", [5000]),
        ("rund fünftausend dollar", "de", [5000]),
        ("environ cinq mille dollars", "fr", [5000]),
        ("unos cinco mil dólares", "es", [5000]),
        ("circa cinquemila dollari", "it", [5000]),
        ("cerca de cinco mil dólares", "pt", [5000]),
        ("five of a thousand", "en", []),
        ("familia", "it", []),
    ],
)
def test_thousands_are_read(text: str, language: str, found: list[int]) -> None:
    assert list(thousands_in(text.split(), language)) == found


def test_a_round_number_is_what_one_may_call_an_amount() -> None:
    assert rounded(5000, {Decimal("5420.50")})
    assert rounded(6000, {Decimal("5900")})
    assert not rounded(6000, {Decimal("5420.50")})
    assert not rounded(5000, {Decimal("985000")})
