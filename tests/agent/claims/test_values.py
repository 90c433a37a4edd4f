"""Amounts in words and short dates in what a reply claims."""

import pytest

from tests.agent.claims.test_claims import flagged


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            "Your balance is five thousand four hundred and twenty dollars and fifty cents.",
            "Your balance is five thousand two hundred and forty dollars and fifty cents.",
        ),
        (
            "Ihr Kontostand beträgt fünftausendvierhundertzwanzig Dollar und fünfzig Cent.",
            "Ihr Kontostand beträgt fünfhundertzwanzig Dollar und fünfzig Cent.",
        ),
        (
            "Votre solde est de cinq mille quatre cent vingt dollars et cinquante cents.",
            "Votre solde est de quatre-vingt-dix dollars.",
        ),
    ],
)
def test_an_amount_in_words_is_compared_as_one_in_digits(right: str, wrong: str) -> None:
    assert not flagged(right, "balance")
    assert flagged(wrong, "balance")


def test_a_short_date_is_compared_as_a_long_one() -> None:
    assert not flagged("La última operación es una compra de 89,99 $ el 11/03.", "transactions")
    assert flagged("La última operación es una compra de 89,99 $ el 12/03.", "transactions")
