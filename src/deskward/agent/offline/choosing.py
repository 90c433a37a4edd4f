"""Which of a customer's records is meant: looked up and proposed, and not asked for by its id.

One that fits is taken, of several the list is shown and its numbers can be said, and where none
fits, that is said. Texts are data: `choices.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.meant import SHORT, Meant
from deskward.agent.offline.refers import PRONOUN, Pointed, Records, pointed, shown
from deskward.agent.offline.replies import texts_of
from deskward.agent.offline.skills import Skill, render, text_in
from deskward.core.answers import status_of

WORDS = 300
"""Characters of a message by which a tool finds what is meant."""
_NUMBER = re.compile(r"\W{0,3}(?:nr\.?|no\.?|n[°º]|#|number|nummer)?\s{0,2}(\d{1,2})[\s.)!番]{0,3}")
"""An answer that is a list's number and nothing else."""


class Choosing(Meant):
    """A step that finds the record that is meant."""

    def _ask_for(
        self, skill: Skill, slots: dict[str, Any], name: str, asked: int = 1
    ) -> str | ToolRequest:
        """Ask for a value, or look up what it may be."""
        slot = skill.slots[name]
        lists = self._model.skill(slot.listed) if slot.listed else None
        if lists is None or lists.tool is None or lists.name not in self._usable or asked > 1:
            return self._ask(skill, slots, name, asked)
        if self._missing(lists, {}) is not None:  # of whom, staff have to say
            return self._ask(skill, slots, name, asked)
        seeks: dict[str, Any] = {
            "skill": skill.name,
            "slot": name,
            "slots": slots,
            "text": self._said_last(),
        }
        self.state = {"seeks": seeks}
        if self._then:
            self.state["then"] = self._then
        if slot.finds in self._needs and not self._needs[slot.finds]:
            return ToolRequest("find", slot.finds, {"words": seeks["text"][:WORDS]})
        return ToolRequest("list", lists.tool, dict(lists.arguments))

    def _after_list(self, seeks: dict[str, Any], last: Message) -> Iterator[str | ToolRequest]:
        """The records are there: take the one that is meant, or show them."""
        skill = self._model.skill(seeks["skill"])
        result = json.loads(last.text)
        self._then = self._still_wished()
        if skill is None or status_of(result) != "ok":
            yield self._ask(skill, seeks["slots"], seeks["slot"]) if skill else self._reply("done")
            return
        slot, records = skill.slots[seeks["slot"]], self._records(skill, seeks["slot"])
        is_found = last.tool_request_id is not None and last.tool_request_id.startswith("find")
        fit = [
            name
            for name, one in records.items()
            if all(one.get(field) in values for field, values in slot.fits.items())
        ]
        found = pointed(seeks["text"], records, self._spoken())
        names = _fitting(found, fit)
        lists = self._model.skill(slot.listed)
        if not records or lists is None:
            yield self._choice_text("none")
        elif is_found and len(names) != 1 and lists.tool is not None:
            # All have to be seen, to choose: with what they are.
            self.state = {"seeks": seeks, **({"then": self._then} if self._then else {})}
            yield ToolRequest("list", lists.tool, dict(lists.arguments))
        elif found is None and not names:
            yield f"{self._choice_text('none')}\n\n{self._list(lists, result)}"
        elif len(names) == 1 or (found is not None and found.all):
            yield from self._with_names(skill, seeks["slots"], seeks["slot"], names)
        elif found is not None and not names:
            yield f"{self._choice_text('unknown')}\n\n{self._list(lists, result)}"
        elif skill.acts is None:
            yield self._list(lists, result)
        else:
            self.state = {
                "skill": skill.name,
                "waits_for": seeks["slot"],
                "slots": seeks["slots"],
                "choices": list(records),
                "asked": 1,
            }
            if self._then:
                self.state["then"] = self._then
            yield f"{self._list(lists, result)}\n\n{self._choice_text('which')}"

    def _with_names(
        self, skill: Skill, slots: dict[str, Any], slot: str, names: Sequence[str]
    ) -> Iterator[str | ToolRequest]:
        """Do it with these records; what writes is proposed only."""
        parts = [(skill, {**slots, slot: name}) for name in names]
        yield from self._several(parts, unsure=skill.acts is not None)

    def _records(self, skill: Skill, slot: str) -> Records:
        """The records that were shown last which a slot may be."""
        named = skill.acts.named if skill.acts else ""
        kind = self._model.kinds[skill.slots[slot].kind]
        looks = re.compile(named) if named else kind.looks
        return shown(self._messages, looks) if looks is not None else {}

    def _spoken(self) -> list[str]:
        """The records that were spoken of, the latest first."""
        slots = self._left_behind().get("slots", {})
        latest = [value for value in slots.values() if isinstance(value, str)]
        return [*latest, *dialogue_before(self._messages).spoken]

    def _chosen(self, choices: Sequence[str], skill: Skill, slot: str, text: str) -> str | None:
        """The one of several that an answer means, by number, name or words."""
        if len(text) > SHORT:
            return None
        number = _NUMBER.fullmatch(text.strip())
        if number is not None:
            at = int(number[1]) - 1
            return choices[at] if 0 <= at < len(choices) else None
        records = {n: one for n, one in self._records(skill, slot).items() if n in choices}
        found = pointed(text, records)
        return found.names[0] if found is not None and len(found.names) == 1 else None

    def _looks_at(self, text: str) -> Iterator[str | ToolRequest] | None:
        """What is looked up where a short message only points at a record that was shown."""
        kinds = self._model.kinds.values()
        if len(text) > SHORT or any(k.is_id and k.find(text, False) is not None for k in kinds):
            return None
        for skill in self._model.skills.values():
            if skill.acts is not None or skill.name not in self._usable:
                continue
            for name, slot in skill.slots.items():
                if not slot.listed or slot.optional:
                    continue
                records = self._records(skill, name)
                found = pointed(text, records, self._spoken()) if records else None
                if found is None or found.by == PRONOUN or found.all:
                    continue  # "that" may be anything
                if len(found.names) == 1:
                    return self._several([(skill, {name: found.names[0]})])
        return None

    def _list(self, lists: Skill, result: dict[str, Any]) -> str:
        return render(text_in(lists.answer or {"en": ""}, self._language()), result)

    def _choice_text(self, name: str) -> str:
        texts = texts_of("choices")[name]
        return texts.get(self._language(), texts["en"])


def _fitting(found: Pointed | None, fit: Sequence[str]) -> list[str]:
    """The records that are meant: of those that are pointed at the ones that fit, or all of them.

    One that does not fit is taken, too: what it is asked for then says why not.
    """
    if found is None:
        return list(fit)
    return [name for name in found.names if name in fit] or list(found.names)
