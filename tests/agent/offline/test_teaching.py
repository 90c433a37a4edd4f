"""Accepted examples: what the file holds, and what skills learn of it."""

import logging
from pathlib import Path

import pytest

from deskward.agent.model import Message, ModelRequest, ToolRequest, ToolSpec
from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import NONE, Skills
from deskward.agent.offline.teaching import Decided, changing, guess, read, standing_for, taught

FOLDER = {
    "lexicon.yaml": "{}",
    "balance.yaml": (
        "tool: get_balance\nanswer: it\n"
        "examples: [what is my balance, how much money is there, balance please]\n"
    ),
    "hours.yaml": (
        "tool: get_hours\nanswer: it\nexamples: [when are you open, opening hours, open today]\n"
    ),
    "human.yaml": (
        "tool: hand_over\nslots: {reason: {kind: message}}\nanswer: it\ninstead: it\n"
        "examples: [a person please, let me speak to a human, I want a person]\n"
    ),
    "none.yaml": "examples: [I like trains, the weather is fine]\n",
}


@pytest.fixture
def skills(tmp_path: Path) -> Skills:
    folder = tmp_path / "skills"
    folder.mkdir()
    for name, text in FOLDER.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Skills.load(folder)


def accept(file: Path, tenant: str, name: str, sentence: str) -> None:
    with changing(file) as decided:
        decided.setdefault(tenant, Decided()).accepted.setdefault(name, []).append(sentence)


def test_without_a_file_skills_are_as_they_were(skills: Skills, tmp_path: Path) -> None:
    assert taught(skills, tmp_path / "examples.yaml") == {}


def test_what_was_accepted_is_learned(skills: Skills, tmp_path: Path) -> None:
    file, sentence = tmp_path / "examples.yaml", "wie viel Kohle liegt da noch"
    assert OfflineModel(skills).best(sentence, {"balance", "hours"})[1] < 0.6
    accept(file, "default", "balance", sentence)
    accept(file, "other", "hours", "ab wann seid ihr da")
    after = taught(skills, file)
    best, score = OfflineModel(after["default"]).best(sentence, {"balance", "hours"})
    assert best is not None
    assert (best.name, score > 0.6) == ("balance", True)
    assert after["other"].skills["hours"].examples[-1] == "ab wann seid ihr da"
    assert after["other"].skills["balance"] == skills.skills["balance"]
    assert after["default"].skills["hours"] == skills.skills["hours"]
    assert sentence not in skills.skills["balance"].examples  # those that ship stay as they are
    assert read(file)["default"].accepted == {"balance": [sentence]}


@pytest.mark.parametrize(("tenant", "called"), [("acme", ["get_hours"]), ("default", []), ("", [])])
async def test_what_one_tenant_accepts_reaches_its_conversations_alone(
    skills: Skills, tmp_path: Path, tenant: str, called: list[str]
) -> None:
    file, sentence = tmp_path / "examples.yaml", "ab wann seid ihr da"
    accept(file, "acme", "hours", sentence)
    theirs = {name: OfflineModel(some) for name, some in taught(skills, file).items()}
    model = OfflineModel(skills, of_tenants=theirs)
    tools = [ToolSpec(name, "", {}) for name in ("get_hours", "get_balance")]
    request = ModelRequest("", [Message("user", sentence)], tools, 100, tenant)
    events = [event async for event in model.stream(request)]
    assert [one.name for one in events if isinstance(one, ToolRequest)] == called
    await model.close()


def test_a_skill_that_is_gone_teaches_nothing(
    skills: Skills, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    accept(tmp_path / "examples.yaml", "default", "tides", "when is high water")
    with caplog.at_level(logging.WARNING):
        after = taught(skills, tmp_path / "examples.yaml")
    assert after["default"].skills == skills.skills
    assert "tides" in caplog.text


@pytest.mark.parametrize("text", ["[", "default: {accepted: 3}", "default: {more: {}}", "- a"])
def test_a_file_of_another_form_is_told_with_its_name(
    skills: Skills, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"examples\.yaml is not valid: mend it, or move it away"):
        taught(skills, file)


def spoil(file: Path) -> None:
    with changing(file) as decided:
        decided.clear()
        raise RuntimeError


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "examples.yaml"
    accept(file, "default", "balance", "how rich am I")
    before = file.read_text("utf-8")
    with pytest.raises(RuntimeError):
        spoil(file)
    assert file.read_text("utf-8") == before


def test_a_sentence_stands_for_whoever_has_it(skills: Skills) -> None:
    assert standing_for(skills, "Opening hours!") == {"hours"}
    assert standing_for(skills, "I like trains") == {NONE}
    assert standing_for(skills, "opening") == set()


def test_who_asks_for_a_person_was_understood(skills: Skills) -> None:
    model = OfflineModel(skills)
    assert guess(model, "let me speak to a human") is None
    name, score = guess(model, "opening hours") or ("", 0.0)
    assert (name, score > 0.3) == ("hours", True)
