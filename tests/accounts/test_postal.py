"""An address is found by its shape, whole, and nothing that only looks a little like one."""

import pytest

from deskward.accounts.kinds import KINDS
from deskward.accounts.postal import postal_address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12 Elm Street, Boston", "12 Elm Street, Boston"),
        ("7 rue de la Paix, Paris", "7 rue de la Paix, Paris"),
        ("au 27 bis boulevard de la Liberté, Lille", "27 bis boulevard de la Liberté, Lille"),
        ("es calle de los Olmos 4, 28013 Madrid", "calle de los Olmos 4, 28013 Madrid"),
        ("5 ter, rue de l'Église, 69000 Lyon", "5 ter, rue de l'Église, 69000 Lyon"),
        ("8 xyz von der blah tra des Cèdres, 59000 Lille", None),
        ("Zinnia Avenue 77, 19901 Dover, thanks", "Zinnia Avenue 77, 19901 Dover"),
        (
            "mudei. Rua Augusta, 1500, apto 42, São Paulo, SP, 01304-001",
            "Rua Augusta, 1500, apto 42, São Paulo, SP, 01304-001",
        ),
        (
            "Rua das Flores, 25, bloco b, 3º andar, Curitiba - PR, 80020-000, obrigado",
            "Rua das Flores, 25, bloco b, 3º andar, Curitiba - PR, 80020-000",
        ),
        ("Via Roma 7, int. 4, 20121 Milano grazie", "Via Roma 7, int. 4, 20121 Milano"),
        ("Müllerstr. 5, 3. Stock, 10115 Berlin", "Müllerstr. 5, 3. Stock, 10115 Berlin"),
        ("12 Garden Street, Springfield - and call me", "12 Garden Street, Springfield"),
        ("in via Verdi 6, anzi no, via Verdi 16, 10124 Torino", "via Verdi 16, 10124 Torino"),
        ("Am Str. 5 Berlin Mitte", "Am Str. 5 Berlin Mitte"),
        ("my code is [[password:1]] 5 Elm Street", "5 Elm Street"),
        ("MY ADDRESS IS 5 ELM STREET BOSTON", "5 ELM STREET BOSTON"),
        ("I moved to 5 Elm Street. Boston is nice", "5 Elm Street"),
        ("5 Elm Street! Boston rocks", "5 Elm Street"),
        ("Send it (5 Elm Street, Boston) please", "5 Elm Street, Boston"),
        ("old: 9 Shadow Road; new: 5 Elm Street, Boston", "5 Elm Street, Boston"),
        ("My card 4242 Visa Gold", None),
        ("I live at Elm Street", None),
        ("an address 5 of Anna", None),
        ("Order O1003 from Berlin Shop 5", None),
        ("call me 5", None),
    ],
)
def test_an_address_is_found_whole_or_not_at_all(text: str, found: str | None) -> None:
    assert postal_address(text) == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            "Rua Dr. Flores 262, conj. 54, Porto Alegre",
            "Rua Dr. Flores 262, conj. 54, Porto Alegre",
        ),
        ("12 Oak St. Leeds LS1 4AB. Thanks so much", "12 Oak St. Leeds LS1 4AB"),
        ("P. O. Box 12, Leeds. Bye", "P. O. Box 12, Leeds"),
        ("Elm Street 5, Boston, MA. Übrigens: danke", "Elm Street 5, Boston, MA"),
    ],
)
def test_an_abbreviation_does_not_end_an_address(answer: str, found: str) -> None:
    assert KINDS["address"].find(answer, True) == found
