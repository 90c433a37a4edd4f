"""Skills as files: those that cannot work are refused, and those of one's own are taken."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import NONE, Skills, render
from deskward.shipped import skills_of
from tests.agent.providers import settings
from tests.everything import EVERYTHING

BAD_SKILLS = {
    "not yaml": "a: [",
    "no examples": "say: hi",
    "two kinds": "say: hi\ntool: t\nexamples: [x]",
    "nothing to do": "examples: [x]",
    "no answer": "tool: get_faq\nexamples: [x]",
    "an unknown key": "say: hi\nsey: hi\nexamples: [x]",
    "a bad template": "tool: t\nanswer: '{{ x'\nexamples: [x]",
    "an act without how it is wished": (
        "tool: t\nanswer: x\nacts: {en: {do: [a], things: [b]}}\nexamples: [x]"
    ),
    "constants without a tool": "say: hi\narguments: {a: b}\nexamples: [x]",
    "a constant that is a slot": (
        "tool: t\nanswer: x\narguments: {a: b}\nslots: {a: {kind: number}}\nexamples: [x]"
    ),
    "an unknown slot": "tool: t\nanswer: x\nslots: {a: {kind: nothing}}\nexamples: [x]",
    "a search without an answer": ("search: {tool: t, argument: q, score: score}\nexamples: [x]"),
    "a handover without its slot": "tool: t\nanswer: x\ninstead: y\nexamples: [x]",
    "a list": "- say: hi",
}


@pytest.mark.parametrize("case", BAD_SKILLS)
def test_a_skill_that_cannot_work_is_refused(tmp_path: Path, case: str) -> None:
    (tmp_path / "broken.yaml").write_text(BAD_SKILLS[case], encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.yaml is not valid"):
        Skills.load(tmp_path)


def test_a_folder_without_skills_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no skills"):
        Skills.load(tmp_path)


def test_a_skill_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "joke.yaml").write_text(
        "say: Knock, knock.\nexamples: [tell me a joke, be funny]", encoding="utf-8"
    )
    (tmp_path / f"{NONE}.yaml").write_text("examples: [the weather]", encoding="utf-8")
    model = OfflineModel(Skills.load(tmp_path))
    skill, _ = model.best("a joke please", set(model.skills))
    assert skill is not None
    assert skill.say == {"en": "Knock, knock."}


def test_skills_of_ones_own_still_look_questions_up_and_hand_over(tmp_path: Path) -> None:
    (tmp_path / "joke.yaml").write_text("say: Knock, knock.\nexamples: [a joke]", encoding="utf-8")
    skills = skills_of(settings(skills_dir=tmp_path), EVERYTHING)
    assert set(skills.skills) == {"joke", "faq", "human"}
    (tmp_path / "mine.yaml").write_text(
        "tool: t\nanswer: x\ninstead: y\nslots: {a: {kind: message}}\nexamples: [a person]",
        encoding="utf-8",
    )
    assert set(skills_of(settings(skills_dir=tmp_path), EVERYTHING).skills) == {
        "joke",
        "mine",
        "faq",
    }


def test_templates_cannot_reach_python() -> None:
    with pytest.raises(Exception, match="unsafe"):
        render("{{ ''.__class__.__mro__ }}", {})
    with pytest.raises(UndefinedError):
        render("{{ missing }}", {})
