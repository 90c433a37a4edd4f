"""What is said in the middle of a conversation: questions of few words, and what asks for nothing.

Meaning tells them (`turns.yaml` of the slices), and the conversation of which record they are. All
that follows from that reads, or is a text: nothing is changed by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from deskward.agent.dialogue import before as dialogue_before
from deskward.agent.model import ToolRequest
from deskward.agent.offline.asides import answer_to
from deskward.agent.offline.asked import TROUBLE, WISH, Asked
from deskward.agent.offline.follow_ups import follows
from deskward.agent.offline.glossary import in_english
from deskward.agent.offline.pausing import Pausing
from deskward.agent.offline.refers import PRONOUN, pointed
from deskward.agent.offline.skills import NONE, Skill
from deskward.text.risk import risks_of

SURE = 0.6
"""From this probability on a turn is of a topic."""
SURELY = 0.8
"""The same where a question of ours waits."""
PART = 0.7
"""The same of a question in a part of a message."""
PERHAPS = 0.5
"""The same where nothing else was understood and it would be handed over."""
LONGEST = 200
"""Characters of such a turn."""
SHORT = 60
"""Characters of a question that may go on with the one before."""
FOUND = 0.3
"""From this score on what a search found answers a general question."""
FOUND_ACROSS = 0.25
"""The same in another language than most articles have: words cannot agree there."""
FOUND_SURE = 0.6
FOUND_POSSIBLE = 0.3
"""From this score on what a search found is an answer; the lower one is enough where the sentence
is surely a general question."""
FOUND_WORDS = 0.5
"""The same of what was found by a glossary's words."""
MOST_WORDINGS = 4
"""So many times a question is looked up, in other words each time."""
CERTAIN = 0.9
"""From this probability on a question is a general one, whatever little a search found."""
FOUND_CERTAIN = {True: 0.25, False: 0.2}
"""Then these scores are enough, in English and in any other language."""
DECLINES = 0.3
"""From this probability on a message with a negation declines."""
POINTS = 5
"""Words of a remark that may only point at a record."""
ASKS_OF_DEEDS = 0.3
"""Without this probability a message does not ask what was done, whatever words it has."""
DONE = 2.0
"""The same after what was done last, if something else was asked meanwhile."""
UNDONE = 0.5
"""How much less likely a question what was done is, where nothing was."""
AFTER = 4.0
"""How much likelier a question is right after what it is asked after."""
LEAST = 3
"""Letters of a part of a message that can say something by itself."""
_CLAUSE = re.compile(r"(?<=[,;:.!?…،؛؟。！？、])\s*")


class Meaning(NamedTuple):
    """What a turn is, how surely, and the part of the message that is it."""

    kind: Asked
    score: float
    text: str

    @property
    def asks(self) -> bool:
        """Whether it asks for something that is looked up or told."""
        return bool(self.kind.skill or self.kind.handed or self.kind.does == "deeds")


