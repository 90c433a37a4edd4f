"""The offline model: skills instead of weights. Deterministic, no network, no key.

Each step looks at the conversation and at what its own last message left behind (`state`): a slot
it asked for, a yes it waits for, or a tool it called. Nothing is kept in the process.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from deskward.agent.learned import Learned
from deskward.agent.model import (
    OFFLINE,
    Finished,
    ModelEvent,
    ModelRequest,
    TextPiece,
)
from deskward.agent.offline.acts import Acts
from deskward.agent.offline.asked import WISH
from deskward.agent.offline.guided import Guided
from deskward.agent.offline.lax_lists import Values
from deskward.agent.offline.meaning import Meaning
from deskward.agent.offline.skills import NONE, Skill, Skills
from deskward.agent.offline.sought import Sought
from deskward.agent.offline.topics import Topics
from deskward.core.aside import aside
from deskward.gate.context import new_id
from deskward.text.nothing import is_wordless

if TYPE_CHECKING:
    from deskward.agent.offline.matching import Match, Matcher
    from deskward.text.vectors import Embedder

NAME = OFFLINE
"""What it is called, in settings and on record."""
POSSIBLE = 0.3
"""Below this probability no skill is meant."""
SURE = 0.6
"""From this probability on a meaning counts against words that tell of a deed."""
SURELY = 0.9
"""From this probability on meaning alone makes a pleasantry of a message. On threats, insults and
cries for help in ten languages it was at most 0.8, on greetings and farewells above this."""

_CODE = (
    "deskward.agent.offline.matching",
    "deskward.agent.offline.features",
    "deskward.agent.linear",
    "deskward.text.words",
)
"""The modules that learn. They bring numpy, which a desk needs that is asked something."""
_CUES = ("deskward.agent.offline.lax", "deskward.agent.offline.told")
"""The modules that tell the structure of a message."""
EACH = 12
"""Each so many-th example of what is no act teaches that it is none."""
_PIECE = re.compile(r"\S+\s*|\s+")


class OfflineModel:
    """Answers from skills, looks questions up, or hands over."""

    name = NAME
    reads_all_tools = True
    """It names tools by its skills, and is told of all that there are."""

    def __init__(
        self,
        skills: Skills,
        *,
        lazy: bool = False,
        embedder: Embedder | None = None,
        of_tenants: Mapping[str, OfflineModel] | None = None,
    ) -> None:
        """Make the model.

        Args:
            skills: What it can do.
            embedder: Makes vectors of sentences, by which it understands more of them, as soon as
                it has learned that; the first message begins it. One of another machine is not
                asked.
            lazy: Whether to be made ready at the first message instead of now: half a second, and
                some seconds where it is the first time on this machine.
            of_tenants: Tenant → the model that answers there instead: it has learned what was
                accepted there, which nobody else's conversations are to follow.
        """
        self.of_tenants = dict(of_tenants or {})
        self.skills = skills.skills
        self.search, self.handover = skills.search, skills.handover
        self.kinds = skills.kinds
        self.turns = skills.turns
        self._values = _values(skills)
        self._called = _called(skills)
        self._lexicon, self._said = skills.lexicon, skills.wishes
        self._embedder = embedder if embedder is not None and embedder.local else None
        self._meaning = Meaning(self._learn_vectors) if self._embedder is not None else None
        if not lazy:
            self.learn()

    @property
    def is_learned(self) -> bool:
        """Whether this machine has learned the examples before."""
        return self._learned.is_kept

    def learn(self, *, vectors: bool = False) -> None:
        """Be made ready for messages.

        Args:
            vectors: Whether what vectors tell is learned before it returns, and not while words
                alone answer.
        """
        _ = self._matcher, self._wishes
        if vectors and self._meaning is not None:
            self._meaning.wait()

    async def _ready(self) -> None:
        """Be made ready beside the event loop; learning has no limit."""
        if not {"_matcher", "_wishes"} <= vars(self).keys():
            await asyncio.to_thread(self.learn)

    @cached_property
    def acts(self) -> Acts:
        """What the skills do, and how it is wished for."""
        declared = {name: skill.acts for name, skill in self.skills.items() if skill.acts}
        return Acts(declared, self._values, self._called)

    @cached_property
    def topics(self) -> Topics:
        """What messages ask about in other languages."""
        return Topics(self.skills, self.kinds)

    @cached_property
    def sought(self) -> Sought:
        """What messages seek in other languages."""
        return Sought({name: one.sought for name, one in self.skills.items() if one.sought})

    @cached_property
    def _examples(self) -> dict[str, list[str]]:
        return {name: skill.examples for name, skill in self.skills.items() if skill.examples}

    @cached_property
    def _read_as(self) -> list[tuple[re.Pattern[str], str]]:
        """What is said in ids rather than words, and the word to read for it."""
        ordered = sorted(self.kinds.values(), key=lambda kind: kind.loose)
        return [(kind.looks, f" {kind.reads_as} ") for kind in ordered if kind.looks]

    @cached_property
    def _learned(self) -> Learned:
        return self._learned_of()

    def _learned_of(self, *more: str) -> Learned:
        read = [(looks.pattern, looks.flags, word) for looks, word in self._read_as]
        return Learned([self._examples, self._lexicon, NONE, read, *more], *_CODE)

    def _learn_vectors(self, progress: Callable[[float], None]) -> list[Matcher | None]:
        from deskward.agent.offline.matching import Matcher

        assert self._embedder is not None
        skills = Matcher(
            self._examples,
            self._lexicon,
            rest=NONE,
            kinds=self._read_as,
            learned=self._learned_of(self._embedder.name),
            progress=progress,
            embedder=self._embedder,
        )
        turns = self._turns_of(self._embedder, progress)
        return [skills, self._wishes_of(self._embedder, progress), turns]

    @cached_property
    def _matcher(self) -> Matcher:
        from deskward.agent.offline.matching import Matcher

        kinds, learned = self._read_as, self._learned
        return Matcher(self._examples, self._lexicon, rest=NONE, kinds=kinds, learned=learned)

    @cached_property
    def _wishes(self) -> Matcher:
        """Tells which act a message wishes, by its words and its structure."""
        return self._wishes_of(None, lambda _: None)

    def _wishes_of(self, embedder: Embedder | None, progress: Callable[[float], None]) -> Matcher:
        from deskward.agent.offline.matching import Matcher

        said = {name: [*sentences] for name, sentences in self._said.items()}
        tool = self.handover.tool if self.handover else None
        rest = [one for one in self.skills.values() if not one.acts]
        for name in said:  # whoever is to be handed over is so, however it was put
            if name in self.skills and self.skills[name].tool == tool is not None:
                said[name] += (e for one in rest if one.tool == tool for e in one.examples)
        others = (e for one in rest if tool is None or one.tool != tool for e in one.examples)
        said.setdefault(NONE, []).extend(itertools.islice(others, 0, None, EACH))
        name = embedder.name if embedder else ""
        acts = [one.acts.model_dump() for one in self.skills.values() if one.acts]
        learned = Learned([said, acts, name], *_CODE, *_CUES)
        kinds, cues = self._read_as, self.acts.cues
        return Matcher(
            said, {}, kinds=kinds, learned=learned, progress=progress, embedder=embedder, cues=cues
        )

    def _turns_of(self, embedder: Embedder, progress: Callable[[float], None]) -> Matcher | None:
        """Tells what a message is in the middle of a conversation."""
        from deskward.agent.offline.matching import Matcher

        if not self.turns:
            return None
        said = {name: [*itertools.chain(*one.said.values())] for name, one in self.turns.items()}
        wishes = (s for name, some in self._said.items() if name != NONE for s in some)
        said.setdefault(WISH, []).extend(itertools.islice(wishes, 0, None, EACH))
        kinds, learned = self._read_as, Learned([said, "turns", embedder.name], *_CODE)
        return Matcher(said, {}, kinds=kinds, learned=learned, progress=progress, embedder=embedder)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer one step; see `Model.stream`."""
        if (theirs := self.of_tenants.get(request.tenant)) is not None:
            async for one in theirs.stream(request):
                yield one
            return
        step = Guided(self, request)
        await self._ready()
        if self._meaning is not None:
            self._meaning.start()
        for event in await aside(lambda: list(step.run()), len(request.messages[-1].text)):
            if isinstance(event, str):
                for piece in _PIECE.findall(event):
                    yield TextPiece(piece, built=True)
            else:  # under an id of its own, as one that is there already costs the state
                yield replace(event, id=f"{event.id}-{new_id()}")
        yield Finished(self.name, state=step.state)

    async def close(self) -> None:
        """Leave what is still being learned."""
        for theirs in self.of_tenants.values():
            await theirs.close()
        if self._meaning is not None:
            await asyncio.to_thread(self._meaning.close)

    def best(self, text: str, usable: set[str]) -> tuple[Skill | None, float]:
        """The skill that a sentence means most, of those that may be used.

        A skill that writes is never told by meaning alone: words have to tell it, too. One that
        only says something ends the matter, and nobody hears of it: meaning alone has to be surer.
        """
        if is_wordless(text):  # its vector is near to whatever chance has it near to
            return None, 0.0
        told, score = self._of(self._matcher.match(text), usable)
        meant = self._meaning.match(text) if self._meaning is not None else None
        if meant is None:
            return told, score
        skill, sure = self._of(meant, usable)
        if skill is not None and skill.acts:
            return told, score
        if told is not None and told.acts and sure < SURE:
            return told, score
        if skill is not None and skill.say is not None and skill is not told and sure < SURELY:
            return told, score
        return skill, sure

    def wanted(self, text: str) -> dict[str, float]:
        """How probably a message wishes each act, or none; empty where that was not learned."""
        if not self._said or is_wordless(text):
            return {}
        meant = self._meaning.wished(text) if self._meaning is not None else None
        matches = self._wishes.match(text) if meant is None else meant
        return {match.name: match.score for match in matches}

    def turned(self, text: str) -> dict[str, float]:
        """How probably a message is of each kind of turn; empty where that is not known.

        Words alone do not tell: what customers say in few words is said in too many ways.
        """
        if self._meaning is None or is_wordless(text):
            return {}
        return {match.name: match.score for match in self._meaning.turned(text) or ()}

    def _of(self, matches: Sequence[Match], usable: set[str]) -> tuple[Skill | None, float]:
        for match in matches:
            skill = self.skills[match.name]
            if skill.name in usable:
                if skill.name == NONE or match.score < POSSIBLE:
                    return None, match.score
                return skill, match.score
        return None, 0.0

    def abilities(self, usable: set[str]) -> list[str]:
        """What it can do for somebody who may use these skills, in a few words each."""
        return [skill.can for skill in self.skills.values() if skill.can and skill.name in usable]

    def skill_of(self, tool: str) -> str:
        """The name of the skill that calls a tool, or nothing."""
        if self.handover is not None and self.handover.tool == tool:
            return self.handover.name
        found = (name for name, skill in self.skills.items() if skill.tool == tool)
        asks = ((name, skill.asks) for name, skill in self.skills.items() if skill.asks)
        return next(found, next((name for name, one in asks if tool in one.tools), ""))

    def skill(self, name: str) -> Skill | None:
        """The skill of that name, which may be gone since it was noted."""
        return self.skills.get(name)


def _values(skills: Skills) -> Values:
    """What finds the value of each skill that has one, by its shape."""
    found: dict[str, Callable[[str], str | None]] = {}
    for name, skill in skills.skills.items():
        for slot in skill.slots.values():
            anywhere = skills.kinds[slot.kind].anywhere
            if skill.acts and skill.acts.value and anywhere is not None:
                found[name] = anywhere
    return found


def _called(skills: Skills) -> dict[str, re.Pattern[str]]:
    """What the names look like of the things that skills act on, where these have names."""
    return {
        name: called
        for name, skill in skills.skills.items()
        for slot in skill.slots.values()
        if skill.acts and (called := skills.kinds[slot.kind].called) is not None
    }
