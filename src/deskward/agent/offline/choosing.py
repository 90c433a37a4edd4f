"""Which of a customer's records is meant: looked up and proposed, and not asked for by its id.

One that fits is taken, of several the list is shown and its numbers can be said, and where none
fits, that is said. Texts are data: `choices.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.declared import States
from deskward.agent.offline.meant import SHORT, Meant
from deskward.agent.offline.refers import PRONOUN, TOLD, Pointed, Records, pointed, shown
from deskward.agent.offline.replies import texts_of
from deskward.agent.offline.skills import Skill, Slot, render, text_in
from deskward.core.answers import status_of

EARLIER = 4
"""So many messages are looked at for what an incomplete question is about."""
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
        if seeks.get("asks"):
            yield from self._after_question(seeks, skill, records, result, is_found=is_found)
            return
        fit = [
            name
            for name, one in records.items()
            if all(one.get(field) in values for field, values in slot.fits.items())
        ]
        found = self._pointed_in(seeks["text"], records)
        names = _fitting(found, fit)
        vague = seeks.get("few") and (found is None or found.by == PRONOUN)
        if vague:
            names = self._last_meant(records, fit) or names
        if _is_all(slot, names, fit) and (
            self._was_for_all(records) if vague else found is not None and found.all
        ):
            yield from self._several([(skill, seeks["slots"])], unsure=True)
            return
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

    def _pointed_in(self, text: str, records: Records) -> Pointed | None:
        """What a text points at; nothing where that is what nobody spoke of."""
        spoken = [_known_as(records, one) or one for one in self._spoken()]
        found = pointed(text, records, spoken)
        return None if found and found.by == PRONOUN and not found.names else found

    def _last_meant(self, records: Records, fit: Sequence[str]) -> list[str]:
        """What was last done something to, or spoken of, of the records that fit."""
        done = dialogue_before(self._messages).done
        about = [name for name in records if done and name in done[-1].about]
        spoken = [*map(partial(_known_as, records), self._spoken())]
        meant = about if len(about) > 1 or not any(spoken) else [*filter(None, spoken)][:1]
        return [name for name in meant if name in fit]

    def _was_for_all(self, records: Records) -> bool:
        """Whether what was done last was done to all of them."""
        done = dialogue_before(self._messages).done
        return bool(done) and all(name in done[-1].about for name in records)

    def _after_question(
        self,
        seeks: dict[str, Any],
        skill: Skill,
        records: Records,
        result: dict[str, Any],
        *,
        is_found: bool,
    ) -> Iterator[str | ToolRequest]:
        """The records are there: tell of the one that is asked about, or of those that fit."""
        lists = self._model.skill(skill.slots[seeks["slot"]].listed)
        names = self._asked_about(seeks, records)
        if not records or lists is None:
            yield self._choice_text("none")
        elif len(names) == 1:
            yield from self._with_names(skill, {}, seeks["slot"], names)
        elif is_found and lists.tool is not None:
            self.state = {"seeks": seeks}
            yield ToolRequest("list", lists.tool, dict(lists.arguments))
        elif not names:
            yield f"{self._choice_text('none')}\n\n{self._list(lists, result)}"
        else:
            yield self._list(lists, _only(result, names))

    def _asked_about(self, seeks: dict[str, Any], records: Records) -> list[str]:
        """Those of the records that a question is about; where it says nothing, what was before."""
        spoken = [name for name in self._spoken() if name in records]
        if seeks["fits"]:
            return [
                name
                for name, one in records.items()
                if all(one.get(field) in values for field, values in seeks["fits"].items())
            ]
        found = pointed(seeks["text"], records, spoken[:1])
        if found is not None and found.names:
            return list(found.names)
        if spoken:
            return spoken[:1]
        said = [m.text for m in self._messages if m.role == "user"]
        for text in reversed(said[-EARLIER:-1]):
            earlier = pointed(text, records, spoken)
            if earlier is not None and earlier.by == TOLD and earlier.names:
                return list(earlier.names)
        return list(records)

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
        before = self._left_behind()
        seeks, slots = before.get("seeks", {}), before.get("slots", {})
        latest = [value for value in slots.values() if isinstance(value, str)]
        return [*seeks.get("spoken", []), *latest, *dialogue_before(self._messages).spoken]

    def _chosen(self, choices: Sequence[str], skill: Skill, slot: str, text: str) -> list[str]:
        """Which of several an answer means, by number, name or words: one, all of them, or none."""
        if len(text) > SHORT:
            return []
        number = _NUMBER.fullmatch(text.strip())
        if number is not None:
            at = int(number[1]) - 1
            return [choices[at]] if 0 <= at < len(choices) else []
        records = {n: one for n, one in self._records(skill, slot).items() if n in choices}
        found = pointed(text, records)
        is_clear = found is not None and (len(found.names) == 1 or found.all)
        return list(found.names) if found is not None and is_clear else []

    def _with_chosen(
        self, skill: Skill, slots: dict[str, Any], slot: str, names: Sequence[str]
    ) -> Iterator[str | ToolRequest]:
        """Propose it with what was chosen of a list."""
        if _is_all(skill.slots[slot], names, names):
            return self._several([(skill, slots)], unsure=True)
        return self._with_names(skill, slots, slot, names)

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
        if lists.states is not None:
            things = enumerate(result.get(lists.states.rows, []), 1)
            return "\n".join(f"{at}. {self._state(lists.states, one)}" for at, one in things)
        return render(text_in(lists.answer or {"en": ""}, self._language()), result)

    def _state(self, states: States, thing: Mapping[str, Any]) -> str:
        status = thing[states.status]
        told = self._deed(status) if status in texts_of("deeds") else status
        names = {name: str(thing[name]) for name in states.names}
        return self._deed("state", **names, status=told)

    def _deed(self, name: str, **values: str) -> str:
        texts = texts_of("deeds")[name]
        return texts.get(self._language(), texts["en"]).format(**values)

    def _choice_text(self, name: str) -> str:
        texts = texts_of("choices")[name]
        return texts.get(self._language(), texts["en"])


def _known_as(records: Records, spoken: str) -> str:
    """The name of the record that was spoken of by it, or by a word of what it is."""
    if spoken in records:
        return spoken
    fit = [name for name, one in records.items() if spoken in one.values()]
    return fit[0] if len(fit) == 1 else ""


def _is_all(slot: Slot, names: Sequence[str], fit: Sequence[str]) -> bool:
    """Whether all are meant, and the call without a name is done to all."""
    return slot.optional and len(names) > 1 and set(names) >= set(fit)


def _only(answer: Any, names: Sequence[str]) -> Any:
    """An answer with only these of its records."""
    if isinstance(answer, dict):
        return {name: _only(value, names) for name, value in answer.items()}
    if isinstance(answer, list) and any(map(_names_of(names), answer)):
        return list(filter(_names_of(names), answer))
    return answer


def _names_of(names: Sequence[str]) -> Callable[[Any], bool]:
    return lambda one: (
        isinstance(one, dict)
        and any(value in names for value in one.values() if isinstance(value, str))
    )


def _fitting(found: Pointed | None, fit: Sequence[str]) -> list[str]:
    """The records that are meant: of those that are pointed at the ones that fit, or all of them.

    One that does not fit is taken, too: what it is asked for then says why not.
    """
    if found is None:
        return list(fit)
    return [name for name in found.names if name in fit] or list(found.names)