class Turning(Pausing):
    """A step that answers what is said in the middle of a conversation."""

    _is_left = False
    """Whether the customer said that what is waited for is not to be done: it is asked no more."""

    def _turned(self, text: str, enough: float = SURE) -> Meaning | None:
        """What a turn is: a question in one of its parts, or what it is as a whole."""
        if not self._model.turns or len(text) > LONGEST:
            return None
        whole = self._meaning_of(text)
        if whole is not None and whole.asks and whole.score >= enough:
            return whole
        parts = [one for one in map(self._meaning_of, parts_of(text)) if one is not None]
        asks = [one for one in parts if one.asks and one.score >= max(enough, PART)]
        if asks:
            return asks[-1]
        return whole if whole is not None and whole.score >= enough else None

    def _meaning_of(self, text: str) -> Meaning | None:
        """What a text is; None where it is a wish, or nothing is known."""
        found = self._likely(text)
        topics: dict[str, float] = {}
        for name, score in found.items():
            topic = self._topic(name)
            topics[topic] = topics.get(topic, 0.0) + score
        topic = max(topics, key=lambda one: topics[one], default=WISH)
        if topic == WISH:
            return None
        kinds = {name: score for name, score in found.items() if self._topic(name) == topic}
        best = max(kinds, key=lambda one: kinds[one])
        return Meaning(self._model.turns[best], topics[topic], text)

    def _topic(self, name: str) -> str:
        """What a kind is about: a list and one of what it lists are one topic."""
        return WISH if name == WISH else self._about(self._model.turns[name])

    def _about_of(self, skill: Skill) -> str:
        """The topic of what a skill answers."""
        kinds = (one for one in self._model.turns.values() if one.skill == skill.name)
        return next((self._about(one) for one in kinds), skill.name)

    def _about(self, kind: Asked) -> str:
        topic = kind.topic
        skill = self._model.skill(topic)
        slots = skill.slots.values() if skill else ()
        return next((slot.listed for slot in slots if slot.listed), topic)

    def _likely(self, text: str) -> dict[str, float]:
        """How probably a text is of each kind, with what was done just before in mind."""
        found = self._model.turned(text)
        last = self._last_skill()
        done = dialogue_before(self._messages).done
        deed = self._model.skill_of(done[-1].tool) if done else ""
        weights = {name: score * self._weight(name, last, deed) for name, score in found.items()}
        if WISH in weights and self._wishes_nothing(text):
            weights[WISH] = 0.0
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items()} if total else {}

    def _last_skill(self) -> str:
        """The skill that the customer asked for last."""
        before = self._left_behind()
        asked = before.get("records", before).get("skill") or next(
            iter(before.get("called", [])), ""
        )
        return asked or ""

    def _weight(self, name: str, last: str, deed: str) -> float:
        """How much likelier a kind is after what was asked for, and what was done, last."""
        after = self._after(name)
        if not deed and name != WISH and self._model.turns[name].does == "deeds":
            return UNDONE
        return AFTER if last in after else DONE if deed in after else 1.0

    def _wishes_nothing(self, text: str) -> bool:
        """Whether no act is wished, as far as words and sentences that were learned from tell."""
        wanted, cues = self._model.wanted(text), self._model.acts.cues(text, self._language())
        acts = any(f"do_{name}" in cues for name, one in self._model.skills.items() if one.acts)
        return wanted.get(NONE, 0.0) >= SURELY and not acts

    def _after(self, name: str) -> list[str]:
        kind = self._model.turns.get(name)
        return kind.after if kind else []

    def _of_turn(self, meaning: Meaning) -> Iterator[str | ToolRequest] | None:
        """What is answered to it; None where nothing can be."""
        kind, text = meaning.kind, meaning.text
        if kind.skill:
            skill = self._model.skill(kind.skill)
            usable = skill is not None and skill.name in self._usable
            return self._asked_of(skill, kind, text) if skill is not None and usable else None
        if kind.does == TROUBLE:
            return None
        about = dialogue_before(self._messages)
        if kind.handed:
            if not about.handed:
                return None
            return iter([self._deed("handed", reference=about.handed)])
        if kind.does == "deeds":
            nothing = not (about.done or about.handed or self._waiting())
            part = len(text) < len(self._said_last().strip())
            return None if nothing and part else self._tell_deeds(text, about)
        if kind.does == "thanks":
            return iter([answer_to("thanks", self._language())])
        if risks_of("", self._said_last()):
            return None
        if kind.does == "greets":
            return iter([answer_to("greets", self._language())])
        if kind.does == "aside":
            short = len(text.split()) <= POINTS
            looked = self._looks_at(text) if short else None
            return looked or iter([answer_to("noted", self._language())])
        return iter([self._reply(kind.does)])

    def _asked_of(self, skill: Skill, kind: Asked, text: str) -> Iterator[str | ToolRequest] | None:
        hands = self._model.handover
        if hands is not None and skill.tool == hands.tool:
            wished = self._handing(skill, self._said_last())
            return iter([self._hand_over(self._said_last())]) if wished else None
        if kind.tells:
            return self._looks_up(skill, {"field": kind.tells, "text": text})
        if kind.states and skill.states is not None and skill.tool is not None:
            self.state = {"states": text, "skill": skill.name}
            return iter([ToolRequest("states", skill.tool, dict(skill.arguments))])
        if kind.sums:
            asked = {"text": text, "language": self._language(), "in": kind.sums == "in"}
            return self._looks_up(skill, asked)
        if skill.search is not None:
            return self._searched(skill, text)
        listed = next((name for name, one in skill.slots.items() if one.listed), None)
        slots = self._slots(skill, text)
        if listed is None:
            return None if self._missing(skill, slots) else self._several([(skill, slots)])
        if listed in slots:
            return self._several([(skill, slots)])
        return iter([self._of_record(skill, listed, text, {"asks": True, "fits": kind.fits})])

    def _of_record(
        self, skill: Skill, slot: str, text: str, how: dict[str, Any]
    ) -> str | ToolRequest:
        """Look up the records of which one may be meant; see `_after_list`."""
        asked = self._ask_for(skill, {}, slot)
        if self.state is not None and "seeks" in self.state:
            self.state["seeks"] |= {"text": text, **how}
        return asked

    def _searched(self, skill: Skill, text: str) -> Iterator[str | ToolRequest]:
        """Look a general question up; where nothing is found, with what it is about besides."""
        found = [one for one in map(self._meaning_of, parts_of(text)) if one is not None]
        whole = [one for one in [self._meaning_of(text)] if one is not None]
        asks = [one.text for one in found if one.kind.skill == skill.name and one.score >= PART]
        text = asks[-1] if asks else text
        english = self._language() == "en"
        enough = least = FOUND if english else FOUND_ACROSS
        if any(one.kind.skill == skill.name and one.score >= CERTAIN for one in [*found, *whole]):
            least = FOUND_CERTAIN[english]
        alone = [(in_english(text, self._language()), FOUND_WORDS), (text, enough)]
        alone.append((f"{text} {self._thing()}".strip(), least))
        return self._search_in_turn(skill, text, self._with_topic(text, alone, least))

    def _with_topic(
        self, text: str, alone: list[tuple[str, float]], enough: float
    ) -> list[tuple[str, float]]:
        """In which words a question is looked up: one that goes on with the last, by its topic."""
        topic = self._left_behind().get("searched", "")
        if not topic or len(text) > SHORT:  # what stands alone asks something new
            return alone
        together = f"{topic} {text}"
        english = (in_english(together, self._language()), FOUND_WORDS)
        goes_on = follows(text, self._language())
        if not goes_on:
            return [*alone[:2], english, (together, enough), *alone[2:]]
        return [(together, enough), english, *(() if goes_on == "surely" else alone)]

    def _search_generally(
        self, skill: Skill | None, score: float, text: str
    ) -> Iterator[str | ToolRequest] | None:
        """Look up what no other skill surely does; None where one does, or nothing can be found."""
        if not any(map(str.isalpha, text)):  # a number asks nothing by itself
            return None
        sure = skill is not None and not skill.search and score >= SURE
        if sure and not (skill and skill.acts and asks_generally(text)):
            return None
        doubt = {"skill": skill.name, "score": score} if skill and not skill.search else {}
        found = self._model.search
        if found is None or found.name not in self._usable or (doubt and not asks_generally(text)):
            return None
        general = skill is not None and skill.search is not None and score >= SURE
        enough = FOUND_POSSIBLE if general else FOUND_SURE
        if self._language() != "en":
            enough = FOUND_ACROSS
        wordings = [(text, enough)]
        if general or asks_generally(text):
            wordings.append((in_english(text, self._language()), FOUND_WORDS))
        before = self._left_behind()
        if "searched" in before and self._may_ask(found, text):
            wordings = self._with_topic(text, wordings, enough)
        return self._search_in_turn(found, text, wordings, doubt)

    def _may_ask(self, skill: Skill, text: str) -> bool:
        """Whether a message may be a question that a search answers."""
        if follows(text, self._language()) in ("surely", "likely"):
            return True
        about = self._about_of(skill)
        found = self._likely(text)
        return sum(p for name, p in found.items() if self._topic(name) == about) >= PERHAPS / 2

    def _search_in_turn(
        self, skill: Skill, text: str, wordings: list[tuple[str, float]], doubt: Any = None
    ) -> Iterator[str | ToolRequest]:
        """Search for each of some wordings until one finds enough."""
        (query, enough), *rest = [one for one in dict.fromkeys(wordings) if one[0]]
        before = self._left_behind()
        names = ("searched", "told", "repeats", "offered")
        self.state = {name: before[name] for name in names if name in before}
        self.state |= {"searching": text, "query": query, "doubt": doubt or {}, "enough": enough}
        if "offers" in before:
            self.state["offered"] = True
        if rest:
            self.state["again"] = [list(one) for one in rest[: MOST_WORDINGS - 1]]
        return iter([_search(skill, query)])

    def _searched_again(
        self, before: dict[str, Any], *, repeats: bool
    ) -> Iterator[str | ToolRequest] | None:
        """Look it up once more, in other words; None where that was done.

        Args:
            repeats: Whether what was told already was found.
        """
        skill = self._model.search
        if skill is None or not before.get("again"):
            return None
        wordings = [(str(query), float(enough)) for query, enough in before["again"]]
        found = self._search_in_turn(skill, before["searching"], wordings, before.get("doubt"))
        if repeats and self.state is not None:
            self.state["repeats"] = True
        return found

    def _thing(self) -> str:
        """A word for what something was done to last, in the customer's language."""
        done = dialogue_before(self._messages).done
        skill = self._model.skill(self._model.skill_of(done[-1].tool)) if done else None
        if skill is None or skill.acts is None:
            return ""
        languages = skill.acts.languages
        words = languages.get(self._language(), languages.get("en"))
        return words.things[0] if words and words.things else ""

    def _points(self, skill: Skill, slot: str, text: str) -> bool:
        """Whether a text points at the record that is waited for: it is looked up which."""
        points = pointed(text, {}) if skill.slots[slot].listed else None
        return points is not None and points.by != PRONOUN

    def _only_declines(self, text: str) -> bool:
        """Whether a message says that something is not to be done, rather than anything else."""
        found, cues = self._likely(text), self._model.acts.cues(text, self._language())
        share = sum(p for n, p in found.items() if self._topic(n) in ("left", "aside"))
        asks = any(mark in text for mark in "?？؟")
        return share >= DECLINES and "not" in cues and not asks and not risks_of("", text)

    def _may_ask_of_deeds(self, text: str) -> bool:
        """Whether a message may ask what was done, by its meaning as well."""
        found = self._likely(text)
        if not found:
            return True
        share = sum(score for name, score in found.items() if name != WISH and self._tells(name))
        return share >= ASKS_OF_DEEDS and not self._wishing(self._model.acts.read(text), text)[0]

    def _tells(self, name: str) -> bool:
        kind = self._model.turns[name]
        return kind.does == "deeds" or kind.states or kind.handed

    def _while_waiting(
        self, skill: Skill, before: dict[str, Any], text: str
    ) -> Iterator[str | ToolRequest] | None:
        """The same where a question of ours waits; None where it is answered, or may be."""
        waits_for = before["waits_for"]
        kind = self._model.kinds[skill.slots[waits_for].kind]
        if kind.free or kind.whole:
            return None
        if not kind.secret and kind.find(text, True) is not None:
            return None
        choices = before.get("choices")
        if self._points(skill, waits_for, text):
            plain = not choices and not self._model.acts.withdraws(text)
            return iter([self._ask_for(skill, before["slots"], waits_for)]) if plain else None
        if choices and self._chosen(choices, skill, waits_for, text):
            return None
        meaning = self._turned(text, SURELY)
        if meaning is None or self._model.acts.read(text).wishes:
            return None
        if meaning.asks:
            return self._of_turn(meaning)
        self._is_left = meaning.kind.does == "left"
        return iter([self._reply("left")]) if meaning.kind.does in ("aside", "left") else None


def _search(skill: Skill, query: str) -> ToolRequest:
    assert skill.search is not None
    return ToolRequest("search", skill.search.tool, {skill.search.argument: query[:500]})


def parts_of(text: str) -> list[str]:
    """The clauses of a message, where it has several."""
    parts = [one.strip() for one in _CLAUSE.split(text) if len(one.strip()) >= LEAST]
    return parts if len(parts) > 1 else []


def asks_generally(text: str) -> bool:
    """Whether a sentence asks a general question, one that the FAQ may answer."""
    return bool(
        re.match(
            r"\W{0,20}(?:how|what|when|where|which|why|who|is|are|do|does|can|could|will|would)\b",
            text,
            re.IGNORECASE,
        )
    ) or text.rstrip().endswith("?")
