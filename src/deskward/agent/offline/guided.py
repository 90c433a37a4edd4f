"""A record that asks its customer step by step, and what they say to that.

A skill whose tool begins such a record says in `asks` which tools take the answers. What is asked,
the answer of the tool tells; what is no answer is asked once more, then a person is called for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.pausing import CHANGED, MOST_ASKED
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.step import Step
from deskward.core.answers import status_of
from deskward.gate.answers import is_answer, is_told, number_in
from deskward.text.against import says_one_of
from deskward.text.assent import LONGEST
from deskward.text.risk import risks_of
from deskward.text.wishes import Wish


class Guide(BaseModel):
    """What a record asks now.

    Attributes:
        skill: Whose tool began it.
        status: Its state.
        keeps: What each call about it is given.
        form: The form of the answer; empty where it asks nothing.
        choices: As `gate/answers.py` has them.
        asked: How often it was asked.
    """

    model_config = ConfigDict(extra="forbid")

    skill: str
    status: str
    keeps: dict[str, str | int]
    form: str = ""
    choices: list[str] = []
    asked: int = 1

    def given(self, text: str) -> bool | float | str | None:
        """The answer that a text gives, or None."""
        record = {"asks": self.form, "choices": self.choices}
        words = [one.partition(": ")[0] for one in self.choices]
        tried: list[bool | float | str | None] = [True, False, number_in(text), *words]
        if self.form == "text":
            tried = [text.strip()]
        given = (one for one in tried if one is not None and is_answer(record, one, text))
        return next(given, None)


class Guided(Step):
    """A step that leads through such records."""

    def _after_customer(self, text: str, before: dict[str, Any]) -> Iterator[str | ToolRequest]:
        guide = Guide.model_validate(before["guide"]) if "guide" in before else None
        skill = self._model.skill(guide.skill) if guide is not None else None
        led = self._led(guide, skill, text) if guide is not None and skill is not None else None
        if led is None and guide is None:
            led = self._taken_up(text)
        yield from led if led is not None else super()._after_customer(text, before)

    def _after_tool(self, last: Message) -> Iterator[str | ToolRequest]:
        before = self._left_behind()
        names = self._called(before)
        skill = self._model.skill(names[0]) if len(names) == 1 else None
        if skill is None or skill.asks is None:
            yield from super()._after_tool(last)
            return
        told = json.loads(last.text)
        begins = "guide" not in before and "called" in before
        if begins and status_of(told) == "error" and told["error"]["code"].endswith("_NOT_FOUND"):
            yield self._hand_over(self._said_last())  # it knows no way for this
            return
        yield from super()._after_tool(last)
        if status_of(told) == "ok":
            self.state = {**(self.state or {}), "guide": _guide(skill, told).model_dump()}

    def _understand(self, text: str) -> Iterator[str | ToolRequest]:
        """A trouble that is surely one to be led through is no wish that was only guessed."""
        skill = self._model.skill(self._model.sought.of(text) or "")
        reading = self._model.acts.read(text)
        refused = reading.unwished and reading.why in ("not", "takes_back")
        led = skill is not None and skill.asks is not None and not (reading.wishes or refused)
        if led and risks_of("", text):  # a threat beside it is for people
            yield self._hand_over(text)
            return
        sought = self._sought(text) if led else None
        yield from sought if sought is not None else super()._understand(text)

    def _led(self, guide: Guide, skill: Skill, text: str) -> Iterator[str | ToolRequest] | None:
        """What is done upon what is said to a record's question; None where it is not about it."""
        asks = skill.asks
        assert asks is not None
        if risks_of("", text):
            return None
        if len(text) <= LONGEST:
            for move in asks.moves.values():
                if guide.status in move.when and says_one_of(text, move.phrases):
                    return self._moved(guide, skill, move.tool, {})
        confirms = asks.confirms
        if guide.status == confirms.when:
            wish = Wish("", affirms=confirms.affirms, denies=confirms.negates)
            said = (one for one in (True, False) if is_told(wish, one, text))
            told = next(said, guide.given(text))
            if told is not None:
                return self._moved(guide, skill, confirms.tool, {confirms.argument: told})
        elif guide.form:
            answer = guide.given(text)
            other = guide.form == "text" and self._turns_to(skill, text)
            if answer is not None and not other:
                return self._moved(guide, skill, asks.answer, {asks.argument: answer})
        if not guide.form or self._turns_to(skill, text):
            return None
        return self._once_again(guide, skill)

    def _moved(
        self, guide: Guide, skill: Skill, tool: str, more: Mapping[str, Any]
    ) -> Iterator[str | ToolRequest]:
        self.state = {"called": [skill.name], "slots": {}, "guide": guide.model_dump()}
        yield ToolRequest("call", tool, {**guide.keeps, **more})

    def _turns_to(self, skill: Skill, text: str) -> bool:
        """Whether a message wishes or asks something else."""
        wishes = self._model.acts.read(text).wishes
        other, score = self._model.best(text, self._usable)
        return bool(wishes) or (other is not None and other.name != skill.name and score >= CHANGED)

    def _once_again(self, guide: Guide, skill: Skill) -> Iterator[str | ToolRequest]:
        """Ask once more; who was asked twice gets a person."""
        assert skill.asks is not None
        if guide.asked >= MOST_ASKED:
            return self._moved(guide, skill, skill.asks.gives_up, {})
        return self._again(guide, skill)

    def _again(self, guide: Guide, skill: Skill) -> Iterator[str | ToolRequest]:
        assert skill.asks is not None
        asked = {**guide.model_dump(), "asked": guide.asked + 1}
        self.state = {"guide": asked}
        texts = skill.asks.again.get(guide.form, skill.asks.again["text"])
        text = texts.get(self._language(), texts["en"])
        yield text.replace("{choices}", "; ".join(_listed(guide.choices)))

    def _taken_up(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is read again where somebody wants to go on with a record that was left."""
        if len(text) > LONGEST:
            return None
        for message in reversed(self._messages[:-1]):
            if message.role == "assistant" and message.state and "guide" in message.state:
                guide = Guide.model_validate(message.state["guide"])
                skill = self._model.skill(guide.skill)
                if skill is None or skill.asks is None:
                    return None
                if not says_one_of(text, skill.asks.goes_on.phrases):
                    return None
                back = guide.status in skill.asks.goes_on.when
                if back:
                    return self._moved(guide, skill, skill.asks.goes_on.tool, {})
                named = {skill.asks.id: guide.keeps[skill.asks.id]}
                return self._moved(
                    guide.model_copy(update={"keeps": named}), skill, skill.asks.reads, {}
                )
        return None


def _guide(skill: Skill, told: Mapping[str, Any]) -> Guide:
    """What a record asks, by the answer of a tool."""
    assert skill.asks is not None
    step = told.get("step") or {}
    form = step.get("answer") or {}
    confirms = told["status"] == skill.asks.confirms.when
    asks = "yes_no" if confirms else str(form.get("type", "")) if told["status"] == "open" else ""
    return Guide(
        skill=skill.name,
        status=told["status"],
        keeps={name: told[field] for name, field in skill.asks.keeps.items()},
        form=asks,
        choices=[f"{word}: {meaning}" for word, meaning in (form.get("choices") or {}).items()],
    )


def _listed(choices: list[str]) -> list[str]:
    return [f"{n}. {one.partition(': ')[2]}" for n, one in enumerate(choices, 1)]
