"""The lists of defences fit the sources, so that `make mutants` can take each out."""

from dataclasses import replace

import pytest
from tools import mutants
from tools.mutants import PACKAGE, ROOT, Mutant, all_mutants

MUTANTS = all_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_defence_is_where_the_list_says(mutant: Mutant) -> None:
    assert mutant.problem is None


def test_there_are_many_and_no_two_are_alike() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 60
    assert len({(m.file, m.take, m.put) for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.slow
def test_only_what_a_test_shows_is_red(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = next(m for m in MUTANTS if m.name == "a wish is over some utterances later")
    survives = replace(shown, name="nothing is taken out", put=f"{shown.take}  # still there")
    broken = replace(shown, name="nothing runs", put="recent = (")
    monkeypatch.setattr(mutants, "all_mutants", lambda: [shown, survives, broken])
    whole = (ROOT / PACKAGE / shown.file).read_text("utf-8")
    assert mutants.main([]) == 1
    told = capsys.readouterr().out
    assert "1 of 3 defences" in told
    assert "SURVIVES" in told
    assert "NOT SHOWN" in told
    assert (ROOT / PACKAGE / shown.file).read_text("utf-8") == whole
    monkeypatch.setattr(mutants, "all_mutants", lambda: [replace(shown, take="is not there")])
    assert mutants.main([]) == 2
