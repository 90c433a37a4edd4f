"""What a record asks now that asks its customer step by step, and which answer a text gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from deskward.agent.offline.skills import Skill
from deskward.gate.answers import is_answer, number_in
from deskward.gate.choices import denied


class Guide(BaseModel):
    """What a record asks now.

    Attributes:
        skill: Whose tool began it.
        status: Its state.
        keeps: What each call about it is given.
        form: The form of the answer; empty where it asks nothing.
        choices: As `gate/answers.py` has them.
        denied: Those of them that were said not to be it.
        question: The question.
        asked: How often it was asked.
    """

    model_config = ConfigDict(extra="forbid")

    skill: str
    status: str
    keeps: dict[str, str | int]
    form: str = ""
    choices: list[str] = []
    denied: list[str] = []
    question: str = ""
    asked: int = 1

    def given(self, text: str) -> bool | float | str | None:
        """The answer that a text gives, or None."""
        record = {"asks": self.form, "choices": self.choices, "question": self.question}
        tried: list[bool | float | str | None] = [
            True,
            False,
            number_in(text, self.question),
            *self.words,
        ]
        if self.form == "text":
            tried = [text.strip()]
        given = (one for one in tried if one is not None and is_answer(record, one, text))
        return next(given, None)

    @property
    def words(self) -> list[str]:
        """The words of its choices, each once."""
        return list(dict.fromkeys(one.partition(": ")[0] for one in self.choices))

    def ruled_out(self, text: str) -> list[str]:
        """The choices that are said not to be it, up to now and in a text."""
        more = denied(self.choices, text, self.question) if self.form == "choice" else ()
        return [word for word in self.words if word in self.denied or word in more]


def guide_of(skill: Skill, told: Mapping[str, Any]) -> Guide:
    """What a record asks, by the answer of a tool."""
    assert skill.asks is not None
    step = told.get("step") or {}
    form = step.get("answer") or {}
    own = (told.get("translated") or {}).get("step") or {}
    confirms = told["status"] == skill.asks.confirms.when
    asks = "yes_no" if confirms else str(form.get("type", "")) if told["status"] == "open" else ""
    return Guide(
        skill=skill.name,
        status=told["status"],
        keeps={name: told[field] for name, field in skill.asks.keeps.items()},
        form=asks,
        choices=[
            f"{word}: {meaning}"
            for texts in (own, form)
            for word, meaning in (texts.get("choices") or {}).items()
        ],
        question=str(own.get("description") or step.get("description") or ""),
    )


def listed(choices: list[str], without: list[str] | None = None) -> list[str]:
    """What is to be chosen from, each once, by its number, in the language that comes first."""
    first: dict[str, str] = {}
    for one in choices:
        word, _, meaning = one.partition(": ")
        first.setdefault(word, meaning)
    numbered = enumerate(first.items(), 1)
    return [f"{n}. {meaning}" for n, (word, meaning) in numbered if word not in (without or ())]
