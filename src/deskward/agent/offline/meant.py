"""What a message wishes: which of the two readings counts, and with which values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deskward.agent.offline.answering import Answering
from deskward.agent.offline.reading import Reading
from deskward.agent.offline.skills import Skill
from deskward.agent.offline.wishing import Wish
from deskward.text.finding import Found
from deskward.text.language import language_of

REFUSED = frozenset({"said", "takes_back", "ago", "when", "whose"})
"""Why a wish is not even proposed: the lists of `acts.yaml` that say so beyond doubt."""


class Meant(Answering):
    """A step that knows what is wished."""

    def _is_possible(self, wishes: list[Wish]) -> bool:
        """Whether anything is wished, and all of it can be done here."""
        return bool(wishes) and all(wish.skill in self._usable for wish in wishes)

    def _proposed(self, text: str) -> list[Wish]:
        """What a message wishes that is not to be done without a question."""
        wishes = self._understood(self._model.acts.read(text), text)
        return [replace(wish, clear=False) for wish in wishes]

    def _understood(self, reading: Reading, text: str) -> list[Wish]:
        """What is wished, or else what may be: that is proposed only."""
        vague = any(wish.stands for wish in reading.wishes)
        clear = bool(reading.wishes) and reading.wishes[0].clear
        if (len(reading.wishes) > 1 and not vague) or (
            clear and self._names(reading.wishes[0], text)
        ):
            return reading.wishes
        if reading.why in REFUSED - {"takes_back"}:
            return []
        guess = self._model.acts.guess(text)
        if (reading.why in REFUSED and not guess.turned) or (
            guess.refused and (guess.turned or all(wish.loss for wish in reading.wishes))
        ):
            return []
        guessed = [wish for wish in guess.wishes if self._is_whole(wish, text)]
        if guessed and (guess.turned or (vague and len(guessed) >= len(reading.wishes))):
            return guessed
        if clear and not any(wish.said for wish in guessed):
            return reading.wishes
        if not reading.wishes and not guessed and not any(wish.loss for wish in guess.wishes):
            return guess.wishes[:1]  # what it lacks is asked for
        skills = {wish.skill for wish in guessed}
        if all(wish.skill in skills for wish in reading.wishes):
            return guessed or reading.wishes
        return reading.wishes

    def _names(self, wish: Wish, text: str) -> bool:
        """Whether a wish names its record, where it is of one."""
        skill = self._model.skills[wish.skill]
        assert skill.acts is not None
        return not skill.acts.named or bool(self._wished_slots(skill, wish, text))

    def _is_whole(self, wish: Wish, text: str) -> bool:
        """Whether a guessed wish names what it needs."""
        skill = self._model.skills[wish.skill]
        return self._missing(skill, self._wished_slots(skill, wish, text)) is None

    def _is_of_another(self, name: str, text: str) -> bool:
        """Whether a skill makes a record, and a text is about one that is there: "add to T904"."""
        acts = self._model.skills[name].acts
        return bool(
            acts and acts.makes and self._model.kinds[acts.makes].find(text, False) is not None
        )

    def _is_about(self, skill: Skill, text: str) -> bool:
        """Whether a text is about what the skill does; examples are in English only."""
        return self._model.acts.speaks_of(skill.name, text) or language_of([text]) == "en"

    def _last(self, wish: Wish) -> tuple[bool, bool]:
        acts = self._model.skills[wish.skill].acts
        return acts is not None and acts.any, acts is not None and acts.shows

    def _wished_slots(self, skill: Skill, wish: Wish, text: str) -> dict[str, Any]:
        """The values of a wish: only what stands where it names them."""
        assert skill.acts is not None
        found: dict[str, Any] = {}
        for name, slot in skill.slots.items():
            kind = self._model.kinds[slot.kind]
            value: Found
            if wish.guessed and wish.value and kind.anywhere is not None:
                value = wish.value
            elif skill.acts.any or kind.whole:
                value = kind.find(text, False)
                if kind.free and skill.acts.any and self._model.acts.says_only(skill.name, text):
                    value = None  # "I have a problem to report"
            elif slot.optional and kind.secret:
                value = kind.find(wish.said, False)
            elif skill.acts.value:
                value = whole(wish.value, kind.find(wish.value, True)) if wish.value else None
                if value is None and kind.secret:
                    value = kind.find(wish.said, False)
            else:
                value = kind.find(wish.said, False)
                if value is None and wish.guessed:
                    looks = kind.looks.search(text) if kind.looks else None
                    value = looks.group() if looks else None
                elif value is None:
                    value = kind.find(text, False)
            if value is not None:
                found[name] = value
        return found


def whole(text: str, found: Found) -> Found:
    """The text from its beginning, where what was found in it is only its end."""
    if isinstance(found, str) and found in text and not found.startswith("[["):
        return text[: text.index(found) + len(found)]
    return found
