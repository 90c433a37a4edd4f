"""A record that asks its customer step by step: how one is begun, and which of several kinds.

A skill whose tool begins such a record says in `asks` which tools take the answers. What is asked,
the answer of the tool tells; `leading.py` has what is said to that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.asked import TROUBLE
from deskward.agent.offline.asking import Finds
from deskward.agent.offline.guide import Guide, listed
from deskward.agent.offline.leading import (
    LONGEST_ANSWER,
    MOST_PARTS,
    Leading,
    parts_of,
)
from deskward.agent.offline.pausing import CHANGED, MOST_ASKED
from deskward.agent.offline.refers import pointed
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.turning import SURE
from deskward.core.answers import status_of
from deskward.gate.answers import is_answer
from deskward.text.against import is_well, is_well_now, leaning, rules_out
from deskward.text.joins import leading_and
from deskward.text.moods import mood_of
from deskward.text.nothing import asks_nothing
from deskward.text.risk import risks_of


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


SURELY = 0.7
"""Probability from which on a message means an act, also where it has a word of a trouble."""
_AGAINST = ("not", "takes_back")
"""Why a reading has no wish that speaks against what it names."""


class Guided(Leading):
    """A step that begins such records, and leads through them."""

    _before: dict[str, Any] | None = None
    """What was left behind before it was found out whether a message is about such a record."""

    def _after_customer(self, text: str, before: dict[str, Any]) -> Iterator[str | ToolRequest]:
        if "which" in before:
            yield from self._chosen_kind(Which.model_validate(before["which"]), text, before)
            return
        guide = Guide.model_validate(before["guide"]) if "guide" in before else None
        skill = self._model.skill(guide.skill) if guide is not None else None
        led = self._led(guide, skill, text) if guide is not None and skill is not None else None
        if led is None and (guide is None or not guide.form):
            led = self._taken_up(text)
        waits = "waits_for" in before or "choices" in before
        if led is None and not waits:
            led = self._only_other(text)
        if led is None and not waits and self._forbids(text):
            led = iter([self._left_as_is()])
        if led is None and not waits and (beside := self._beside_wishes(text)) is not None:
            self._back, text = beside
        elif led is None and (begins := self._begins(text, before)) is not None:
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
        yield from self._after_step(skill, last)

    def _not_resumed(self, text: str) -> Iterator[str | ToolRequest]:
        self._before = {}
        return super()._not_resumed(text)

    def _begins(self, text: str, before: dict[str, Any]) -> ToolRequest | str | None:
        """What is done with a message that tells of a trouble, or may; None for any other."""
        waits = "waits_for" in before or "choices" in before
        reading = self._model.acts.read(text)
        silent = asks_nothing(text) or rules_out(text)
        if waits or silent or reading.wishes or reading.unwished:
            return None
        named = self._model.skill(self._model.sought.of(text) or "")
        if is_well_now(text):  # "429 from the API - fixed it myself, thanks"
            over = named is not None and self._can_find(named)
            return self._left_as_is() if over and not risks_of("", text) else None
        if named is not None and self._can_find(named) and reading.why not in _AGAINST:
            if risks_of("", text):  # a threat beside it is for people
                return self._hand_over(text)
            return self._find(named, text, before, sure=True)
        if self._model.sought.is_declined(text) or self._is_about_another(text):
            return None
        if "called" in before and self._waiting():
            return None  # it is said to what was proposed
        finds = self._may_be_trouble(text)
        return None if finds is None else self._find(finds, text, before, sure=False)

    def _beside_wishes(self, text: str) -> tuple[dict[str, str], str] | None:
        """The trouble that a message tells beside something else that it wishes or asks, and that.

        The other is done first, and then the trouble is looked into. What is corrected within its
        sentence, or is surely of something else as a whole, is not taken apart.
        """
        if len(text) > LONGEST_ANSWER or self._is_one(text):
            return None
        parts = parts_of(text)
        found = [(part, skill) for part in parts[:MOST_PARTS] if (skill := self._troubled(part))]
        if len(found) != 1 or risks_of("", text):
            return None
        ((trouble, skill),) = found
        others = [part for part in parts if part is not trouble]
        if not any(self._is_another(skill, part) for part in others):
            return None
        told = leading_and().sub("", trouble.strip(" ,;"))
        return {"skill": skill.name, "said": told}, " ".join(others).strip(" ,;")

    def _is_one(self, text: str) -> bool:
        """Whether the parts of a message belong together, although one may tell of a trouble.

        One corrects another, is the value that another lacks, or what is to be reported.
        """
        whole = self._model.skill(self._model.sought.of(text) or "")
        if self._model.acts.mended(text) is not None or (whole is not None and whole.asks is None):
            return True
        kinds = self._model.kinds.values()
        if any(kind.anywhere is not None and kind.anywhere(text) for kind in kinds):
            return True
        acts = (self._acts(wish.skill) for wish in self._model.acts.read(text).wishes)
        return any(act is not None and act.trouble for act in acts)

    def _troubled(self, part: str) -> Skill | None:
        """Whose record a part of a message surely is about, or may be; None for none."""
        part = part.strip(" ,;")
        if asks_nothing(part) or is_well_now(part) or self._model.acts.read(part).wishes:
            return None  # so is the "no" of "no, I meant the other one"
        named = self._model.skill(self._model.sought.of(part) or "")
        if named is not None:
            return named if self._can_find(named) else None
        asks = any(mark in part for mark in "?？؟")
        return None if asks or self._is_about_another(part) else self._may_be_trouble(part)

    def _told_beside(self, skill: Skill, text: str) -> Iterator[str | ToolRequest]:
        yield self._find(skill, text, {}, sure=False)

    def _is_about_another(self, text: str) -> bool:
        """Whether a message surely means something that is no trouble to be led through."""
        named = self._model.skill(self._model.sought.of(text) or "")
        # "My data are not syncing" has the words for a question, and may be a trouble for all that.
        sure = named is not None and (named.acts is not None or named.surely)
        if named is not None and named.asks is None and sure:
            return True
        values = (kind for kind in self._model.kinds.values() if kind.is_id or kind.looks)
        if any(kind.find(text, False) for kind in values):
            return True
        if self._is_a_turn(text):
            return True
        best, score = self._model.best(text, self._usable)
        if best is None or best.tool is None or best.asks is not None:
            return False
        named_deed = f"do_{best.name}" in self._model.acts.cues(text, self._language())
        if best.acts and best.acts.trouble and not named_deed and mood_of([text]) != "angry":
            return False  # a trouble is looked into before it is reported, unless that is wished
        if named_deed and best.acts is not None and best.acts.trouble:
            return True
        # "I can't connect" is near to who wants to be connected to somebody: that has to be surer.
        hands = self._model.handover is not None and best.tool == self._model.handover.tool
        return score >= (CHANGED if hands else SURELY)

    def _is_a_turn(self, text: str) -> bool:
        """Whether a message surely is something else than a trouble, whatever words it has.

        That is a question that a tool answers, a remark, a complaint, a correction of what was said
        or done, or a value such as an address.
        """
        found = self._likely(text)
        trouble = sum(p for name, p in found.items() if self._topic(name) == TROUBLE)
        if found and trouble < 1 - SURE and max(found.values()) >= SURE:
            return True
        if self._model.acts.mended(text) is not None:
            return True
        kinds = self._model.kinds.values()
        if any(kind.anywhere is not None and kind.anywhere(text) for kind in kinds):
            return True
        corrects = bool(self._model.acts.cues(text, self._language()) & {"corrects", "takes_back"})
        return corrects and trouble < SURE and pointed(text, {}) is not None

    def _left_behind(self) -> dict[str, Any]:
        return super()._left_behind() if self._before is None else self._before

    def _may_be_trouble(self, text: str) -> Skill | None:
        """Whose record a message may be about by a word of it; None for none."""
        skills = (self._model.skills[name] for name in self._usable)
        finds = next((one for one in skills if self._can_find(one)), None)
        if finds is None or finds.asks is None or finds.asks.finds is None:
            return None
        said = self._likely(text)
        tells = sum(p for name, p in said.items() if self._topic(name) == TROUBLE) >= SURELY
        about = (tells or finds.asks.finds.may_be_about(text)) and not risks_of("", text)
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
        told = which.kinds[0].partition(": ")[2] if one else "; ".join(listed(which.kinds))
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
        elif is_well_now(text):
            yield self._reply("left")
        elif not is_well(text) and (self._turns_to(skill, text) or risks_of("", text)):
            yield from self._understand(text)
        elif self._asks_something_else(text):
            yield from super()._after_customer(text, {})
        elif which.asked < MOST_ASKED:
            again = which.model_copy(update={"asked": which.asked + 1})
            yield self._ask_which(again, finds)
        else:
            yield self._hand_over(which.said)

    def _asks_something_else(self, text: str) -> bool:
        """Whether a message that answers no question of ours wishes or asks anything itself."""
        wishes, _ = self._wishing(self._model.acts.read(text), text)
        meaning = self._turned(text)
        return bool(wishes) or (meaning is not None and meaning.asks)
