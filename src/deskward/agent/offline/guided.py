"""A record that asks its customer step by step, and what they say to that.

A skill whose tool begins such a record says in `asks` which tools take the answers. What is asked,
the answer of the tool tells; what is no answer is asked once more, then a person is called for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from pydantic import BaseModel, ConfigDict

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.asking import Finds
from deskward.agent.offline.pausing import CHANGED, MOST_ASKED
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.step import Step
from deskward.core.answers import status_of
from deskward.gate.answers import is_answer, is_told, number_in
from deskward.text.against import leaning, says_one_of
from deskward.text.assent import LONGEST
from deskward.text.nothing import asks_nothing
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
        words = list(dict.fromkeys(one.partition(": ")[0] for one in self.choices))
        tried: list[bool | float | str | None] = [True, False, number_in(text), *words]
        if self.form == "text":
            tried = [text.strip()]
        given = (one for one in tried if one is not None and is_answer(record, one, text))
        return next(given, None)


class Which(BaseModel):
    """Which of several kinds of record a message is about: a question that waits.

    Attributes:
        said: The message.
        kinds: Those that fit, as the choices of `Guide`.
        asked: How often it was asked.
    """

    model_config = ConfigDict(extra="forbid")

    skill: str
    said: str
    kinds: list[str]
    asked: int = 1


MOST_LISTED = 10
"""Records, the newest, among which one is looked for that was left."""
SURELY = 0.7
"""Probability from which on a message means an act, also where it has a word of a trouble."""
_AGAINST = ("not", "takes_back")
"""Why a reading has no wish that speaks against what it names."""


class Guided(Step):
    """A step that leads through such records."""

    _before: dict[str, Any] | None = None
    """What was left behind before it was found out whether a message is about such a record."""

    def _after_customer(self, text: str, before: dict[str, Any]) -> Iterator[str | ToolRequest]:
        if "which" in before:
            yield from self._chosen_kind(Which.model_validate(before["which"]), text, before)
            return
        guide = Guide.model_validate(before["guide"]) if "guide" in before else None
        skill = self._model.skill(guide.skill) if guide is not None else None
        led = self._led(guide, skill, text) if guide is not None and skill is not None else None
        if led is None and guide is None:
            led = self._taken_up(text)
        if led is None and (begins := self._begins(text, before)) is not None:
            led = iter([begins])
        yield from led if led is not None else super()._after_customer(text, before)

    def _after_tool(self, last: Message) -> Iterator[str | ToolRequest]:
        before = self._left_behind()
        if "finding" in before:
            yield from self._found_kinds(before["finding"], json.loads(last.text))
            return
        if "resuming" in before:
            yield from self._resumed(before["resuming"], json.loads(last.text))
            return
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

    def _begins(self, text: str, before: dict[str, Any]) -> ToolRequest | str | None:
        """What is done with a message that tells of a trouble, or may; None for any other."""
        waits = "waits_for" in before or "choices" in before
        reading = self._model.acts.read(text)
        if waits or reading.wishes or reading.unwished or asks_nothing(text):
            return None
        named = self._model.skill(self._model.sought.of(text) or "")
        if named is not None and self._can_find(named) and reading.why not in _AGAINST:
            if risks_of("", text):  # a threat beside it is for people
                return self._hand_over(text)
            return self._find(named, text, before, sure=True)
        if self._model.sought.is_declined(text) or self._is_about_another(text):
            return None
        finds = self._may_be_trouble(text)
        return None if finds is None else self._find(finds, text, before, sure=False)

    def _is_about_another(self, text: str) -> bool:
        """Whether a message surely means something that is no trouble to be led through."""
        named = self._model.skill(self._model.sought.of(text) or "")
        if named is not None and named.asks is None:
            return True
        values = (kind for kind in self._model.kinds.values() if kind.is_id or kind.looks)
        if any(kind.find(text, False) for kind in values):
            return True
        best, score = self._model.best(text, self._usable)
        acts = best is not None and best.tool is not None and best.asks is None
        return acts and score >= SURELY

    def _left_behind(self) -> dict[str, Any]:
        return super()._left_behind() if self._before is None else self._before

    def _may_be_trouble(self, text: str) -> Skill | None:
        """Whose record a message may be about by a word of it; None for none."""
        skills = (self._model.skills[name] for name in self._usable)
        finds = next((one for one in skills if self._can_find(one)), None)
        if finds is None or finds.asks is None or finds.asks.finds is None:
            return None
        about = finds.asks.finds.may_be_about(text) and not risks_of("", text)
        return finds if about else None

    def _can_find(self, skill: Skill) -> bool:
        finds = skill.asks.finds if skill.asks is not None else None
        return finds is not None and finds.tool in self._needs

    def _find(self, skill: Skill, text: str, before: dict[str, Any], *, sure: bool) -> ToolRequest:
        assert skill.asks is not None
        assert skill.asks.finds is not None
        sought = {"skill": skill.name, "said": text, "sure": sure, "before": before}
        self.state = {"finding": sought}
        return ToolRequest("find", skill.asks.finds.tool, {skill.asks.finds.argument: text})

    def _found_kinds(
        self, sought: Mapping[str, Any], told: Mapping[str, Any]
    ) -> Iterator[str | ToolRequest]:
        """Begin with the one that fits; ask which where several do."""
        skill, text = self._model.skills[sought["skill"]], sought["said"]
        assert skill.asks is not None
        finds = skill.asks.finds
        assert finds is not None
        fits = told.get(finds.fits, ()) if status_of(told) == "ok" else ()
        if not fits and sought["sure"]:
            yield self._hand_over(text)
        elif not fits:  # then it is about something else
            self.state, self._before = None, sought["before"]
            yield from super()._after_customer(text, sought["before"])
        elif len(fits) == 1 and sought["sure"]:
            yield from self._begin(skill, text, fits[0][finds.word])
        else:
            kinds = [f"{one[finds.word]}: {one[finds.title]}" for one in fits]
            yield self._ask_which(Which(skill=skill.name, said=text, kinds=kinds), finds)

    def _begin(self, skill: Skill, text: str, kind: str) -> Iterator[str | ToolRequest]:
        assert skill.asks is not None
        assert skill.asks.finds is not None
        argument, name = skill.asks.finds.into
        slots = {**self._slots(skill, text), argument: {name: kind}}
        self._then = []
        yield from self._several([(skill, slots)])

    def _ask_which(self, which: Which, finds: Finds) -> str:
        self.state = {"which": which.model_dump()}
        one = len(which.kinds) == 1
        texts = finds.shall if one else finds.which
        text = texts.get(self._language(), texts["en"])
        told = which.kinds[0].partition(": ")[2] if one else "; ".join(_listed(which.kinds))
        return text.replace("{choices}", told)

    def _chosen_kind(
        self, which: Which, text: str, before: dict[str, Any]
    ) -> Iterator[str | ToolRequest]:
        """What is said to the question which of several it is."""
        skill = self._model.skill(which.skill)
        finds = skill.asks.finds if skill is not None and skill.asks is not None else None
        if skill is None or finds is None:
            yield from super()._after_customer(text, before)
            return
        words = dict.fromkeys(one.partition(": ")[0] for one in which.kinds)
        record = {"asks": "choice", "choices": which.kinds}
        kind = next((one for one in words if is_answer(record, one, text)), None)
        if len(words) == 1 and leaning(text):
            kind = next(iter(words))
        if kind is not None:
            yield from self._begin(skill, which.said, kind)
        elif leaning(text) is False and len(words) == 1:
            yield self._reply("left")
        elif leaning(text) is False:
            yield self._hand_over(which.said)
        elif self._turns_to(skill, text) or risks_of("", text):
            yield from self._understand(text)
        elif which.asked < MOST_ASKED:
            again = which.model_copy(update={"asked": which.asked + 1})
            yield self._ask_which(again, finds)
        else:
            yield self._hand_over(which.said)

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
        return self._looked_for(text)

    def _looked_for(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is listed where somebody wants to go on with what another conversation left."""
        for name in sorted(self._usable):
            asks = self._model.skills[name].asks
            if asks is not None and asks.lists and says_one_of(text, asks.goes_on.phrases):
                self.state = {"resuming": {"skill": name, "said": text}}
                return iter([ToolRequest("list", asks.lists[0], {"limit": MOST_LISTED})])
        return None

    def _resumed(
        self, sought: Mapping[str, Any], told: Mapping[str, Any]
    ) -> Iterator[str | ToolRequest]:
        """Take the newest one up that is not over."""
        skill = self._model.skills[sought["skill"]]
        asks = skill.asks
        assert asks is not None
        assert asks.lists is not None
        listed = told.get(asks.lists[1], ()) if status_of(told) == "ok" else ()
        waits = {
            *asks.goes_on.when,
            asks.confirms.when,
            *chain.from_iterable(move.when for move in asks.moves.values()),
        }
        found = next((one for one in listed if one["status"] in waits), None)
        if found is None:
            self.state, self._before = None, {}
            yield from super()._after_customer(sought["said"], {})
            return
        keeps = {name: found[field] for name, field in asks.keeps.items()}
        guide = Guide(skill=skill.name, status=found["status"], keeps=keeps)
        if found["status"] in asks.goes_on.when:
            yield from self._moved(guide, skill, asks.goes_on.tool, {})
        else:
            named = guide.model_copy(update={"keeps": {asks.id: keeps[asks.id]}})
            yield from self._moved(named, skill, asks.reads, {})


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
        choices=[
            f"{word}: {meaning}"
            for texts in (_translated(told), form)
            for word, meaning in (texts.get("choices") or {}).items()
        ],
    )


def _translated(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The texts of what is asked in the customer's language, where the record has them."""
    return (told.get("translated") or {}).get("step") or {}


def _listed(choices: list[str]) -> list[str]:
    """What is to be chosen from, each once, in the language that comes first."""
    first: dict[str, str] = {}
    for one in choices:
        word, _, meaning = one.partition(": ")
        first.setdefault(word, meaning)
    return [f"{n}. {meaning}" for n, meaning in enumerate(first.values(), 1)]
