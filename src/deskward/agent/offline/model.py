"""The offline model: skills instead of weights. Deterministic, no network, no key.

Each step looks at the conversation and at what its own last message left behind (`state`): a slot
it asked for, a yes it waits for, or a tool it called. Nothing is kept in the process.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from jinja2 import TemplateError

from deskward.agent import linear
from deskward.agent.learned import Learned
from deskward.agent.model import (
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    TextPiece,
    ToolRequest,
)
from deskward.agent.offline import features, matching
from deskward.agent.offline.acts import Acts
from deskward.agent.offline.matching import Matcher
from deskward.agent.offline.replies import reply
from deskward.agent.offline.skills import NONE, Skill, Skills, render
from deskward.agent.offline.wishing import Wish
from deskward.core.answers import status_of
from deskward.core.aside import aside
from deskward.gate.context import new_id
from deskward.text import words
from deskward.text.assent import answer_of
from deskward.text.finding import Found
from deskward.text.language import language_of

SURE = 0.6
"""From this probability on a skill acts at once."""
POSSIBLE = 0.3
"""Below this probability no skill is meant."""
CHANGED = 0.85
"""From this probability on a sentence that does not answer our question is a new subject."""
FOUND_SURE = 0.6
FOUND_POSSIBLE = 0.3
"""From this score on what a search found is an answer; the lower one is enough where the sentence
is surely a general question."""

_SPACES = re.compile(r"\s{3,}")
_CLAUSE = re.compile(r"[,;:.!]\s+")
_PIECE = re.compile(r"\S+\s*|\s+")
_AND_ALSO = re.compile(
    r"(?:[.?!;]\s{1,9}|,?\s{1,9})(?:and|and also|and then|then|also|plus)\s{1,9}"
    r"(?=(?:please|also|then|i|my|the|show|tell|what|how|which|give|list|check|change|update|set|block"
    r"|freeze|cancel|deactivate|report|open|can|could|let|look|see|view|get|pull|display)\b)",
    re.IGNORECASE,
)


NAME = "offline"
"""What it is called, in settings and on record."""


class OfflineModel:
    """Answers from skills, looks questions up, or hands over."""

    name = NAME

    def __init__(self, skills: Skills, *, lazy: bool = False) -> None:
        """Make the model.

        Args:
            skills: What it can do.
            lazy: Whether to learn from the examples at the first message instead of now, which
                takes some seconds where it is the first time on this machine.
        """
        self.skills = skills.skills
        self.acts = Acts({name: skill.acts for name, skill in self.skills.items() if skill.acts})
        self.search, self.handover = skills.search, skills.handover
        self.kinds = skills.kinds
        self._lexicon = skills.lexicon
        if not lazy:
            _ = self._matcher

    @cached_property
    def _matcher(self) -> Matcher:
        examples = {name: skill.examples for name, skill in self.skills.items() if skill.examples}
        code = (matching, features, linear, words)
        ordered = sorted(self.kinds.values(), key=lambda kind: kind.loose)
        kinds = [(kind.looks, f" {kind.reads_as} ") for kind in ordered if kind.looks]
        read = [(looks.pattern, looks.flags, word) for looks, word in kinds]
        learned = Learned([examples, self._lexicon, NONE, read], *code)
        return Matcher(examples, self._lexicon, rest=NONE, kinds=kinds, learned=learned)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer one step; see `Model.stream`."""
        step = _Step(self, request)
        _ = self._matcher  # learning has no limit
        for event in await aside(lambda: list(step.run()), len(request.messages[-1].text)):
            if isinstance(event, str):
                for piece in _PIECE.findall(event):
                    yield TextPiece(piece, built=True)
            else:  # under an id of its own, as one that is there already costs the state
                yield replace(event, id=f"{event.id}-{new_id()}")
        yield Finished(self.name, state=step.state)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def best(self, text: str, tools: set[str]) -> tuple[Skill | None, float]:
        """The skill that a sentence means most, of those whose tool may be used."""
        for match in self._matcher.match(text):
            skill = self.skills[match.name]
            if skill.tool is None or skill.tool in tools:
                if skill.name == NONE or match.score < POSSIBLE:
                    return None, match.score
                return skill, match.score
        return None, 0.0

    def skill_of(self, tool: str) -> str:
        """The name of the skill that calls a tool, or nothing."""
        return next((name for name, skill in self.skills.items() if skill.tool == tool), "")

    def skill(self, name: str) -> Skill | None:
        """The skill of that name, which may be gone since it was noted."""
        return self.skills.get(name)


