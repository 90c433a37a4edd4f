"""Wishes of few words that only the conversation completes: "the other one too", "3 D, not 3 B".

Whatever is understood so is only proposed: the customer reads it whole, and says yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.model import ToolRequest
from deskward.agent.offline.amending import amended
from deskward.agent.offline.asked import WISH
from deskward.agent.offline.deeds import CORRECTION
from deskward.agent.offline.lookup import plain, tokens_of
from deskward.agent.offline.mending import without_corrections
from deskward.agent.offline.refers import OTHER, PRONOUN, is_several, pointed
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.told import CUES
from deskward.agent.offline.turning import SHORT, Meaning, Turning, parts_of
from deskward.agent.offline.wishing import Wish
from deskward.text.excluding import excluded, instead

FEW = 5
"""Words of a message that only wishes an act on what it points at."""
AGAIN = 30
"""Characters of a message that only wishes the same for another."""
MOST = 40
"""Characters of a message that only names a record."""
ASKS = 0.8
"""From this probability on a question is one, whatever may be wished in it."""
WISHED = 0.4
"""From this probability on a part of a message wishes something."""
SAID = 0.5
"""The same of what was spoken of last, where a few words are no more than that."""
SURELY = 0.9
"""The same where a certain act is wished."""
LEAST = 0.1
"""Without this probability no act is proposed."""
SAME = 0.6
"""This share of a value's words is as it was, where it is given whole once more."""
LEAD = 80
"""Characters before a colon that may say what is to be done with what stands behind it."""


