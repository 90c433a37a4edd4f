"""What `deskward skills check` finds, and that what ships contradicts itself nowhere."""

from pathlib import Path

import pytest

from deskward.agent.offline.skills import Skills
from deskward.evaluation.skill_checks import (
    Contradiction,
    Missing,
    confusion,
    contradictions,
    missing,
    unphrased,
)
from deskward.features import all_features

BALANCE = "tool: get_balance\nanswer: {en: it, de: es}\nabout: {de: [kontostand]}\n"
HOURS = "tool: get_hours\nanswer: it\n"


def loaded(folder: Path, **files: str) -> Skills:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Skills.load(folder)


def test_a_sentence_of_two_skills_is_told(tmp_path: Path) -> None:
    found = contradictions(
        loaded(
            tmp_path,
            balance=f"{BALANCE}examples: [What is it?, how much]\n",
            hours=f"{HOURS}examples: [what is IT, when]\n",
            wishes="balance: {en: [when, how much]}\n",
        )
    )
    assert found == [
        Contradiction("What is it?", ("balance", "hours")),
        Contradiction("when", ("hours", "wishes:balance")),
    ]


def test_who_takes_what_is_told() -> None:
    said = {
        "balance": ["what is my balance", "my balance please", "the balance", "balance now"],
        "hours": ["when are you open", "are you open today", "open now", "my balance is open"],
    }
    found = confusion(said, folds=2)
    assert found.sentences == 8
    assert found.right == sum(round(4 * share) for share in found.shares.values()) < 8
    assert (found.thefts[0].wanted, found.thefts[0].told) == ("hours", "balance")
    assert "my balance is open" in found.thefts[0].sentences


@pytest.mark.parametrize(("said", "folds"), [({"a": ["x", "y"], "b": ["z"]}, 2), ({}, 1)])
def test_too_little_to_tell_apart(said: dict[str, list[str]], folds: int) -> None:
    with pytest.raises(ValueError, match="the least"):
        confusion(said, folds=folds)


def test_what_a_language_lacks_is_told(tmp_path: Path) -> None:
    questions = tmp_path / "asks" / "questions.yaml"
    questions.parent.mkdir()
    questions.write_text("get_hours: {en: ['Shall I?'], de: ['Soll ich?']}\n", encoding="utf-8")
    known = loaded(
        tmp_path,
        balance=f"{BALANCE}examples: [how much]\n",
        hours=f"{HOURS}examples: [when]\n",
    )
    found = [
        one for one in missing(known, [questions], ["en", "de", "fr"]) if "yaml" not in one.what
    ]
    assert found == [
        Missing("asks asks: get_hours", ("fr",)),
        Missing("skill balance: answer", ("fr",)),
        Missing("skill hours: answer", ("de", "fr")),
    ]
    assert unphrased(known, ["en", "de", "fr"]) == [
        Missing("skill balance", ("fr",)),
        Missing("skill hours", ("de", "fr")),
    ]


def test_what_ships_contradicts_itself_nowhere() -> None:
    assert contradictions(all_features().shipped_skills) == []
