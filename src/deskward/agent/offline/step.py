"""One step of the offline model: what a customer says becomes text or calls of tools."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from deskward.agent.model import Message, ToolRequest
from deskward.agent.offline.asides import answer_to, aside_of, gives_no_value
from deskward.agent.offline.filling import SURE, Filling
from deskward.agent.offline.meant import whole
from deskward.agent.offline.pausing import CHANGED
from deskward.agent.offline.reading import Reading
from deskward.agent.offline.several import ASKED
from deskward.agent.offline.skills import Skill, render, text_in
from deskward.agent.offline.turning import PERHAPS, SHORT, asks_generally
from deskward.agent.offline.wishing import Wish
from deskward.text.against import rules_out
from deskward.text.assent import LONGEST, answer_of
from deskward.text.language import language_of

FIRST = 12
"""Characters before a question that begins its message."""
_SPACES = re.compile(r"\s{3,}")
_CLAUSE = re.compile(r"[,;:.!]\s+")


class Step(Filling):
    """One step of a turn: from the messages to text (`str`) or tool requests."""

    def run(self) -> Iterator[str | ToolRequest]:
        """What it says and calls; what it leaves behind is then in `state`."""
        last = self._messages[-1]
        if last.role == "tool":
            yield from self._after_tool(last)
        else:
            before = self._left_behind()
            yield from self._after_customer(last.text, before)
            yield from self._kept_wishes(before, last.text)

    def _after_customer(self, text: str, before: dict[str, Any]) -> Iterator[str | ToolRequest]:
        text = _SPACES.sub("\n\n", text)
        pending = self._model.skill(before.get("skill", ""))
        waits = pending is not None and "waits_for" in before
        told = self._of_offer(before, text) if "offers" in before else None
        told = told or self._told_in_between(text, before, pending if waits else None)
        if told is not None:
            yield from told
            if waits and pending is not None and self.state is None and not self._is_left:
                yield f"\n\n{self._once_more(pending, before)}"
        elif not (waits and self._is_free(pending, before)) and (aside := aside_of(text)):
            yield answer_to(aside[0], self._language())
            if waits and pending is not None and aside[0] not in ("thinks", "leaves"):
                yield f"\n\n{self._once_more(pending, before)}"
        elif pending is not None and "waits_for" in before:
            self._then = list(before.get("then", []))
            yield from self._continue(pending, before, text)
        elif "called" in before and (later := self._with_later(before, text)) is not None:
            yield from later
        elif "called" in before and (again := self._once_more_asked(before, text)) is not None:
            yield from self._several([again], unsure=True)
        elif "called" in before and self._only_withdraws(text):
            yield self._left_as_is()
        elif "called" in before and (named := self._named_now(before, text)) is not None:
            yield from self._several([named], unsure=True)
        else:
            yield from self._understand(text)

    def _told_in_between(
        self, text: str, before: dict[str, Any], waiting: Skill | None
    ) -> Iterator[str | ToolRequest] | None:
        """What is answered to a turn that the conversation completes; None for any other."""
        if waiting is not None:
            told = self._while_waiting(waiting, before, text) or self._of_records(text)
        else:
            told = (
                self._other_meant(before, text)
                or self._of_several(text)
                or self._of_records(text)
                or self._in_between(text)
            )
        return told or (self._of_deeds(text) if self._may_ask_of_deeds(text) else None)

    def _only_withdraws(self, text: str) -> bool:
        """Whether a short answer takes a wish back."""
        acts = self._model.acts
        if len(text) > LONGEST or not acts.withdraws(text) or acts.read(text).wishes:
            return False
        return acts.mended(text) is None  # "block my Visa, no wait, the Mastercard"

    def _continue(
        self, skill: Skill, before: dict[str, Any], text: str
    ) -> Iterator[str | ToolRequest]:
        """The customer answers a question of ours, or changes the subject."""
        waits_for, slots = before["waits_for"], dict(before.get("slots", {}))
        if "choices" in before:
            names = self._chosen(before["choices"], skill, waits_for, text)
            if names:
                yield from self._with_chosen(skill, slots, waits_for, names)
                return
        kind = self._model.kinds[skill.slots[waits_for].kind]
        points = kind.free and kind.looks is not None and gives_no_value(text)
        value = None if points else kind.find(text, True)
        if skill.acts is not None and skill.acts.value and not kind.secret:
            value = whole(self._model.acts.without_lead(text), value)
        reading = self._model.acts.read(text)
        declines = answer_of(text) is False or reading.why in ("not", "takes_back")
        declines = declines or (self._model.acts.withdraws(text) and not reading.wishes)
        if not reading.wishes and self._reads_first(skill, text):
            self._keep(skill, before)
            yield from self._understand(text)
            return
        if declines and not (kind.is_id and value is not None):  # "cancel O1003" names one
            yield self._reply("left")
            return
        if reading.wishes:
            yield from self._wished(reading.wishes, text)
            return
        bare = value is not None and self._model.acts.says_no_more(text, str(value))
        other, score = self._model.best(text, self._usable)
        changed = other is not None and other.name != skill.name and score >= CHANGED
        if other is not None and other.acts and skill.acts:
            # What went wrong may be told to either.
            changed = changed and not (other.acts.trouble and skill.acts.trouble)
        takes = value is not None and not (changed and kind.free)
        if skill.acts is not None and not bare and (kind.secret or "?" in text):
            takes = False
        if takes:
            named = not kind.loose or kind.find(text, False) == value
            named = named and not (kind.doubtful and kind.doubtful.fullmatch(str(value)))
            sure = skill.acts is None or (skill.acts.undo and bare and named)
            yield from self._fill(skill, {**slots, waits_for: value}, sure=sure)
        elif changed:
            self._then = []
            yield from self._understand(text)
        elif before.get("asked", 1) < 2:
            yield self._ask(skill, slots, waits_for, asked=2)
        else:
            yield self._hand_over(text)

    def _understand(self, text: str) -> Iterator[str | ToolRequest]:
        mended = self._model.acts.mended(text)
        if mended is not None and self._is_possible(wishes := self._proposed(mended)):
            yield from self._wished(wishes, mended)
            return
        reading = self._model.acts.read(text)
        understood, text = self._wishing(reading, text)
        understood = self._with_parts(understood, text)
        wishes = [wish for wish in understood if not self._is_of_another(wish.skill, text)]
        refused = reading.unwished and reading.why in ("not", "takes_back")
        sought = self._sought(text) if not refused else None
        if self._is_possible(wishes) and not (sought and self._lack_all(wishes, text)):
            yield from self._wished(wishes, text)
            return
        if understood and not wishes:
            yield self._hand_over(text)
            return
        if sought is not None:
            yield from sought
            return
        if (read := self._read_only(reading, text)) is not None:
            yield from read
            return
        skill, score = self._model.best(text, self._usable)
        spoken = self._model.skills.get(reading.unwished)
        plain = reading.why not in ("asks", "unclear")
        if (
            spoken
            and spoken.name in self._usable
            and (plain or skill is None or skill.acts or skill.tool is None)
        ):
            skill, score = spoken, max(score, SURE)
        if skill is not None and skill.acts and not self._is_about(skill, text):
            skill = None
        if skill is not None and (
            self._is_of_another(skill.name, text) or not self._model.sought.may_be(skill.name, text)
        ):
            skill = None
        looked = self._search_generally(skill, score, text)
        yield from looked or self._act(skill, score, text)

    def _read_only(self, reading: Reading, text: str) -> Iterator[str | ToolRequest] | None:
        """What is looked up for a message that surely asks about something."""
        language = language_of([text])
        topic = None if reading.unwished else self._model.topics.of(text, language)
        if topic is not None and topic.name in self._usable:
            return self._fill(topic, self._slots(topic, text), sure=True)
        if not reading.unwished and (other := self._otherwise(text)) is not None:
            return other
        if not reading.unwished and (looked := self._looks_at(text)) is not None:
            return looked
        parts = self._parts(text)
        return self._several(parts) if len(parts) > 1 else None

    def _wished(self, wishes: list[Wish], text: str) -> Iterator[str | ToolRequest]:
        """Do what is clearly wished and can be undone; of anything else the customer is asked.

        Of several wishes the others are remembered, and offered after the first; but what a whole
        message tells is told to one of them.
        """
        made: tuple[Skill, dict[str, Any]] | None = None
        self._then = []
        one = len(wishes) == 1 and len(text) <= SHORT
        proposed = self._proposed_slots(wishes[0].skill, text) if one else {}
        for wish in sorted(wishes, key=self._last):
            skill = self._model.skills[wish.skill]
            slots = self._wished_slots(skill, wish, text)
            slots = slots or dict(proposed)
            missing = self._missing(skill, slots)
            if missing is None and not wish.loss:
                missing = self._undecided(skill, slots, text)
            if missing is None and self._model.acts.names_several(skill.name, wish, text):
                missing = next(iter(skill.slots))
                slots.pop(missing, None)
            if missing is None and made is None:
                made = skill, slots
            elif missing is None:
                if made is None or text.strip() not in {*slots.values()} & {*made[1].values()}:
                    self._then.append({"skill": skill.name, "slots": slots})
            else:  # asked for when the others are done
                self._then.append({"skill": skill.name, "waits_for": missing, "slots": slots})
        parts = self._questions(text, ASKED)
        if made is None and not parts:
            yield from self._next()
            return
        if made is not None and parts and text.find(parts[0]) > FIRST:
            # A yes right below what others wrote would be asked for twice: the act goes first.
            self._then, parts = [*self._then, *self._asked_later(parts)], []
        if made is not None and parts:
            first: dict[str, Any] = {"skill": made[0].name, "slots": made[1]}
            self._then = [first, *self._then]
        if made is None or parts:
            yield from self._one_after_another(parts)
            return
        skill, slots = made
        assert skill.acts is not None
        undo, whole = skill.acts.undo, bool(slots) or not skill.acts.named
        exact = not wishes[0].value or wishes[0].value in slots.values()
        sure = len(wishes) == 1 and wishes[0].clear and whole and undo and exact and not proposed
        yield from self._several([made], unsure=not sure)

    def _act(self, skill: Skill | None, score: float, text: str) -> Iterator[str | ToolRequest]:
        nothing = self._is_refusal(text) or self._is_told_only(text) or self._only_declines(text)
        lost = (skill is None or skill.search) and not self._model.acts.read(text).unwished
        if lost and not nothing and (meaning := self._turned(text, PERHAPS)) is not None:
            search = self._model.search
            asks = search is not None and meaning.kind.skill == search.name
            told = None if asks else self._of_turn(meaning)
            if told is not None:
                yield from told
                return
        if (skill is None or skill.search) and nothing:
            yield self._left_as_is()
        elif skill is None or skill.search or (skill.say is not None and self._is_bitter(text)):
            yield self._explained(text) or self._offer_or_hand_over(text)
        elif skill.say is not None and not self._is_only_talk(text):
            yield self._offer_or_hand_over(text)
        elif skill.say is not None:
            say = text_in(skill.say, self._language())
            yield render(say, {"abilities": self._model.abilities(self._usable)})
        elif skill.acts is None:
            yield from self._fill(skill, self._slots(skill, text), sure=True)
        else:
            yield from self._not_in_so_many_words(skill, score, text)

    def _not_in_so_many_words(
        self, skill: Skill, score: float, text: str
    ) -> Iterator[str | ToolRequest]:
        """A skill that writes is spoken of, and no wish for it was understood."""
        assert skill.acts is not None
        reading = self._model.acts.read(text)
        asks = "?" in text or any(map(asks_generally, _CLAUSE.split(text)))
        told = skill.acts.trouble and not asks
        wants = self._model.acts.wants_something(text)
        slots = self._slots(skill, text)
        open_ = reading.why in ("", "asks", "unclear")
        missing = self._missing(skill, slots)
        if skill.acts.trouble and asks_generally(text):
            missing = next(iter(skill.slots))
        general = asks or not self._model.acts.cues(text).isdisjoint({"how", "asking"})
        if rules_out(text) and not reading.wishes:  # "not with a password" wishes no deed
            yield self._left_as_is()
        elif missing and open_ and general:  # nothing is looked up for who asks how it is done
            yield self._ask(skill, {}, missing)
        elif missing and open_:
            yield self._ask_for(skill, {}, missing)
        elif score >= SURE and open_ and (told or (wants and not reading.unwished)):
            yield from self._fill(skill, slots, sure=False)
        elif reading.why in ("not", "takes_back", "found"):
            yield self._left_as_is()
        elif reading.why in ("others", "whose"):
            yield self._reply("own_only")
        else:
            yield self._explained(text) or self._reply("plainly", say_so=skill.say_so)

    def _after_tool(self, last: Message) -> Iterator[str | ToolRequest]:
        before = self._left_behind()
        events = list(self._after_one_tool(before, last))
        yield from events
        if any(isinstance(event, ToolRequest) for event in events):
            goes_on = ("more", "then") if "searching" in before else ("more",)
            for name in goes_on:  # it is looked up once more, or handed over
                if name in before and self.state is not None:
                    self.state.setdefault(name, before[name])
        elif "waits_for" not in (self.state or {}):
            yield from self._what_is_left(before)

    def _after_one_tool(self, before: dict[str, Any], last: Message) -> Iterator[str | ToolRequest]:
        if "searching" in before:
            yield from self._after_search(before, last)
        elif "seeks" in before:
            yield from self._after_list(before["seeks"], last)
        elif "records" in before:
            yield from self._after_record(before["records"], last)
        elif "states" in before:
            yield from self._after_states(before, last)
        elif "handing_over" in before:
            yield self._handed_over(last)
        else:
            answers = [
                self._answer(self._model.skill(name), result, before)
                for name, result in zip(self._called(before), self._results(), strict=False)
            ]
            self._then = self._then or self._still_wished()
            yield "\n\n".join(answers) or self._reply("done")
            if self._then and not before.get("more") and "waits_for" not in (self.state or {}):
                yield "\n\n"
                yield from self._next()

    def _after_search(self, before: dict[str, Any], last: Message) -> Iterator[str | ToolRequest]:
        text, doubt = before["searching"], before.get("doubt") or {}
        result = json.loads(last.text)
        answer = self._found(result, before["enough"])
        if answer is not None and not self._repeats(before, result):
            self.state = self._found_now(before, result)
            yield answer
            return
        if (again := self._searched_again(before, repeats=answer is not None)) is not None:
            yield from again
            return
        if not doubt and self._adds_nothing(before, repeats=answer is not None):
            yield self._told_already(before, text)
            return
        skill = self._model.skill(doubt["skill"]) if doubt else None
        yield from self._act(skill, doubt.get("score", 0.0), text)
