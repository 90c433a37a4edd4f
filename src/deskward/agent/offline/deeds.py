"""Questions about what the desk has done: "what did you do?", "did it work?", "is my card frozen?".

They are answered from what was done in the conversation (`agent/dialogue.py`), with the words that
told it at first, and of things from what they are now. Words are data: `text/lists/deeds.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from deskward.agent.dialogue import Dialogue, Done
from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.amending import amended
from deskward.agent.offline.choosing import Choosing
from deskward.agent.offline.declared import States
from deskward.agent.offline.lookup import Lookup, Token, plain, tokens_of
from deskward.agent.offline.refers import OTHER, PRONOUN, is_several, pointed
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.told import CUES
from deskward.agent.offline.turn import Knowing
from deskward.core.answers import status_of
from deskward.text.language import language_of
from deskward.text.lists import read_list

LONGEST = 90
"""Characters of such a question."""
TOLD = 5
"""So many of the last deeds are told."""
AMENDS = frozenset({"not", "takes_back", "others", "earlier", "past", "found"})
"""Lists whose words may say of what was proposed that another is meant: "no, wait, the other"."""
CORRECTION = 60
"""Characters of a message that only says which other one is meant."""
INSISTS = 40
"""Characters of a message that only asks once more for what it was asked about."""


class Deeds(Choosing):
    """A step that can tell what was done."""

    def _of_deeds(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is answered to a question about what was done; None where it is none."""
        if len(text) > LONGEST:
            return None
        language = language_of([text], otherwise=self._language())
        hits = _lookup(language).find(tokens_of(plain(text)))
        about = dialogue_before(self._messages)
        if "told" in hits:
            return self._all_deeds(about)
        if "when" in hits and about.handed:
            return iter([self._deed("handed", reference=about.handed)])
        named = self._acts_named(text)
        states = "blocked" in hits and "now" in hits and "you" not in hits
        if states and (tells := self._telling_states(text, about)) is not None:
            assert tells.tool is not None
            self.state = {"states": text, "skill": tells.name}
            return iter([ToolRequest("states", tells.tool, dict(tells.arguments))])
        marked = text.rstrip().endswith(("?", "？", "؟"))
        # Unmarked it is one only where it begins so, unlike "mir wurde die Karte gestohlen".
        you = any(
            marked or (hit.start == 0 and hit.end - hit.start > 1) for hit in hits.get("you", ())
        )
        if ("worked" in hits and (marked or _is_whole(text, hits))) or (you and named):
            return self._whether(text, about, named)
        return None

    def _telling_states(self, text: str, about: Dialogue) -> Skill | None:
        """The skill whose answer tells how the things are now that a text speaks of."""
        acts = self._model.acts
        last = about.done[-1].tool if about.done else ""
        for skill in self._model.skills.values():
            if skill.states is None or skill.name not in self._usable:
                continue
            on_it = self._acting_on(skill.states)
            if any(acts.speaks_of(name, text) or self._slots_of(name, text) for name in on_it):
                return skill
            if any(self._model.skills[name].tool == last for name in on_it):
                return skill
        return None

    def _acting_on(self, states: States) -> list[str]:
        """The skills that do something to such things."""
        return [name for name, one in self._model.skills.items() if states.slot in one.slots]

    def _slots_of(self, name: str, text: str) -> dict[str, Any]:
        return self._slots(self._model.skills[name], text)

    def _acts_named(self, text: str) -> set[str]:
        """The tools of the acts whose words stand in a text."""
        cues = self._model.acts.cues(text)
        found = set()
        for name, skill in self._model.skills.items():
            if skill.acts and skill.tool and cues & {f"do_{name}", f"hint_{name}", f"done_{name}"}:
                found.add(skill.tool)
        return found

    def _all_deeds(self, about: Dialogue) -> Iterator[str]:
        told = [self._told_deed(deed) for deed in about.done]
        if about.handed:
            told.append(self._deed("handed", reference=about.handed))
        yield "\n".join(told) or self._deed("nothing")

    def _whether(
        self, text: str, about: Dialogue, named: set[str]
    ) -> Iterator[str | ToolRequest] | None:
        """Whether the deed that is asked about was done; of none that is named the last one."""
        waiting = self._waiting()
        fit = [deed for deed in about.done if deed.tool in named] if named else list(about.done)
        if waiting and (not named or waiting[0][0].tool in named):
            return self._still_asked(waiting)
        if not fit:
            if about.handed and not named:
                return iter([self._deed("handed", reference=about.handed)])
            return iter([self._deed("not_that" if named else "nothing")])
        deed = self._the_one(text, fit)
        if deed is None:
            return iter([self._deed("not_that")])
        yes = f"{self._deed('yes')} " if deed.status == "ok" else ""
        return iter([yes + self._told_deed(deed)])

    def _the_one(self, text: str, deeds: Sequence[Done]) -> Done | None:
        """The latest of the deeds, of those with the record that the text names."""
        values = {
            str(value).lower()
            for skill in self._model.skills.values()
            if skill.acts and skill.acts.named
            for name, value in self._slots(skill, text).items()
            if self._model.kinds[skill.slots[name].kind].called
            or self._model.kinds[skill.slots[name].kind].is_id
        }
        if not values:
            return deeds[-1]
        of_it = [deed for deed in deeds if values & {one.lower() for one in deed.about}]
        return of_it[-1] if of_it else None

    def _tell_deeds(self, text: str, about: Dialogue) -> Iterator[str | ToolRequest]:
        """What was done; of what a text names only that, where it was done."""
        if waiting := self._waiting():
            return self._still_asked(waiting)
        named = self._acts_named(text)
        fit = [deed for deed in about.done if deed.tool in named] or list(about.done)
        if not fit:
            return self._all_deeds(about)
        fit = [deed for deed in fit if deed.status == "ok"][-TOLD:] or fit[-1:]
        return iter(["\n".join(map(self._told_deed, fit))])

    def _waiting(self) -> list[tuple[Any, dict[str, Any]]]:
        """What the customer was asked about just before, and has not said yes or no to."""
        previous = next((m for m in reversed(self._messages[:-1])), None)
        before = self._left_behind()
        if previous is None or not previous.asks or "called" not in before:
            return []
        skill = self._model.skill(before["called"][0])
        return [(skill, before["slots"])] if skill is not None and skill.acts else []

    def _once_more_asked(
        self, before: dict[str, Any], text: str
    ) -> tuple[Skill, dict[str, Any]] | None:
        """What was asked about just before, where the answer asks for it in words of its own.

        "Yes, block it" is no yes, as it may be another deed: it is asked about again, alone. So is
        a value of which one part is corrected.
        """
        skill = self._model.skill(before["called"][0])
        if skill is None or skill.acts is None or len(before["called"]) > 1:
            return None
        slots = before.get("slots", {})
        if skill.acts.value and (mended := self._amended(skill, slots, text)) is not None:
            return skill, mended
        if not self._waiting() or len(text) > INSISTS or "?" in text:
            return None
        if not self._says_deed(skill, text):
            return None
        new = {k: v for k, v in self._slots(skill, text).items() if slots.get(k) != v}
        return None if new or is_several(text) else (skill, slots)

    def _says_deed(self, skill: Skill, text: str) -> bool:
        """Whether a word for a deed stands in a text, and nothing that speaks against it."""
        cues = self._model.acts.cues(text)
        if cues & CUES - {"how"}:
            return False
        named = not cues.isdisjoint({f"do_{skill.name}", f"hint_{skill.name}"})
        return named or bool(_verbs(self._model, skill.name, self._language()).find(_words(text)))

    def _otherwise(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What waits or was refused just now, where the answer points at another record for it."""
        done, waiting = dialogue_before(self._messages).done, self._waiting()
        refused = done[-1].tool if done and done[-1].status == "declined" else ""
        if not (refused or waiting) or len(text) > INSISTS or "?" in text:
            return None
        skill = waiting[0][0] if waiting else self._model.skill(self._model.skill_of(refused))
        points = pointed(text, {})
        if skill is None or skill.acts is None or points is None or points.by == PRONOUN:
            return None
        against = CUES - {"how"} - (AMENDS if waiting and points.by == OTHER else frozenset())
        if not self._model.acts.cues(text).isdisjoint(against):
            return None
        slot = next((name for name, one in skill.slots.items() if one.listed), None)
        if slot is None or skill.name not in self._usable:
            return None
        return iter([self._ask_for(skill, {}, slot)])

    def _other_meant(self, before: dict[str, Any], text: str) -> Iterator[str | ToolRequest] | None:
        """What was proposed, for another one: it is looked up which that is, and proposed."""
        waiting = self._waiting() if "called" in before else []
        if not waiting or len(text) > CORRECTION or any(mark in text for mark in "?？؟"):
            return None
        skill, slots = waiting[0]
        if skill.acts.value and (mended := self._amended(skill, slots, text)) is not None:
            return self._several([(skill, mended)], unsure=True)
        slot = next((name for name, one in skill.slots.items() if one.listed), None)
        if slot is None or skill.name not in self._usable:
            return None
        cues, points = self._model.acts.cues(text, self._language()), pointed(text, {})
        if self._names_another(skill, text) or not cues.isdisjoint(CUES - {"how"} - AMENDS):
            return None
        other = points is not None and points.by == OTHER
        value = self._slots(skill, text).get(slot)
        if not other and (value is None or not slots.get(slot) or not cues & {"not", "takes_back"}):
            return None
        request = self._ask_for(skill, {k: v for k, v in slots.items() if k != slot}, slot)
        if self.state is not None and "seeks" in self.state and slots.get(slot):
            self.state["seeks"]["spoken"] = [str(slots[slot])]
        return iter([request])

    def _names_another(self, skill: Skill, text: str) -> bool:
        """Whether a message names another act, with what it is done to."""
        cues = self._model.acts.cues(text, self._language())
        return any(
            f"do_{name}" in cues and self._model.acts.speaks_of(name, text)
            for name, one in self._model.skills.items()
            if one.acts and one.tool != skill.tool and f"do_{skill.name}" not in cues
        )

    def _proposed_slots(self, skill: str, text: str) -> dict[str, Any]:
        """The values that were proposed just now for an act: "block it for now, please"."""
        points = pointed(text, {})
        if is_several(text) or (points is not None and points.by != PRONOUN):
            return {}
        return next((slots for one, slots in self._waiting() if one.name == skill), {})

    def _amended(self, skill: Skill, slots: dict[str, Any], text: str) -> dict[str, Any] | None:
        """The values with the part of one that a message corrects."""
        for name, value in slots.items():
            if name not in skill.slots or self._model.kinds[skill.slots[name].kind].secret:
                continue
            if isinstance(value, str) and (found := amended(value, text)) not in (None, value):
                return {**slots, name: found}
        return None

    def _still_asked(self, waiting: list[tuple[Any, dict[str, Any]]]) -> Iterator[Any]:
        yield self._deed("asked")
        yield from self._several(waiting, unsure=True)

    def _left_as_is(self) -> str:
        """What is said to who takes a wish back: nothing was done, or it is done by now."""
        users = [n for n, message in enumerate(self._messages) if message.role == "user"]
        turn = self._messages[users[-2] : users[-1]] if len(users) > 1 else ()
        calls = {request.id: request.name for m in turn for request in m.tool_requests}
        about = dialogue_before(self._messages)
        done = [one for one in about.done if one.status == "ok"]
        told = [self._told_deed(one) for one in done if one.request in calls]
        hands = self._model.handover
        if about.handed and hands is not None and hands.tool in calls.values():
            told.append(self._deed("handed", reference=about.handed))
        return self._reply("done_by_now", what="\n".join(told)) if told else self._reply("left")

    def _told_deed(self, deed: Done) -> str:
        """What was done, in the words that told it at first."""
        if deed.status != "ok":
            name = {"pending": "waits", "declined": "declined"}.get(deed.status, "failed")
            return self._deed(name)
        skill = self._model.skill(self._model.skill_of(deed.tool))
        for message in reversed(self._messages):
            if message.role == "tool" and message.tool_request_id == deed.request:
                return self._answer(skill, json.loads(message.text), {})
        return f"{self._reply('done')} ({deed.tool}: {', '.join(deed.about)})"

    def _after_states(self, before: Mapping[str, Any], last: Message) -> Iterator[str]:
        """How things are now; of those that the text names, only these."""
        result = json.loads(last.text)
        skill = self._model.skill(before["skill"])
        if skill is None or skill.states is None or status_of(result) != "ok":
            yield self._answer(None, result, {})
            return
        states, text = skill.states, before["states"]
        things = result.get(states.rows, [])
        named = {
            str(value).lower()
            for name in self._acting_on(states)
            for value in self._slots_of(name, text).values()
        }
        some = [t for t in things if {str(t[n]).lower() for n in states.names} & named]
        if not some and is_several(text) and len(things) > 1:
            known = {str(t[states.names[-1]]): t for t in things}
            others = pointed(text, known, self._spoken())
            some = [known[name] for name in others.names] if others else []
        some = some or things
        yield "\n".join(self._state(states, one) for one in some) or self._reply("done")


def _is_whole(text: str, hits: Mapping[str, Sequence[Any]]) -> bool:
    """Whether the question is all that a message says, but for a word or two: "done yet"."""
    count = len(tokens_of(plain(text)))
    return any(count - (hit.end - hit.start) <= 2 for hit in hits.get("worked", ()))


def _words(text: str) -> list[Token]:
    return tokens_of(plain(text))


@cache
def _verbs(model: Knowing, name: str, language: str) -> Lookup:
    """A skill's words for its deed in a language."""
    acts = model.skills[name].acts
    words = acts.languages.get(language) if acts else None
    return Lookup([("do", [*words.do, *words.lax] if words else [])])


@cache
def _lookup(language: str) -> Lookup:
    """A language's phrases: "ja" is German for yes and Portuguese for already."""
    lists = read_list("deeds")
    return Lookup(lists.get(language, lists["en"]).items())