class FewWords(Turning):
    """A step that understands them."""

    def _in_between(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is answered to a turn that wishes in few words, only asks, or asks for nothing."""
        told = self._told_behind(text) or self._mends_last(text) or self._other_than_last(text)
        if told is not None:
            return told
        if self._asks_again(text):
            return None
        meaning, reading = self._turned(text), self._model.acts.read(text)
        known = bool(self._model.turned(text)) and not reading.wishes
        known = known and self._model.acts.mended(text) is None  # its first part is not meant
        few = None if not known else self._wished_in_few_words(text) or self._same_again(text)
        if few is not None:
            return few
        wishes, _ = self._wishing(reading, text)
        if meaning is not None and meaning.score >= ASKS:
            wishes = [wish for wish in wishes if not self._is_doubtful(wish, meaning, text)]
        return self._of_turn(meaning) if meaning is not None and not wishes else None

    def _asks_again(self, text: str) -> bool:
        """Whether a message is about what was asked just before."""
        before = self._left_behind()
        if "called" not in before:
            return False
        again = self._once_more_asked(before, text) or self._named_now(before, text)
        return again is not None

    def _named_now(self, before: dict[str, Any], text: str) -> tuple[Skill, dict[str, Any]] | None:
        """What was wished just now, with the record that the customer names now, alone."""
        skill = self._model.skill(before["called"][0])
        if skill is None or skill.acts is None or not skill.acts.named or len(text) > MOST:
            return None
        slots = self._slots(skill, text)
        new = {name: value for name, value in slots.items() if before["slots"].get(name) != value}
        if len(new) != 1:
            return None
        ((name, value),) = new.items()
        said = self._model.kinds[skill.slots[name].kind].called
        shown = said.search(text) if said else None
        bare = self._model.acts.says_no_more(text, shown.group() if shown else str(value))
        return (skill, {**before["slots"], **new}) if bare else None

    def _is_doubtful(self, wish: Wish, meaning: Meaning, text: str) -> bool:
        """Whether a wish was only guessed, where a message surely is something else."""
        if not wish.guessed:
            return False
        cues = self._model.acts.cues(text)
        if meaning.asks:
            likely = self._model.wanted(text).get(wish.skill, 0.0) < meaning.score
            spoken = f"do_{wish.skill}" in cues and self._has_thing(wish.skill, text)
            return likely and not spoken
        return meaning.kind.does == "left" and not cues.isdisjoint(CUES)

    def _told_behind(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is to be told behind a colon: "add to T903: the dealer wants it on Friday"."""
        lead, colon, told = text.replace("：", ":").strip().partition(":")
        told = told.strip()
        if not colon or not told or not lead or len(lead) > LEAD:
            return None
        kinds, cues = self._model.kinds, self._model.acts.cues(lead)
        for name, skill in self._model.skills.items():
            if skill.acts is None or not skill.acts.tells or name not in self._usable:
                continue
            last = self._last_named(skill) if f"do_{name}" in cues else None
            listed = {n: s for n, s in skill.slots.items() if s.listed}
            ids = {n: kinds[s.kind].find(lead, False) or last for n, s in listed.items()}
            texts = [n for n, s in skill.slots.items() if kinds[s.kind].free or kinds[s.kind].whole]
            if len(texts) != 1 or not all(ids.values()) or cues & CUES:
                continue
            if f"do_{name}" in cues or self._model.wanted(lead).get(name, 0.0) >= WISHED:
                return self._several([(skill, {**ids, texts[0]: told})], unsure=True)
        return None

    def _last_named(self, skill: Skill) -> str | None:
        """The record of a skill's that was spoken of last, where nothing else was since."""
        spoken = dialogue_before(self._messages).spoken[:1]
        named = skill.acts.named if skill.acts else ""
        return next((one for one in spoken if re.fullmatch(named or "-", one)), None)

    def _mends_last(self, text: str) -> Iterator[str | ToolRequest] | None:
        """The value that was given last, with the part that a message corrects."""
        done = dialogue_before(self._messages).done
        if not done or done[-1].status != "ok":
            return None
        skill = self._model.skill(self._model.skill_of(done[-1].tool))
        if skill is None or skill.acts is None or not skill.acts.value:
            return None
        requests = (r for m in reversed(self._messages) for r in m.tool_requests)
        slots = next((dict(r.arguments) for r in requests if r.id == done[-1].request), {})
        for name, value in slots.items():
            secret = name in skill.slots and self._model.kinds[skill.slots[name].kind].secret
            if secret or not isinstance(value, str):
                continue
            new = amended(value, text) or self._given_anew(skill, name, value, text)
            if new not in (None, value):
                return self._several([(skill, {**slots, name: new})], unsure=True)
        return None

    def _other_than_last(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What was done or told last, for the record that was meant: "no, I meant the other"."""
        rest = without_corrections(text) if len(text) <= CORRECTION else ""
        skill, about = self._last_called()
        slot = next((n for n, one in skill.slots.items() if one.listed), None) if skill else None
        if skill is None or slot is None or rest in ("", text) or rest.endswith(("?", "？", "؟")):
            return None
        value = self._slots(skill, rest).get(slot)
        said = self._model.kinds[skill.slots[slot].kind].called
        shown = said.search(rest) if said else None
        if value is not None and str(value).lower() not in about:
            bare = self._model.acts.says_no_more(rest, shown.group() if shown else str(value))
            acts = skill.acts is not None
            return self._several([(skill, {slot: value})], unsure=acts) if bare else None
        points = pointed(rest, {})
        if value is not None or points is None or points.by != OTHER or len(rest) > AGAIN:
            return None
        how = {"few": True} if skill.acts else {"asks": True, "fits": {}}
        return iter([self._of_record(skill, slot, rest, how)])

    def _last_called(self) -> tuple[Skill | None, set[str]]:
        """The skill that told of a record just now, or else did something last, and of which."""
        before = self._left_behind()
        called = before.get("called", ())
        skill = self._model.skill(called[0]) if len(called) == 1 else None
        if skill is not None and skill.acts is None and skill.name in self._usable:
            return skill, {str(value).lower() for value in before.get("slots", {}).values()}
        done = dialogue_before(self._messages).done
        if not done or done[-1].status != "ok":
            return None, set()
        skill = self._model.skill(self._model.skill_of(done[-1].tool))
        usable = skill is not None and skill.acts is not None and skill.name in self._usable
        return skill if usable else None, {one.lower() for one in done[-1].about}

    def _given_anew(self, skill: Skill, slot: str, value: str, text: str) -> str | None:
        """The value as a message gives it whole once more, of which most is as it was."""
        kind = self._model.kinds[skill.slots[slot].kind] if slot in skill.slots else None
        if kind is None or kind.anywhere is None or "?" in text or len(text) > LEAD + len(value):
            return None
        new = kind.anywhere(text)
        if not new or self._model.acts.cues(text).intersection(CUES - {"how", "takes_back"}):
            return None
        old, now = ({token.text for token in tokens_of(plain(one))} for one in (value, new))
        return new if len(old & now) >= SAME * len(old) else None

    def _wished_in_few_words(self, text: str) -> Iterator[str | ToolRequest] | None:
        """An act that is wished of what was spoken of: it is looked up which that is."""
        for part in [text, *reversed(parts_of(text))]:
            if len(part) > SHORT or "?" in part.rstrip("?？؟"):
                continue
            if (skill := self._act_of(part)) is not None:
                name = next(name for name, slot in skill.slots.items() if slot.listed)
                given = self._slots(skill, part) or self._proposed_slots(skill.name, text)
                if name in given:
                    return self._several([(skill, given)], unsure=True)
                said = part if _points(part) or not _points(text) else text
                return iter([self._of_record(skill, name, said, {"few": True})])
        return None

    def _act_of(self, text: str) -> Skill | None:
        """The act that a few words wish; None where a word speaks against every one."""
        wanted, wish = self._model.wanted(text), self._likely(text).get(WISH, 0.0)
        cues = self._model.acts.cues(text, self._language())
        against = CUES - {"how"} - ({"others"} if is_several(text) else set())
        if wish >= SURELY:  # "cancel that" cancels a thing here, and no wish
            against -= {"takes_back", "found"}
        if cues & against or not wanted:
            return None
        options = {
            name: wanted.get(name, 0.0)
            for name, skill in self._model.skills.items()
            if skill.acts
            and skill.acts.named
            and not skill.acts.tells
            and f"do_{name}" in cues
            and name in self._usable
            and any(slot.listed for slot in skill.slots.values())
        }
        near = [name for name in options if self._is_near(self._model.skills[name])]
        best = max(near or options, key=lambda name: options[name], default="")
        points = pointed(text, {})
        few = len(text.split()) <= FEW
        here = len(near) == 1 and (wish >= SURELY or (few and (points or wish >= SAID)))
        wishes = wish >= WISHED or options.get(best, 0.0) >= SURELY
        sure = here or (wishes and options.get(best, 0.0) >= LEAST)
        return self._model.skills[best] if best and sure else None

    def _is_near(self, skill: Skill) -> bool:
        """Whether an act is one on what was spoken of, or shown, last."""
        about = dialogue_before(self._messages)
        named = skill.acts.named if skill.acts else ""
        last = [*about.spoken[:1], *(one.id for one in about.shown)]
        return any(re.fullmatch(named, one) for one in last)

    def _only_other(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is done to the one that is meant in place of another: "not the visa, only the …".

        It is proposed, where nothing but the negation speaks against it.
        """
        said = instead(text) if len(text) <= CORRECTION else ""
        if not said or text.rstrip()[-1:] in "?？؟" or self._waiting():
            return None
        cues, wanted = self._model.acts.cues(text, self._language()), self._model.wanted(text)
        if cues & (CUES - {"how", "not"}):
            return None
        acts = {
            name: wanted.get(name, 0.0)
            for name in self._usable
            if self._acts(name) is not None and f"do_{name}" in cues
        }
        best = max(acts, key=lambda name: (acts[name], name), default="")
        skill = self._model.skill(best)
        slot = next((n for n, one in skill.slots.items() if one.listed), None) if skill else None
        if skill is None or slot is None:
            return None
        if slot in (given := self._slots(skill, said)):
            return self._several([(skill, {slot: given[slot]})], unsure=True)
        points = pointed(said, {})
        if points is None or points.by == PRONOUN:
            return None
        return iter([self._of_record(skill, slot, text, {"few": True})])

    def _same_again(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What was done last, done to the other one, too: "and the other one as well"."""
        about = dialogue_before(self._messages)
        points = pointed(text, {})
        if (
            points is None
            or points.by != OTHER
            or len(text) > AGAIN
            or text.rstrip()[-1:] in "?？؟"
        ):
            return None
        done = about.done[-1] if about.done and about.done[-1].status == "ok" else None
        skill = self._model.skill(self._model.skill_of(done.tool)) if done else None
        if skill is None or skill.acts is None or skill.name not in self._usable:
            return None
        if not about.spoken or not re.fullmatch(skill.acts.named or "-", about.spoken[0]):
            return None
        if self._model.acts.cues(text, self._language()) & (CUES - {"how", "others"}):
            return None
        slot = next((name for name, one in skill.slots.items() if one.listed), None)
        return iter([self._of_record(skill, slot, text, {"few": True})]) if slot else None


def _points(text: str) -> bool:
    """Whether a text says which record it means, or which it does not, by more than a pronoun."""
    points = pointed(text, {})
    return bool(excluded(text)) or (points is not None and points.by != PRONOUN)
