"""What a message wishes: which of the two readings counts, and with which values."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.offline.amending import amended
from deskward.agent.offline.answering import Answering
from deskward.agent.offline.declared import Declared
from deskward.agent.offline.lookup import Lookup, plain, tokens_of
from deskward.agent.offline.reading import Reading
from deskward.agent.offline.refers import meant, pointed, says_all, shown
from deskward.agent.offline.skills import NONE, Skill
from deskward.agent.offline.told import CUES
from deskward.agent.offline.wishing import Wish
from deskward.text.finding import Found
from deskward.text.language import language_of

REFUSED = frozenset({"said", "takes_back", "ago", "when", "whose"})
"""Why a wish is not even proposed: the lists of `acts.yaml` that say so beyond doubt."""
WISHED = 0.5
"""From this probability on an act is proposed."""
AGREED = 0.3
"""Without this probability none is done without a question."""
REFUSED_BUT_WISHED = 0.9
"""The same where a word speaks against it."""
OTHER = 0.8
"""From this probability on another act on the same thing is proposed than words say."""
UNWISHED = 0.95
"""From this probability on that nothing is wished, words alone propose nothing."""
_SENTENCE = re.compile(r"[.!?;…؛؟。！？]+\s*")
SHORT = 120
"""Characters of a message that may be about what was shown just before."""


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
        """What is wished, or else what may be: that is proposed only.

        Words tell, and sentences that were learned from: what both tell is done, what one of them
        tells is proposed, unless the other is sure that it is not wished.
        """
        wishes, wanted = self._said(reading, text), self._model.wanted(text)
        if not wanted:
            return wishes
        acts = {name: wanted[name] for name in wanted if name in self._usable and self._acts(name)}
        best = max(acts, key=lambda name: acts[name], default="")
        if not wishes:
            enough = WISHED
            act = self._acts(best)
            told = self._lead(best, text) if act and act.tells else text
            if self._is_refused(self._model.acts.read(told), told):
                # What went wrong is told with a "not" more often than not.
                enough = OTHER if act and act.trouble else REFUSED_BUT_WISHED
            sure = best and acts[best] >= enough and self._has_thing(best, text)
            return [self._wish_of(best, text)] if sure else []
        if len(wishes) == 1 and best and acts[best] >= OTHER and self._is_other(wishes[0], best):
            return [self._wish_of(best, text)]
        if wanted.get(NONE, 0.0) >= UNWISHED and all(wish.guessed for wish in wishes):
            wishes = [wish for wish in wishes if self._is_said_apart(wish, text)]
        return [
            wish if acts.get(wish.skill, 0.0) >= AGREED else replace(wish, clear=False)
            for wish in wishes
        ]

    def _is_said_apart(self, wish: Wish, text: str) -> bool:
        """Whether one sentence of several wishes it in so many words, whatever the others ask."""
        parts = [part for part in _SENTENCE.split(text) if part.strip()]
        return len(parts) > 1 and any(
            one.skill == wish.skill for part in parts for one in self._model.acts.read(part).wishes
        )

    def _lead(self, name: str, text: str) -> str:
        """What stands before what an act tells: as far as its record; what is told refuses nothing.

        All of the text where it names none.
        """
        slots = self._model.skills[name].slots.values()
        looks = [self._model.kinds[slot.kind].looks for slot in slots if slot.listed]
        found = next((hit for one in looks if one and (hit := one.search(text))), None)
        return text[: found.end()] if found else text

    def _wishing(self, reading: Reading, text: str) -> tuple[list[Wish], str]:
        """What is wished, and the text with the record that it is about."""
        wishes = self._understood(reading, text)
        return (wishes, text) if wishes else self._referring(text)

    def _referring(self, text: str) -> tuple[list[Wish], str]:
        """What is wished of a record that was shown or spoken of just now, and the text with it."""
        if len(text) > SHORT:
            return [], text
        before = self._left_behind()
        slots, at_hand = before.get("slots", {}), "called" in before
        spoken = [value for value in slots.values() if isinstance(value, str)]
        spoken += dialogue_before(self._messages).spoken
        named = {one.acts.named for one in self._model.skills.values() if one.acts}
        for pattern in map(re.compile, sorted(named - {""})):
            records = shown(self._messages[:-1], pattern)
            points = pointed(text, records, spoken)
            if points is None and not at_hand:
                continue  # of what was spoken of before, something has to say that it is meant
            name = meant(text, records, spoken)
            name = name or next(filter(pattern.fullmatch, spoken), None)
            said = f"{text} {name}"
            wishes = self._understood(self._model.acts.read(said), said) if name else []
            cues = self._model.acts.cues(text) if wishes else ()
            wishes = [replace(w, clear=False) for w in wishes if f"do_{w.skill}" in cues]
            if wishes:
                return wishes, said
        return [], text

    def _handing(self, skill: Skill, text: str) -> bool | None:
        """Whether a message that is about it wishes to be handed over; None if that is to be asked.

        However that was understood, a word against it in the structure of the message makes it a
        question, and none at all where sentences that were learned from say no, too.
        """
        hands, wanted = self._model.handover, self._model.wanted(text)
        if hands is None or skill.tool != hands.tool or not wanted:
            return True
        named = self._model.skill
        wished = sum(p for name, p in wanted.items() if (s := named(name)) and s.tool == hands.tool)
        cues = self._model.acts.cues(text)
        if wished >= OTHER and "unwanted" not in cues:
            return True
        if not cues & CUES:
            return True if wanted.get(NONE, 0.0) < UNWISHED else None
        return False if cues & {"not", "takes_back"} and wished <= wanted.get(NONE, 0.0) else None

    def _is_refused(self, reading: Reading, text: str) -> bool:
        """Whether a word of a message speaks against every act in it."""
        return reading.why not in ("", "unclear") or self._model.acts.guess(text).refused

    def _acts(self, name: str) -> Declared | None:
        skill = self._model.skill(name)
        return skill.acts if skill else None

    def _is_other(self, wish: Wish, name: str) -> bool:
        """Whether an act is another than the wished one, and done to the same kind of thing."""
        one, other = self._acts(wish.skill), self._acts(name)
        return wish.skill != name and bool(one and other and one.named and one.named == other.named)

    def _has_thing(self, name: str, text: str) -> bool:
        """Whether a message names what an act is done to, in a word or by its name.

        Where that is a secret, the act itself has to be named: one typed unasked is no new one.
        """
        skill, acts = self._model.skills[name], self._model.acts
        if any(self._model.kinds[slot.kind].secret for slot in skill.slots.values()):
            return f"do_{name}" in acts.cues(text)
        return acts.speaks_of(name, text) or bool(self._slots(skill, text))

    def _undecided(self, skill: Skill, slots: dict[str, Any], text: str) -> str | None:
        """The slot of which it is not said that all are meant, though the call would be for all."""
        tokens = tokens_of(plain(text))
        for name, slot in skill.slots.items():
            if slot.all and name not in slots and not says_all(text):
                every = Lookup([("all", itertools.chain(*slot.all.values()))])
                if not every.find(tokens):
                    return name
        return None

    def _wish_of(self, name: str, text: str) -> Wish:
        """An act that a message wishes as a whole."""
        kinds = (self._model.kinds[slot.kind] for slot in self._model.skills[name].slots.values())
        values = (kind.anywhere(text) for kind in kinds if kind.anywhere)
        return Wish(name, text, next(filter(None, values), ""), guessed=True)

    def _said(self, reading: Reading, text: str) -> list[Wish]:
        """What words tell."""
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
        return [*reading.wishes, *(one for one in guessed if self._is_beside(one, reading.wishes))]

    def _is_beside(self, guess: Wish, wishes: list[Wish]) -> bool:
        """Whether a guessed wish is another one than those that are told, on things of its own."""
        named = {act.named for wish in wishes if (act := self._acts(wish.skill))}
        act = self._acts(guess.skill)
        return bool(guess.said and act and act.named and act.named not in named and all(named))

    def _names(self, wish: Wish, text: str) -> bool:
        """Whether a wish names its record, where it is of one."""
        skill = self._model.skills[wish.skill]
        assert skill.acts is not None
        return not skill.acts.named or bool(self._wished_slots(skill, wish, text))

    def _is_whole(self, wish: Wish, text: str) -> bool:
        """Whether a guessed wish names what it needs."""
        skill = self._model.skills[wish.skill]
        return self._missing(skill, self._wished_slots(skill, wish, text)) is None

    def _lack_all(self, wishes: list[Wish], text: str) -> bool:
        """Whether all that is wished lacks what it needs."""
        return not any(self._is_whole(wish, text) for wish in wishes)

    def _is_of_another(self, name: str, text: str) -> bool:
        """Whether a skill makes a record, and a text is about one that is there: "add to T904"."""
        acts = self._model.skills[name].acts
        return bool(
            acts and acts.makes and self._model.kinds[acts.makes].find(text, False) is not None
        )

    def _is_about(self, skill: Skill, text: str) -> bool:
        """Whether a text is about what the skill does; examples are in English only."""
        return self._model.acts.speaks_of(skill.name, text) or language_of([text]) == "en"

    def _slots(self, skill: Skill, text: str) -> dict[str, Any]:
        kinds = self._model.kinds
        found = {name: kinds[slot.kind].find(text, False) for name, slot in skill.slots.items()}
        return {name: value for name, value in found.items() if value is not None}

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
                found[name] = _corrected(value, text) if kind.free and not kind.whole else value
        return found


def _corrected(value: Found, text: str) -> Found:
    """A value with what corrects it behind it: "Lindenweg 7, 24103 Kiel, no, 24105 Kiel"."""
    if not isinstance(value, str) or value not in text:
        return value
    rest = text[text.index(value) + len(value) :].strip(" ,.;:!-–—")
    return (amended(value, rest) if rest else None) or value


def whole(text: str, found: Found) -> Found:
    """The text from its beginning, where what was found in it is only its end."""
    if isinstance(found, str) and found in text and not found.startswith("[["):
        return text[: text.index(found) + len(found)]
    return found
