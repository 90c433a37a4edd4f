"""What a skill declares whose tool begins a record that asks step by step; see `guided.py`."""

from __future__ import annotations

from itertools import chain

from pydantic import BaseModel, ConfigDict


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
    """

    model_config = ConfigDict(extra="forbid")

    tool: str
    argument: str
    when: str
    affirming: dict[str, list[str]]
    negating: dict[str, list[str]]

    @property
    def affirms(self) -> tuple[str, ...]:
        """All phrases by which it was of use."""
        return tuple(chain.from_iterable(self.affirming.values()))

    @property
    def negates(self) -> tuple[str, ...]:
        """All phrases by which it was not."""
        return tuple(chain.from_iterable(self.negating.values()))


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

    @property
    def tools(self) -> set[str]:
        """All that it calls."""
        named = {self.answer, self.reads, self.gives_up, self.goes_on.tool, self.confirms.tool}
        return named | {move.tool for move in self.moves.values()}
