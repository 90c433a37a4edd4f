"""The skill that a message is about: its tool is called, or what it lacks is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deskward.agent.model import ToolRequest
from deskward.agent.offline.beside import wishing_parts
from deskward.agent.offline.offering import Offering
from deskward.agent.offline.skills import Skill, text_in
from deskward.text.risk import risks_of

SURE = 0.6
"""From this probability on a skill acts at once."""


class Filling(Offering):
    """A step that does what a skill is for."""

    def _fill(
        self, skill: Skill, slots: dict[str, Any], *, sure: bool
    ) -> Iterator[str | ToolRequest]:
        missing = self._missing(skill, slots)
        wishes = self._handing(skill, self._said_last())
        if wishes is False:
            yield self._reply("left")
            return
        sure = sure and wishes is True
        if missing:
            yield self._ask_for(skill, slots, missing)
        else:
            yield from self._several([(skill, slots)], unsure=not sure)

    def _sought(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is done for who seeks what a skill gives, or says that they do not; or nothing."""
        name = self._model.sought.of(text)
        if name is None and self._model.sought.is_declined(text):
            return iter([self._reply("left")])
        if name is None or name not in self._usable:
            return None
        skill = self._model.skills[name]
        slots = self._slots(skill, text)
        if skill.surely and self._missing(skill, slots) is None:
            return self._several([(skill, slots)])
        return self._fill(skill, slots, sure=True)

    def _parts(self, text: str) -> list[tuple[Skill, dict[str, Any]]]:
        """Several questions in one message that can all be answered at once, or nothing."""
        found = []
        for part in wishing_parts(text):
            skill, score = self._model.best(part, self._usable)
            if skill is None or skill.tool is None or skill.acts or score < SURE:
                return []
            slots = self._slots(skill, part)
            if self._missing(skill, slots):
                return []
            found.append((skill, slots))
        names = {skill.name for skill, _ in found}
        return found if len(names) == len(found) else []

    def _explained(self, text: str) -> str | None:
        """What is told of an act that a message asks about, and wishes neither it nor anything."""
        cues = self._model.acts.cues(text, self._language())
        asks = any(mark in text for mark in "?？؟") or not cues.isdisjoint({"how", "asking", "if"})
        if not asks or risks_of("", text) or not cues.isdisjoint({"others", "said", "mocks"}):
            return None
        skills = [self._model.skills[name] for name in sorted(self._usable)]
        named = {one.acts.named for one in skills if one.acts and f"do_{one.name}" in cues} - {""}
        about = (one for one in skills if one.explains and one.acts and one.acts.named in named)
        told = next(about, None) if len(named) == 1 else None
        return text_in(told.explains, self._language()) if told else None
