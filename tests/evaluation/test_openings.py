"""`deskward eval openings`: that its messages are whole, and what the desk does with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.diagnostics.checking import SHIPPED, load
from deskward.evaluation.desks import DemoDesks
from deskward.evaluation.dialogues import dialogues
from deskward.evaluation.openings import SPLITS, Came, Opening, evaluate_openings, openings
from tests.everything import shipped_skills

LANGUAGES = {"ar", "de", "en", "es", "fr", "it", "ja", "pt"}


def test_they_are_many_in_eight_languages_and_name_workflows_that_there_are() -> None:
    both = [opening for split in SPLITS for opening in openings(split)]
    assert len(both) >= 60
    assert {one.language for one in both} == LANGUAGES
    assert len({one.id for one in both}) == len({one.says for one in both}) == len(both)
    assert {name for one in both for name in one.wants} == set(load(SHIPPED))
    assert sum(not one.wants for one in both) >= len(both) / 4


def test_the_dialogues_of_troubles_are_in_eight_languages() -> None:
    both = [*dialogues("troubles"), *dialogues("troubles_test")]
    assert len(both) == 24
    assert {one.language for one in both} == LANGUAGES


def test_what_came_of_one_is_judged() -> None:
    trouble = Opening("en-x", "x", ("sign-in", "api-errors"), True)
    other = Opening("en-y", "y", ())
    assert Came(trouble, "sign-in", (), "").is_right
    assert Came(trouble, None, ("api-errors", "data-sync"), "").is_right
    assert not Came(trouble, None, (), "").is_right
    assert Came(trouble, "data-sync", (), "").wrongly_begun
    assert Came(other, None, (), "").is_right
    assert not Came(other, None, ("sign-in",), "").is_right
    assert Came(other, "sign-in", (), "").wrongly_begun


@pytest.mark.slow
async def test_no_session_is_begun_wrongly(tmp_path: Path) -> None:
    found = await evaluate_openings(
        DemoDesks(tmp_path), OfflineModel(shipped_skills()), openings("tune")
    )
    assert [one.opening.id for one in found if one.wrongly_begun] == []
    assert sum(one.is_right for one in found) >= 0.9 * len(found)
