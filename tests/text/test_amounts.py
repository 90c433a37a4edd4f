"""Amounts of money that are written in words, short dates, and numbers of lists."""

import pytest

from deskward.text.amounts import in_digits
from deskward.text.clauses import sentences
from deskward.text.values import units, values_in


@pytest.mark.parametrize(
    ("language", "said", "written"),
    [
        ("en", "five thousand four hundred and twenty dollars and fifty cents", "5420.50 dollars"),
        ("en", "Seventy-seven dollars.", "77 dollars."),
        ("de", "Neunundachtzig Dollar und achtzig Cent.", "89.80 Dollar."),
        ("de", "fünftausendvierhundertzwanzig Dollar", "5420 Dollar"),
        ("fr", "Neuf cent quatre-vingt-cinq mille yens.", "985000 yens."),
        ("fr", "cent vingt-neuf dollars et cinquante cents", "129.50 dollars"),
        ("es", "Diecinueve dólares con noventa y cinco centavos.", "19.95 dólares."),
        ("it", "cinquemilaquattrocentoventi dollari", "5420 dollari"),
        ("pt", "São oitocentos e cinquenta e nove mil ienes.", "São 859000 ienes."),
    ],
)
def test_amounts_in_words_are_written_in_digits(language: str, said: str, written: str) -> None:
    assert in_digits(said, language, units(language)) == written


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I have one question, and a half thought of a dollar."),
        ("en", "five of hundred"),
        ("es", "siete dólares y medio"),
        ("fr", "les deux sont là"),
        ("it", "il primo marzo"),
        ("pt", "Mil dólares"),
        ("ja", "五 ドル"),
    ],
)
def test_other_words_stay(language: str, said: str) -> None:
    assert in_digits(said, language, units(language)) == said


def test_of_what_is_near_an_amount_the_thousands_stay_in_words() -> None:
    said = "a little over five thousand four hundred dollars"
    assert in_digits(said, "en", units("en")) == "a little over five thousand dollars"


def test_a_day_and_a_month_are_a_date_in_either_order() -> None:
    (found,) = values_in("am 11/03 um", {}, "de")
    assert found.kind == "date"
    assert found.dates == {(0, 11, 3), (0, 3, 11)}
    assert [one.kind for one in values_in("24/7, 40/50, 3/4/5", {}, "en")].count("date") == 0


def test_the_number_of_a_line_is_no_part_of_what_it_says() -> None:
    assert sentences("1) Visa 7878\n2. O2080, pending\n30.5 kg") == [
        "Visa 7878",
        "O2080, pending",
        "30.5 kg",
    ]
