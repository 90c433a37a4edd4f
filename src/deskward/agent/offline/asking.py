"""What a skill declares whose tool begins a record that asks step by step; see `guided.py`."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import chain

from pydantic import BaseModel, ConfigDict

from deskward.agent.offline.lookup import plain
from deskward.agent.offline.sought import LONGEST, pattern_of
from deskward.gate.choices import says_only
from deskward.text.against import says_one_of

UNSPACED = frozenset({"ja", "zh", "ko", "ar", "he"})
"""Languages whose words are found wherever they stand."""


class Move(BaseModel):
    """What else may be said to such a record than an answer.

    Attributes:
        tool: What is called.
        when: The states of the record in which it may be.
        says: Language → phrases that say it.
    """

    model_config = ConfigDict(extra="forbid")

    tool: str
    when: list[str]
    says: dict[str, list[str]]

    @property
    def phrases(self) -> list[str]:
        """The phrases of all languages."""
        return list(chain.from_iterable(self.says.values()))


class Confirms(BaseModel):
    """How it is said at the end whether it was of use.

    Attributes:
        tool: What takes it.
        argument: Which of its arguments.
        when: The state of the record that asks for it.
        affirming: Language → phrases by which it was.
        negating: Language → phrases by which it was not.
        done: The argument that says that what was to be done was done, of no use as it was, and
            language → phrases that say so; None where that is not told apart.
    """

    model_config = ConfigDict(extra="forbid")

    tool: str
    argument: str
    when: str
    affirming: dict[str, list[str]]
    negating: dict[str, list[str]]
    done: tuple[str, dict[str, list[str]]] | None = None

    @property
    def affirms(self) -> tuple[str, ...]:
        """All phrases by which it was of use."""
        return tuple(chain.from_iterable(self.affirming.values()))

    @property
    def negates(self) -> tuple[str, ...]:
        """All phrases by which it was not."""
        return tuple(chain.from_iterable(self.negating.values()))

    @cached_property
    def done_phrases(self) -> tuple[str, ...]:
        """All phrases by which it was done."""
        return tuple(chain.from_iterable(self.done[1].values())) if self.done else ()

    def is_said_by(self, text: str) -> bool:
        """Whether a text says whether it was of use, and nothing else, whatever was asked."""
        phrases = (*self.affirms, *self.negates, *self.done_phrases)
        return says_one_of(text, (*self.affirms, *self.negates)) and says_only(text, phrases)


class Finds(BaseModel):
    """How it is found which kind of record a message is about, before one is begun.

    Attributes:
        tool: What finds it; it only reads.
        argument: Which of its arguments takes the message.
        fits: Field of its answer with those that fit.
        word: Field of one of them that names its kind, and `title` what it is called.
        into: Where the kind goes of what begins the record: an argument, and a name in it.
        cues: Language → words without one of which no message is about such a record: as those of
            `sought.py`.
        shall: Language → how it is asked whether to begin, where that is not sure.
        which: Language → how it is asked which of several; `{choices}` are they.
    """

    model_config = ConfigDict(extra="forbid")

    tool: str
    argument: str
    fits: str
    word: str
    title: str
    into: tuple[str, str]
    cues: dict[str, list[str]]
    shall: dict[str, str]
    which: dict[str, str]

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [
            pattern_of(phrases, spaced=language not in UNSPACED)
            for language, phrases in self.cues.items()
        ]

    def may_be_about(self, text: str) -> bool:
        """Whether a message has a word of such a record, in whatever language."""
        said = plain(text[:LONGEST])
        return any(pattern.search(said) for pattern in self._patterns)


class Asks(BaseModel):
    """What is called upon what customers say to a record.

    Attributes:
        answer: The tool that takes an answer.
        argument: Which of its arguments.
        id: The argument that names the record.
        keeps: Argument → field of the record: what all calls are given.
        reads: The tool that reads the record.
        gives_up: The tool that gives it to a person.
        goes_on: How somebody takes a record up that was left.
        confirms: How it is said whether it was of use.
        moves: What else may be said.
        again: Form of an answer → language → how it is asked for once more.
        finds: How it is found out which kind of record to begin; None where there is one kind.
        lists: The tool that lists such records, the newest first, and the field of its answer: for
            whoever comes back in another conversation.
    """

    model_config = ConfigDict(extra="forbid")

    answer: str
    argument: str
    id: str
    keeps: dict[str, str]
    reads: str
    gives_up: str
    goes_on: Move
    confirms: Confirms
    moves: dict[str, Move] = {}
    again: dict[str, dict[str, str]]
    finds: Finds | None = None
    lists: tuple[str, str] | None = None

    @property
    def tools(self) -> set[str]:
        """All that it calls."""
        named = {self.answer, self.reads, self.gives_up, self.goes_on.tool, self.confirms.tool}
        named |= {self.finds.tool} if self.finds is not None else set()
        named |= {self.lists[0]} if self.lists is not None else set()
        return named | {move.tool for move in self.moves.values()}
