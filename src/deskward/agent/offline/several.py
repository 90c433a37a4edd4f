"""Several questions in one message, or one beside a wish: all are answered, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deskward.agent.model import ToolRequest
from deskward.agent.offline.few_words import FewWords
from deskward.agent.offline.turning import LONGEST, PART
from deskward.text.joins import between

ASKED = 0.8
"""From this probability on a part of a message that wishes something asks something, too."""
LEAST = 5
"""Letters of a part that can be a question by itself."""
MOST = 6
"""Parts of a message that is looked at so."""
_LEADS = (":", "：")
"""What ends a part that only leads to a value: "I have moved: …"."""


class Several(FewWords):
    """A step that answers all that a message asks."""

    def _of_several(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is answered to a message that asks about several things, and wishes nothing."""
        parts = self._questions(text)
        if len(parts) < 2 or self._wishing(self._model.acts.read(text), text)[0]:
            return None
        return self._one_after_another(parts)

    def _questions(self, text: str, enough: float = PART) -> list[str]:
        """The questions of a message that asks about several things, in order; else none."""
        parts = [part.strip() for part in between().split(text)]
        parts = [part for part in parts if len(part) >= LEAST and not part.endswith(_LEADS)]
        if len(text) > LONGEST or not 1 < len(parts) <= MOST:
            return []
        hands = self._model.handover
        found: dict[str, str] = {}
        for part in parts:
            meaning = self._meaning_of(part)
            if meaning is None or meaning.score < enough or not meaning.kind.skill:
                continue
            skill = self._model.skill(meaning.kind.skill)
            if skill is None or (hands is not None and skill.tool == hands.tool):
                continue
            if self._model.acts.read(part).wishes:
                continue
            topic = f"{self._about(meaning.kind)}.{meaning.kind.tells}.{meaning.kind.sums}"
            found.setdefault(topic, part.strip())
        return list(found.values())

    def _one_after_another(self, parts: Sequence[str]) -> Iterator[str | ToolRequest]:
        """Answer several questions of one message, each when the one before is answered."""
        first, *rest = parts
        meaning = self._meaning_of(first)
        told = self._of_turn(meaning) if meaning is not None else None
        events = list(told or [self._hand_over(first)])
        yield from events
        if any(isinstance(event, ToolRequest) for event in events):
            state = {**(self.state or {}), **({"more": rest} if rest else {})}
            self.state = state | ({"then": self._then} if self._then else {})
        elif rest or self._then:
            yield "\n\n"
            yield from self._one_after_another(rest) if rest else self._next()

    def _next(self) -> Iterator[str | ToolRequest]:
        """Take the next wish up, or answer the question that stood behind one."""
        if "question" not in self._then[0]:
            yield from super()._next()
            return
        asked, self._then = self._then[0], self._then[1:]
        yield from self._one_after_another([asked["question"]])

    def _asked_later(self, parts: Sequence[str]) -> list[dict[str, Any]]:
        """Questions that are answered when what was wished before them is done or declined."""
        found = []
        for part in parts:
            meaning = self._meaning_of(part)
            if meaning is not None and meaning.kind.skill:
                found.append({"skill": meaning.kind.skill, "slots": {}, "question": part})
        return found

    def _what_is_left(self, before: dict[str, Any]) -> Iterator[str | ToolRequest]:
        """The next question of the same message, or what was wished beside it."""
        if before.get("more"):
            self._then = list(before.get("then", []))
            yield "\n\n"
            yield from self._one_after_another(before["more"])
        elif "called" not in before and before.get("then"):
            self._then = self._still_wished()
            if self._then:
                yield "\n\n"
                yield from self._next()
