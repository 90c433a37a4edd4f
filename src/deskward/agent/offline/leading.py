"""What customers say to a record that asks them step by step, and what is done upon it.

What answers the open question is its answer before it is anything else. Whatever else is wished or
asked meanwhile is done, and then the question is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.asking import Asks
from deskward.agent.offline.filling import SURE
from deskward.agent.offline.guide import Guide, guide_of, listed
from deskward.agent.offline.pausing import CHANGED, MOST_ASKED
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.step import Step
from deskward.agent.offline.turning import SURELY
from deskward.core.answers import status_of
from deskward.gate.answers import is_contrary, is_told, number_in
from deskward.gate.choices import named
from deskward.text.against import denies, doubts, is_well_now, leaning, says_one_of, turns_over
from deskward.text.assent import LONGEST, answer_of, has_negator
from deskward.text.folding import folded
from deskward.text.forbidding import forbids
from deskward.text.joins import between, leading_and
from deskward.text.risk import risks_of
from deskward.text.wishes import Wish

MOST_LISTED = 10
"""Records, the newest, among which one is looked for that was left."""
MOST_PARTS = 8
"""Parts of a message in which an answer is looked for beside something else."""
_ENDS = " .!。！"
LONGEST_ANSWER = 400
"""Characters of such a message."""


class Leading(Step):
    """A step that leads through such records."""

    _back: dict[str, Any] | None = None
    """The record whose question is asked again when what was said beside it is done."""

    def run(self) -> Iterator[str | ToolRequest]:
        """What it says and calls, and then the question that was left for it."""
        kept = self._kept()
        self._back = kept.get("back")
        said = list(super().run())
        yield from said
        back, state = self._back, self.state or {}
        if back is None or "handing_over" in state or "guide" in state:
            return
        if any(isinstance(one, ToolRequest) for one in said) or _waits(state):
            self.state = {**state, "back": back}
            return
        if "guide" in back:  # it was asked often enough, and its answer is understood still
            self.state = {**state, "guide": back["guide"]}
            return
        skill = self._model.skill(back["skill"])
        if skill is not None and "said" in back:
            yield from self._told_beside(skill, back["said"])
        elif skill is not None and skill.asks is not None:
            keeps = {skill.asks.id: back["id"]}
            guide = Guide(skill=skill.name, status="", keeps=keeps, asked=back["asked"])
            yield from self._moved(guide, skill, skill.asks.reads, {})

    def _told_beside(self, skill: Skill, text: str) -> Iterator[str | ToolRequest]:
        """What is done about a trouble that was told beside something else."""
        yield from ()

    def _kept(self) -> Mapping[str, Any]:
        """What was left behind last: also before a question of the desk's, after its answer."""
        if self._messages[-1].role != "tool":
            return self._left_behind()
        states = (m.state for m in reversed(self._messages) if m.role == "assistant" and m.state)
        return next(states, {})

    def _comes_back(self, guide: Guide, skill: Skill) -> None:
        assert skill.asks is not None
        if guide.form:
            again = {
                "skill": skill.name,
                "id": guide.keeps[skill.asks.id],
                "asked": guide.asked + 1,
            }
            often = {"guide": guide.model_dump()} if guide.asked >= MOST_ASKED else {}
            self._back = {**again, **often}

    def _after_step(self, skill: Skill, last: Message) -> Iterator[str | ToolRequest]:
        """A call about a record was answered: tell of it, and do what was wished beside."""
        told = json.loads(last.text)
        besides = self._kept().get("besides")
        guide = guide_of(skill, told) if status_of(told) == "ok" else None
        left = self._kept().get("guide") or {}
        if guide is not None and left.get("status") == "":  # the same question, asked once more
            guide = guide.model_copy(update={"asked": left["asked"]})
        if guide is not None and besides and guide.form:
            self._comes_back(guide, skill)
            yield from self._understand(besides)
            return
        yield from super()._after_tool(last)
        if guide is not None and besides:
            yield "\n\n"
            yield from self._understand(besides)
        if guide is not None:
            self.state = {**(self.state or {}), "guide": guide.model_dump()}
        elif status_of(told) == "error" and "guide" in (kept := self._kept()):
            self._comes_back(Guide.model_validate(kept["guide"]), skill)

    def _led(self, guide: Guide, skill: Skill, text: str) -> Iterator[str | ToolRequest] | None:
        """What is done upon what is said to a record's question; None where it is not about it."""
        asks = skill.asks
        assert asks is not None
        if risks_of("", text):
            return None
        if "called" in self._left_behind() and answer_of(text) is False:
            return self._left(guide, skill)  # to whether something is to be done, and no answer
        for said, besides in *self._with_besides(skill, text), (text, ""):
            for move in asks.moves.values() if len(said) <= LONGEST else ():
                if guide.status in move.when and says_one_of(said, move.phrases):
                    return self._moved(guide, skill, move.tool, {}, _beside(besides))
        if (answers := self._answered(guide, skill, text)) is not None:
            return answers
        if not guide.form or (over := self._over(guide, skill, text)) is not None:
            return over if guide.form else None
        if len(text) <= LONGEST and says_one_of(text, asks.goes_on.phrases):
            return self._read(guide, skill)
        if self._forbids(text):
            return self._left(guide, skill)
        says_not = len(guide.ruled_out(text)) > len(guide.denied)
        if not says_not and self._turns_to(skill, text):
            self._comes_back(guide, skill)
            return None
        if guide.form == "choice":
            return self._chosen_perhaps(guide, skill, text)
        return self._meant_perhaps(guide, skill, text)

    def _over(self, guide: Guide, skill: Skill, text: str) -> Iterator[str | ToolRequest] | None:
        """It waits where it works again before its cause is found."""
        waits = skill.asks.moves.get("pause") if skill.asks is not None else None
        if waits is None or guide.status not in waits.when or not is_well_now(text):
            return None
        return self._moved(guide, skill, waits.tool, {})

    def _answered(
        self, guide: Guide, skill: Skill, text: str
    ) -> Iterator[str | ToolRequest] | None:
        """The call for the answer that a message gives, alone or beside something else."""
        assert skill.asks is not None
        if guide.form and _is_one_of(text, skill.asks.goes_on.phrases):  # elsewhere it is a yes
            return self._read(guide, skill)
        for answer, besides in *self._with_besides(skill, text), (text, ""):
            given = self._given(guide, skill.asks, answer)
            other = guide.form == "text" and self._turns_to(skill, answer)
            if given is not None and not other:
                return self._moved(guide, skill, *given, _beside(besides))
        return None

    def _given(self, guide: Guide, asks: Asks, text: str) -> tuple[str, dict[str, Any]] | None:
        """The tool that takes the answer of a text, and the answer."""
        if guide.status == asks.confirms.when:
            outcome = self._outcome(guide, asks, text)
            return None if outcome is None else (asks.confirms.tool, outcome)
        value = guide.given(text) if guide.form else None
        return None if value is None else (asks.answer, {asks.argument: value})

    def _outcome(self, guide: Guide, asks: Asks, text: str) -> dict[str, Any] | None:
        """Whether it was of use, as a text says it."""
        confirms = asks.confirms
        wish = Wish("", affirms=confirms.affirms, denies=confirms.negates)
        said = (one for one in (True, False) if is_told(wish, one, text))
        told = next(said, guide.given(text) if guide.form else None)
        if told is None and says_one_of(text, confirms.affirms) and not is_spoilt(text):
            told = True  # too little to be noted without another question
        if told is None and says_one_of(text, confirms.negates) and not doubts(text):
            told = None if says_one_of(text, confirms.affirms) else False
        if not isinstance(told, bool):
            return None
        if told or confirms.done is None:
            return {confirms.argument: told}
        name, _ = confirms.done
        done = [one for one in parts_of(text) if says_one_of(one, confirms.done_phrases)]
        done = [] if told else done
        if any(map(denies, done)):  # it was not even tried
            return None
        return {confirms.argument: told, **({name: True} if done else {})}

    def _with_besides(self, skill: Skill, text: str) -> Iterator[tuple[str, str]]:
        """An answer, and what else is wished or asked behind it, or before it."""
        cuts = list(between().finditer(text)) if len(text) <= LONGEST_ANSWER else []
        for cut in cuts[:MOST_PARTS]:
            before = text[: cut.start()].strip(" ,;")
            behind = leading_and().sub("", text[cut.end() :].strip())
            if before and behind:
                if self._is_another(skill, behind):
                    yield before, behind
                if self._is_another(skill, before):
                    yield behind, before

    def _is_another(self, skill: Skill, text: str) -> bool:
        """Whether a part of a message wishes or asks something else."""
        if answer_of(text) is not None:
            return False
        if self._model.acts.read(text).wishes:
            return True
        other, score = self._model.best(text, self._usable)
        if score >= CHANGED and other is not None and other.name != skill.name:
            return other.tool is not None
        asks = other is not None and other.name != skill.name and other.tool is not None
        return asks and score >= SURE and any(mark in text for mark in "?？؟")

    def _chosen_perhaps(self, guide: Guide, skill: Skill, text: str) -> Iterator[str | ToolRequest]:
        """What may be meant of several is asked about; what is said not to be it, is left out."""
        assert skill.asks is not None
        out = guide.ruled_out(text)
        left = [word for word in guide.words if word not in out]
        word = left[0] if len(left) == 1 else named(guide.choices, text)
        if word is not None:
            return self._moved(guide, skill, skill.asks.answer, {skill.asks.argument: word})
        if left and len(out) > len(guide.denied):
            return self._again(guide.model_copy(update={"denied": out, "asked": 0}), skill)
        return self._once_again(guide, skill)

    def _meant_perhaps(self, guide: Guide, skill: Skill, text: str) -> Iterator[str | ToolRequest]:
        """A yes, a no or a number with more beside it is asked about."""
        asks = skill.asks
        assert asks is not None
        if guide.status == asks.confirms.when or is_contrary(text, guide.question):
            return self._once_again(guide, skill)  # "no, they do" may be either
        value: bool | float | None = leaning(text, of_fact=True) if guide.form == "yes_no" else None
        if guide.form == "number":
            value = number_in(text, guide.question)
        if value is None:
            return self._once_again(guide, skill)
        return self._moved(guide, skill, asks.answer, {asks.argument: value})

    def _forbids(self, text: str) -> bool:
        """Whether a message forbids something, and wishes nothing."""
        if not forbids(text) or self._model.acts.read(text).wishes:
            return False
        others = [part for part in parts_of(text) if not forbids(part)]
        return not any(self._model.acts.wants_something(part) for part in others)

    def _left(self, guide: Guide, skill: Skill) -> Iterator[str | ToolRequest]:
        """Nothing is done, and the question waits still."""
        self._comes_back(guide, skill)
        yield self._reply("left")

    def _moved(
        self,
        guide: Guide,
        skill: Skill,
        tool: str,
        values: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
    ) -> Iterator[str | ToolRequest]:
        called = {"called": [skill.name], "slots": {}, "guide": guide.model_dump()}
        self.state = {**called, **(more or {})}
        self._back = None
        yield ToolRequest("call", tool, {**guide.keeps, **values})

    def _turns_to(self, skill: Skill, text: str) -> bool:
        """Whether a message wishes or asks something else."""
        if answer_of(text) is not None:
            return False
        wishes = self._model.acts.read(text).wishes
        other, score = self._model.best(text, self._usable)
        if wishes or (other is not None and other.name != skill.name and score >= CHANGED):
            return True
        asked = self._turned(text, SURELY) if any(mark in text for mark in "?？؟") else None
        return asked is not None and asked.asks

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
        self._back = None
        texts = skill.asks.again.get(guide.form, skill.asks.again["text"])
        text = texts.get(self._language(), texts["en"])
        yield text.replace("{choices}", "; ".join(listed(guide.choices, guide.denied)))

    def _taken_up(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is done where somebody goes on with a record that was left, or tells its outcome."""
        if len(text) > LONGEST:
            return None
        states = (m.state for m in reversed(self._messages[:-1]) if m.role == "assistant")
        state = next((one for one in states if one and "guide" in one), None)
        if state is None:
            return self._looked_for(text)
        guide = Guide.model_validate(state["guide"])
        skill = self._model.skill(guide.skill)
        if skill is None or skill.asks is None:
            return None
        asks = skill.asks
        if guide.status == asks.confirms.when and asks.confirms.is_said_by(text):
            return self._answered(guide, skill, text)
        if not says_one_of(text, asks.goes_on.phrases):
            return None
        if guide.status in asks.goes_on.when:
            return self._moved(guide, skill, asks.goes_on.tool, {})
        return self._read(guide, skill)

    def _read(self, guide: Guide, skill: Skill) -> Iterator[str | ToolRequest]:
        """Look at the record as it is now."""
        assert skill.asks is not None
        named = guide.model_copy(update={"keeps": {skill.asks.id: guide.keeps[skill.asks.id]}})
        return self._moved(named, skill, skill.asks.reads, {})

    def _looked_for(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is listed where somebody wants to go on with what another conversation left."""
        for name in sorted(self._usable):
            asks = self._model.skills[name].asks
            if asks is None or not asks.lists:
                continue
            ended = asks.confirms.is_said_by(text)
            if ended or says_one_of(text, asks.goes_on.phrases):
                self.state = {"resuming": {"skill": name, "said": text, "ended": ended}}
                return iter([ToolRequest("list", asks.lists[0], {"limit": MOST_LISTED})])
        return None

    def _resumed(
        self, sought: Mapping[str, Any], told: Mapping[str, Any]
    ) -> Iterator[str | ToolRequest]:
        """Take the newest one up that is not over; of one that has ended, note how."""
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
        waits = {asks.confirms.when} if sought.get("ended") else waits
        found = next((one for one in listed if one["status"] in waits), None)
        if found is None:
            self.state = None
            yield from self._not_resumed(sought["said"])
            return
        keeps = {name: found[field] for name, field in asks.keeps.items()}
        guide = Guide(skill=skill.name, status=found["status"], keeps=keeps)
        ends = self._answered(guide, skill, sought["said"]) if sought.get("ended") else None
        if ends is not None:
            yield from ends
        elif found["status"] in asks.goes_on.when:
            yield from self._moved(guide, skill, asks.goes_on.tool, {})
        else:
            yield from self._read(guide, skill)

    def _not_resumed(self, text: str) -> Iterator[str | ToolRequest]:
        """There is nothing to go on with: it means something else."""
        return super()._after_customer(text, {})


def _beside(text: str) -> dict[str, str]:
    """What is kept of what else was said."""
    return {"besides": text} if text else {}


def is_spoilt(text: str) -> bool:
    """Whether something in a text may take back what it says."""
    return turns_over(text) or denies(text) or has_negator(text)


def _is_one_of(text: str, phrases: Sequence[str]) -> bool:
    """Whether a text is one of some phrases, and nothing more."""
    return folded(text).strip(_ENDS) in map(folded, phrases)


def _waits(state: Mapping[str, Any]) -> bool:
    """Whether the customer was asked something else."""
    return "waits_for" in state or "choices" in state or "which" in state


def parts_of(text: str) -> list[str]:
    """The parts of a message that may each say something of their own."""
    return [part for part in between().split(text) if part and part.strip()]
