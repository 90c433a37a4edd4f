"""Simulated customers: each has goals and a temper, both by lot, and talks until it has had enough.

Deterministic: the same seed makes the same customers, and what one says follows from the desk's
answers. They agree only to what they want, contradict themselves, ask in between, and give up. What
may never happen, whatever they say: a write that nobody wanted at that moment, a second ticket, the
same question a third time, or an answer that failed. `data/simulated.yaml` holds what they say.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from deskward.agent.model import Model
from deskward.conversations.wording import FAILED
from deskward.conversations.wording import told as wording
from deskward.evaluation.desks import DemoDesks
from deskward.evaluation.dialogues import Call, Dialogue, Holding, Outcome, is_wished, told
from deskward.knowledge.feeding import Feeder

LEAST_TURNS, MOST_TURNS = 4, 9
OF_ONE_DESK = 25
"""So many customers talk to a desk, one after the other, before it is made anew."""
AGREES, DECLINES = 0.75, 0.15
"""How often somebody agrees to what they want, and says no to it; else they say something else."""
ANSWERS = 0.7
"""How often somebody answers a question."""
NEXT = 0.35
"""How often somebody comes with another goal."""
MOST_ASKED = 2
"""How often the same question may be asked about the same wish."""

_SAID: tuple[str, ...] = ("en", "de", "fr", "es", "pt", "it", "ja", "ar")


class Goal(NamedTuple):
    """What somebody wants: the calls that are then theirs, and what they say, by language."""

    id: str
    acts: tuple[Call, ...]
    says: Mapping[str, Sequence[str]]
    value: Mapping[str, str]


@dataclass(frozen=True)
class Said:
    """What customers can say."""

    goals: tuple[Goal, ...]
    yes: Mapping[str, str]
    no: Mapping[str, str]
    beside: Mapping[str, Sequence[str]]


@cache
def what_is_said() -> Said:
    """The shipped file."""
    file = files("deskward") / "evaluation" / "data" / "simulated.yaml"
    content: dict[str, Any] = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    goals = tuple(
        Goal(one["id"], tuple((n, v) for n, v in one["acts"]), one["says"], one["value"])
        for one in content["goals"]
    )
    return Said(goals, content["agrees"], content["refuses"], content["beside"])


class Customer:
    """One of them."""

    def __init__(self, number: int, seed: int) -> None:
        self._chance = random.Random(f"{seed}:{number}")  # noqa: S311 no secret
        self._language = self._chance.choice(_SAID)
        self._goal = self._chance.choice(what_is_said().goals)
        self._open: list[Goal] = []
        self._asked: dict[str, int] = {}
        self.dialogue = Dialogue(
            f"{self._language}-{seed}-{number}", self._language, "user_001", ()
        )

    async def talk(self, holding: Holding) -> Outcome:
        """Talk to the desk; the outcome says what must not have happened."""
        text = self._wish(self._goal)
        for _ in range(self._chance.randint(LEAST_TURNS, MOST_TURNS)):
            before = len(holding.made)
            await holding.say(text)
            self._look(holding, before)
            text = self._next(holding)
        if len(holding.outcome.tickets) > 1:
            holding.outcome.missing.append("more than one ticket")
        return holding.outcome

    def _wish(self, goal: Goal) -> str:
        self._goal = goal
        self._open.append(goal)
        self._asked.clear()
        return self._chance.choice(goal.says[self._language])

    def _next(self, holding: Holding) -> str:
        """What is said next, to what the desk said."""
        said, chance = what_is_said(), self._chance.random()
        if holding.asks_yes:
            if not self._wants(holding.proposed):
                return said.no[self._language]
            if chance < AGREES:
                return said.yes[self._language]
            if chance < AGREES + DECLINES:
                self._open.clear()
                return said.no[self._language]
        elif holding.asks_value and chance < ANSWERS:
            return self._goal.value[self._language]
        elif chance < NEXT:
            return self._wish(self._chance.choice(said.goals))
        return self._chance.choice(said.beside[self._language])

    def _wants(self, call: Call | None) -> bool:
        return call is not None and any(is_wished(a, call) for g in self._open for a in g.acts)

    def _look(self, holding: Holding, before: int) -> None:
        """See what came of what was said last."""
        outcome, answer = holding.outcome, holding.answers[-1]
        for call in holding.made[before:]:
            if not self._wants(call):
                outcome.unwanted.append(told(call))
            self._open = [g for g in self._open if not any(is_wished(a, call) for a in g.acts)]
        if not answer or answer in (FAILED, wording("apology", [outcome.lines[0]])):
            outcome.missing.append(f"no answer: {answer!r}")
        if holding.asks_yes or holding.asks_value:
            asked = told(holding.proposed) if holding.proposed else answer.splitlines()[-1]
            self._asked[asked] = self._asked.get(asked, 0) + 1
            if self._asked[asked] > MOST_ASKED:
                outcome.missing.append(f"asked {self._asked[asked]} times: {asked}")


async def simulate(
    desks: DemoDesks,
    model: Model,
    count: int,
    *,
    seed: int = 1,
    progress: Callable[[str, float], None] = lambda *_: None,
) -> list[Outcome]:
    """Have so many customers talk to demo desks.

    Args:
        seed: Other seeds make other customers.
    """
    found: list[Outcome] = []
    while len(found) < count:
        async with desks.open(model) as desk:
            feeder = desk.gate.port(Feeder)
            await feeder.catch_up("default", whole=True)
            for number in range(len(found), min(count, len(found) + OF_ONE_DESK)):
                customer = Customer(number, seed)
                holding = Holding(desk, customer.dialogue, f"simulated-{number}")
                found.append(await customer.talk(holding))
                progress("customers", len(found) / count)
    return found
