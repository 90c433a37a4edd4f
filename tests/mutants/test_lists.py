"""The list of defences fits the sources, so that `make mutants` can take each out."""

import pytest
from tools.mutants import Mutant, all_mutants

MUTANTS = all_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_defence_is_where_the_list_says(mutant: Mutant) -> None:
    assert mutant.problem is None


def test_no_two_are_alike() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