class _Step:
    """One step of a turn: from the messages to text (`str`) or tool requests."""

    def __init__(self, model: OfflineModel, request: ModelRequest) -> None:
        self._model = model
        self._tools = {tool.name for tool in request.tools}
        self._messages = request.messages
        self.state: dict[str, Any] | None = None

    def run(self) -> Iterator[str | ToolRequest]:
        last = self._messages[-1]
        if last.role == "tool":
            yield from self._after_tool(last)
        else:
            yield from self._after_customer(last.text, self._left_behind())

    def _left_behind(self) -> dict[str, Any]:
        for message in reversed(self._messages):
            if message.role == "assistant":
                return message.state or {}
        return {}

    def _after_customer(self, text: str, before: dict[str, Any]) -> Iterator[str | ToolRequest]:
        text = _SPACES.sub("\n\n", text)
        pending = self._model.skill(before.get("skill", ""))
        if pending is not None and "waits_for" in before:
            yield from self._continue(pending, before, text)
        else:
            yield from self._understand(text)

    def _continue(
        self, skill: Skill, before: dict[str, Any], text: str
    ) -> Iterator[str | ToolRequest]:
        """The customer answers a question of ours, or changes the subject."""
        waits_for, slots = before["waits_for"], dict(before.get("slots", {}))
        kind = self._model.kinds[skill.slots[waits_for].kind]
        value = kind.find(text, True)
        reading = self._model.acts.read(text)
        declines = answer_of(text) is False or reading.why in ("not", "takes_back")
        if declines and not (kind.is_id and value is not None):  # "cancel O1003" names one
            yield self._reply("left")
            return
        if reading.wishes:
            yield from self._wished(reading.wishes, text)
            return
        bare = value is not None and self._model.acts.says_no_more(text, str(value))
        other, score = self._model.best(text, self._tools)
        changed = other is not None and other.name != skill.name and score >= CHANGED
        if other is not None and other.acts and skill.acts:
            # What went wrong may be told to either.
            changed = changed and not (other.acts.trouble and skill.acts.trouble)
        takes = value is not None and not (changed and kind.free)
        if skill.acts is not None and not bare and (kind.secret or "?" in text):
            takes = False
        if takes:
            named = not kind.loose or kind.find(text, False) == value
            sure = skill.acts is None or (skill.acts.undo and bare and named)
            yield from self._fill(skill, {**slots, waits_for: value}, sure=sure)
        elif changed:
            yield from self._understand(text)
        elif before.get("asked", 1) < 2:
            yield self._ask(skill, slots, waits_for, asked=2)
        else:
            yield self._hand_over(text)

    def _understand(self, text: str) -> Iterator[str | ToolRequest]:
        reading = self._model.acts.read(text)
        if reading.wishes and all(
            self._model.skills[wish.skill].tool in self._tools for wish in reading.wishes
        ):
            yield from self._wished(reading.wishes, text)
            return
        parts = self._parts(text)
        if len(parts) > 1:
            yield from self._several(parts)
            return
        skill, score = self._model.best(text, self._tools)
        spoken = self._model.skills.get(reading.unwished)
        plain = reading.why not in ("asks", "unclear")
        if (
            spoken
            and spoken.tool in self._tools
            and (plain or skill is None or skill.acts or skill.tool is None)
        ):
            skill, score = spoken, max(score, SURE)
        if skill is not None and skill.acts and not self._is_about(skill, text):
            skill = None
        if skill is None or skill.search or score < SURE or (skill.acts and _asks(text)):
            doubt = {"skill": skill.name, "score": score} if skill and not skill.search else {}
            found = self._model.search
            search = found.search if found else None
            if search and search.tool in self._tools and (not doubt or _asks(text)):
                general = skill is not None and skill.search and score >= SURE
                enough = FOUND_POSSIBLE if general else FOUND_SURE
                self.state = {"searching": text, "doubt": doubt, "enough": enough}
                yield ToolRequest("search", search.tool, {search.argument: text[:500]})
                return
        yield from self._act(skill, score, text)

    def _is_about(self, skill: Skill, text: str) -> bool:
        """Whether a text is about what the skill does; examples are in English only."""
        return self._model.acts.speaks_of(skill.name, text) or language_of([text]) == "en"

    def _wished(self, wishes: list[Wish], text: str) -> Iterator[str | ToolRequest]:
        """Do what is clearly wished and can be undone; of anything else the customer is asked."""
        made: list[tuple[Skill, dict[str, Any]]] = []
        for wish in wishes:
            skill = self._model.skills[wish.skill]
            slots = self._wished_slots(skill, wish, text)
            missing = self._missing(skill, slots)
            if missing is None and self._model.acts.names_several(skill.name, wish, text):
                missing = next(iter(skill.slots))
                slots.pop(missing, None)
            if missing is not None and len(wishes) == 1:
                yield self._ask(skill, slots, missing)
                return
            if missing is None:
                made.append((skill, slots))
        if not made:
            yield self._hand_over(text)
            return
        skill, slots = made[0]
        assert skill.acts is not None
        undo, whole = skill.acts.undo, bool(slots) or not skill.acts.named
        exact = not wishes[0].value or wishes[0].value in slots.values()
        sure = len(wishes) == 1 and wishes[0].clear and whole and undo and exact
        yield from self._several(made, unsure=not sure)

    def _wished_slots(self, skill: Skill, wish: Wish, text: str) -> dict[str, Any]:
        """The values of a wish: only what stands where it names them."""
        assert skill.acts is not None
        found: dict[str, Any] = {}
        for name, slot in skill.slots.items():
            kind = self._model.kinds[slot.kind]
            if skill.acts.any:
                value = kind.find(text, False)
            elif slot.optional and kind.secret:
                value = kind.find(wish.said, False)
            elif skill.acts.value:
                value = _whole(wish.value, kind.find(wish.value, True)) if wish.value else None
                if value is None and kind.secret:
                    value = kind.find(wish.said, False)
            else:
                value = kind.find(wish.said, False) or kind.find(text, False)
            if value is not None:
                found[name] = value
        return found

    def _parts(self, text: str) -> list[tuple[Skill, dict[str, Any]]]:
        """Several questions in one message that can all be answered at once, or nothing."""
        found = []
        for part in _AND_ALSO.split(text):
            skill, score = self._model.best(part, self._tools)
            if skill is None or skill.tool is None or skill.acts or score < SURE:
                return []
            slots = self._slots(skill, part)
            if self._missing(skill, slots):
                return []
            found.append((skill, slots))
        names = {skill.name for skill, _ in found}
        return found if len(names) == len(found) else []

    def _several(
        self, parts: list[tuple[Skill, dict[str, Any]]], *, unsure: bool = False
    ) -> Iterator[str | ToolRequest]:
        self.state = {"called": [skill.name for skill, _ in parts], "slots": parts[0][1]}
        for number, (skill, slots) in enumerate(parts):
            assert skill.tool is not None
            name = "call" if len(parts) == 1 else f"call-{number}"
            yield ToolRequest(name, skill.tool, {**skill.arguments, **slots}, unsure=unsure)

    def _act(self, skill: Skill | None, score: float, text: str) -> Iterator[str | ToolRequest]:
        if skill is None or skill.search:
            yield self._hand_over(text)
        elif skill.say is not None:
            yield skill.say
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
        told = skill.acts.trouble and not any(map(_asks, _CLAUSE.split(text)))
        wants = self._model.acts.wants_something(text)
        slots = self._slots(skill, text)
        open_ = reading.why in ("", "asks", "unclear")
        missing = self._missing(skill, slots)
        if skill.acts.trouble and _asks(text):
            missing = next(iter(skill.slots))
        if missing and open_:
            yield self._ask(skill, {}, missing)
        elif score >= SURE and open_ and (told or (wants and not reading.unwished)):
            yield from self._fill(skill, slots, sure=False)
        elif reading.why in ("not", "takes_back", "found"):
            yield self._reply("left")
        elif reading.why == "others":
            yield self._reply("own_only")
        else:
            yield self._reply("plainly", say_so=skill.say_so)

    def _slots(self, skill: Skill, text: str) -> dict[str, Any]:
        kinds = self._model.kinds
        found = {name: kinds[slot.kind].find(text, False) for name, slot in skill.slots.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _missing(self, skill: Skill, slots: dict[str, Any]) -> str | None:
        for name, slot in skill.slots.items():
            if not slot.optional and name not in slots:
                return name
        return None

    def _fill(
        self, skill: Skill, slots: dict[str, Any], *, sure: bool
    ) -> Iterator[str | ToolRequest]:
        missing = self._missing(skill, slots)
        if missing:
            yield self._ask(skill, slots, missing)
        else:
            yield from self._several([(skill, slots)], unsure=not sure)

    def _ask(self, skill: Skill, slots: dict[str, Any], name: str, asked: int = 1) -> str:
        self.state = {"skill": skill.name, "waits_for": name, "slots": slots, "asked": asked}
        return skill.slots[name].ask

    def _hand_over(self, text: str) -> ToolRequest | str:
        skill = self._model.handover
        if skill is None or skill.tool not in self._tools:
            return "I am sorry, I cannot help with that."
        self.state = {"handing_over": True}
        (slot,) = skill.slots
        return ToolRequest("handover", skill.tool, {**skill.arguments, slot: text})

    def _reply(self, name: str, **values: str) -> str:
        """A text of our own in the customer's language; a mere yes or no does not tell it."""
        said = [m.text for m in self._messages if m.role == "user" and answer_of(m.text) is None]
        return reply(name, said, **values)

    def _after_tool(self, last: Message) -> Iterator[str | ToolRequest]:
        before = self._left_behind()
        if "searching" in before:
            yield from self._after_search(before, last)
        elif "handing_over" in before:
            yield self._handed_over(last)
        else:
            answers = [
                self._answer(self._model.skill(name), result, before)
                for name, result in zip(self._called(before), self._results(), strict=False)
            ]
            yield "\n\n".join(answers) or "Done."

    def _called(self, before: dict[str, Any]) -> list[str]:
        """The skills whose tools were called; of a call that a person decided on, by its tool."""
        if "called" in before:
            return list(before["called"])
        asked = next((m for m in reversed(self._messages) if m.role == "assistant"), None)
        requests = asked.tool_requests if asked else ()
        return [self._model.skill_of(request.name) for request in requests]

    def _results(self) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        for message in reversed(self._messages):
            if message.role != "tool":
                break
            results.insert(0, json.loads(message.text))
        return results

    def _after_search(self, before: dict[str, Any], last: Message) -> Iterator[str | ToolRequest]:
        text, doubt = before["searching"], before.get("doubt") or {}
        answer = self._found(json.loads(last.text), before["enough"])
        if answer is not None:
            yield answer
            return
        skill = self._model.skill(doubt["skill"]) if doubt else None
        yield from self._act(skill, doubt.get("score", 0.0), text)

    def _found(self, result: dict[str, Any], enough: float) -> str | None:
        """The answer that a search found, if it is one."""
        skill = self._model.search
        if skill is None or skill.search is None or skill.answer is None:
            return None
        results = result.get(skill.search.results) or [{}]
        if results[0].get(skill.search.score, 0.0) < enough:
            return None
        return render(skill.answer, results[0])

    def _handed_over(self, last: Message) -> str:
        result, skill = json.loads(last.text), self._model.handover
        if status_of(result) != "ok":
            return f"I could not hand you over: {_problem(result)}"
        return render(skill.instead, result) if skill and skill.instead else "Done."

    def _answer(self, skill: Skill | None, result: dict[str, Any], before: dict[str, Any]) -> str:
        if skill is None or skill.answer is None:
            return "Done."
        status = status_of(result)
        if status == "pending":
            return (
                "That needs the approval of a colleague. I have passed it on; the reference is "
                f"{result['approval_id']}."
            )
        if status == "error":
            code = result["error"]["code"]
            if code == "NOT_CONFIRMED":
                return self._reply("left")
            again = [name for name, slot in skill.slots.items() if slot.ask]
            needs = (result["error"].get("details") or {}).get("needs")
            if needs in again:
                again = [needs]
            if again and (code == "INVALID_INPUT" or needs or code.endswith("_NOT_FOUND")):
                slots = {k: v for k, v in before.get("slots", {}).items() if k != again[0]}
                question = self._ask(skill, slots, again[0])
                return f"{_problem(result)} {question}"
            return f"I could not do that. {_problem(result)}"
        try:
            return render(skill.answer, result)
        except TemplateError:
            return "Done."


def _whole(text: str, found: Found) -> Found:
    """The text from its beginning, where what was found in it is only its end."""
    if isinstance(found, str) and found in text and not found.startswith("[["):
        return text[: text.index(found) + len(found)]
    return found


def _problem(result: dict[str, Any]) -> str:
    error = result.get("error", {})
    fields = error.get("details", {}).get("fields")
    return str(fields[0]["problem"] + "." if fields else error.get("message", "It failed."))


def _asks(text: str) -> bool:
    """Whether a sentence asks a general question, one that the FAQ may answer."""
    return bool(
        re.match(
            r"\W{0,20}(?:how|what|when|where|which|why|who|is|are|do|does|can|could|will|would)\b",
            text,
            re.IGNORECASE,
        )
    ) or text.rstrip().endswith("?")
