"""A second wish in one message: it is done, or taken up when the first is done or declined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from deskward.agent.model import ToolRequest
from deskward.agent.offline.meant import AGREED, REFUSED, WISHED
from deskward.agent.offline.several import LEAST, MOST, Several
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.told import CUES
from deskward.agent.offline.turning import LONGEST
from deskward.agent.offline.wishing import Wish
from deskward.text.joins import apart
from deskward.text.risk import risks_of

AGAINST = CUES - {"how", "found", "past", "earlier"}
"""Lists with words that make of a whole message none in which a further wish is looked for."""


class Beside(Several):
    """A step that leaves no wish of a message behind."""

    def _with_parts(self, wishes: list[Wish], text: str) -> list[Wish]:
        """The wishes of a message, and those that only parts of it tell."""
        found = self._wishes_in_parts(text, [wish.skill for wish in wishes])
        return [*wishes, *found] if wishes or len(found) > 1 else []

    def _wishes_in_parts(self, text: str, known: Sequence[str]) -> list[Wish]:
        """What parts of a message wish besides these skills; it is only proposed, or asked for."""
        parts, found = wishing_parts(text), list[Wish]()
        if len(parts) < 2 or self._model.acts.cues(text, self._language()) & AGAINST:
            return []
        for part in parts:
            wish = self._wish_in(part)
            if wish is not None and not self._is_known(wish, [*known, *(w.skill for w in found)]):
                found.append(replace(wish, clear=False))
        return found

    def _note_others(self, text: str) -> None:
        """Remember what else a message wishes than what is done about it now."""
        state = self.state or {}
        now = [state.get("skill"), *state.get("called", ()), state.get("seeks", {}).get("skill")]
        now = [name for name in now if name and self._acts(name)]
        then = list(state.get("then", ()))
        if not state or "offers" in state or risks_of("", text):
            return
        for wish in self._wishes_in_parts(text, [*now, *(one["skill"] for one in then)]):
            if not now and wish.guessed:  # a question is answered, which may have such words
                continue
            skill = self._model.skills[wish.skill]
            slots = self._wished_slots(skill, wish, wish.said)
            missing = self._missing(skill, slots)
            lacks = {"waits_for": missing} if missing else {}
            then.append({"skill": wish.skill, "slots": slots, **lacks})
        if then:
            self.state = {**state, "then": then}

    def _wish_in(self, part: str) -> Wish | None:
        """What one part of a message wishes by itself."""
        reading, wanted = self._model.acts.read(part), self._model.wanted(part)
        if reading.why in REFUSED or "?" in part:
            return None
        own = [wish for wish in reading.wishes if not wish.loss]
        for wish in own or self._model.acts.guess(part).wishes:
            sure = bool(own) or not wanted or wanted.get(wish.skill, 0.0) >= AGREED
            if sure and wish.skill in self._usable and not wish.loss:
                found = replace(wish, said=part) if not wish.said else wish
                return replace(found, guessed=not own)
        acts = {name: p for name, p in wanted.items() if name in self._usable and self._acts(name)}
        best = max(acts, key=lambda name: acts[name], default="")
        acts_of = self._acts(best)
        # "Tell me my address" names what another wish would change, and no deed.
        if (
            acts_of is not None
            and acts[best] >= WISHED
            and self._has_thing(best, part)
            and (not acts_of.value or self._names_deed(best, part))
        ):
            return self._wish_of(best, part)
        return self._without_value(part)

    def _names_deed(self, name: str, part: str) -> bool:
        """Whether a part has words for what an act does, or why it is wanted."""
        cues = self._model.acts.cues(part, self._language())
        return bool(cues & {f"do_{name}", f"hint_{name}"})

    def _without_value(self, part: str) -> Wish | None:
        """An act with a value that a part names, and does not give: it is asked for."""
        cues = self._model.acts.cues(part, self._language())
        named = (
            name
            for name in sorted(self._usable)
            if (act := self._acts(name)) is not None
            and act.value
            and not act.any
            and f"thing_{name}" in cues
            and self._names_deed(name, part)
        )
        found = next(named, None)
        return self._wish_of(found, part) if found else None

    def _is_known(self, wish: Wish, known: Sequence[str]) -> bool:
        """Whether a wish is of one of those skills, or another deed on the same kind of thing."""
        act = self._acts(wish.skill)
        named = {one.named for name in known if (one := self._acts(name))} - {""}
        return wish.skill in known or act is None or act.named in named or act.any

    def _kept_wishes(self, before: dict[str, Any], text: str) -> Iterator[str | ToolRequest]:
        """Remember what was wished besides, where the customer said something about the first.

        What they say no question about is taken up at once.
        """
        self._note_others(text)
        state = self.state or {}
        left = [one for one in before.get("then", ()) if one["skill"] in self._model.skills]
        if not left or "then" in state or risks_of("", text) or self._is_taken_up(left, state):
            return
        if state:
            self.state = {**state, "then": left}
            return
        self._then = left
        yield "\n\n"
        yield from self._next()

    def _is_taken_up(self, left: list[dict[str, Any]], state: dict[str, Any]) -> bool:
        """Whether what is done now is one of the wishes that were left."""
        now = {state.get("skill"), *state.get("called", ()), state.get("seeks", {}).get("skill")}
        return any(one["skill"] in now for one in left)

    def _with_later(self, before: dict[str, Any], text: str) -> Iterator[str | ToolRequest] | None:
        """What was proposed first, once more, where a message gives what a further wish lacks."""
        skill: Skill | None = self._model.skill(before["called"][0])
        if skill is None or skill.acts is None or len(before["called"]) > 1:
            return None
        left = list(before.get("then", ()))
        for at, wish in enumerate(left):
            other = self._model.skill(wish["skill"])
            if other is None or "waits_for" not in wish:
                continue
            kind = self._model.kinds[other.slots[wish["waits_for"]].kind]
            value = kind.anywhere(text) if kind.anywhere is not None and not kind.secret else None
            if value and self._model.acts.says_no_more(text, value):
                slots = {**wish["slots"], wish["waits_for"]: value}
                left[at] = {"skill": wish["skill"], "slots": slots}
                self._then = left
                return self._several([(skill, before.get("slots", {}))], unsure=True)
        return None


def wishing_parts(text: str) -> list[str]:
    """The parts of a message that may each wish something."""
    if len(text) > LONGEST:
        return []
    parts = [part.strip(" ,") for part in apart().split(text) if part]
    parts = [part for part in parts if len(part) >= LEAST]
    return parts if len(parts) <= MOST else []
