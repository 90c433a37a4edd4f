"""One part of an address corrected: what it is merged into, and what corrects nothing."""

import pytest

from deskward.agent.offline.amending import amended

ELM = "12 Elm Street, Springfield, IL 62704"


@pytest.mark.parametrize(
    ("value", "said", "whole"),
    [
        (ELM, "sorry, 21 Elm St", "21 Elm St, Springfield, IL 62704"),
        (ELM, "not 12 but 14", "14 Elm Street, Springfield, IL 62704"),
        (ELM, "zip is 62705", "12 Elm Street, Springfield, IL 62705"),
        (
            "40 Oak Ave Apt 7, Rome 00185",
            "the apartment is 17, not 7",
            "40 Oak Ave Apt 17, Rome 00185",
        ),
        ("Rua Augusta, 1500, apto 42, SP", "ops é apto 24", "Rua Augusta, 1500, apto 24, SP"),
        ("Lindenweg 7, 24103 Kiel", "ups, Hausnummer 17", "Lindenweg 17, 24103 Kiel"),
        ("Lindenweg 7, 24103 Kiel", "nein, Gartenweg, nicht Lindenweg", "Gartenweg 7, 24103 Kiel"),
        ("Calle Mayor 12, 28013 Madrid", "no, Sevilla, no Madrid", "Calle Mayor 12, 28013 Sevilla"),
        ("東京都渋谷区神南1-2-3", "すみません、1-2-5です", "東京都渋谷区神南1-2-5"),
        ("15 شارع التحرير، الجيزة 12311", "لا، رقم المبنى 51", "51 شارع التحرير، الجيزة 12311"),
        ("Hauptstr. 12, 10115 Berlin", "ach nee, Hausnummer 14", "Hauptstr. 14, 10115 Berlin"),
        (
            "8 rue Victor Hugo, 69002 Lyon",
            "pardon, 18 rue Victor Hugo",
            "18 rue Victor Hugo, 69002 Lyon",
        ),
    ],
)
def test_a_part_is_merged_into_the_whole(value: str, said: str, whole: str) -> None:
    assert amended(value, said) == whole


@pytest.mark.parametrize(
    "said",
    [
        "no",
        "sorry, 5 Oak St",
        "my number is 5551234",
        "i lived at 21 Elm Street",
        "is it 21 Elm Street?",
        "Elm Street 9 is where my ex lives",
        "not 13 but 14",
        "not now, maybe later",
        "no, Tuesday, not Monday",
        "14 15 16",
        "😀",
    ],
)
def test_what_surely_corrects_nothing_changes_nothing(said: str) -> None:
    assert amended(ELM, said) is None


def test_a_number_that_stands_twice_is_not_known() -> None:
    assert amended("7 Elm Street Apt 7, Rome 00185", "9, not 7") is None
