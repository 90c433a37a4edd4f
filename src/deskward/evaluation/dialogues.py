"""Whether whole conversations come to what the customer wanted: scripted, with a demo desk.

`data/dialogues.yaml` holds them and tells their form; strangers wrote the others. The desk has been
tuned on all of them but `dialogues_fourth_blind.yaml`. What is counted is what happened (calls that
were made, tickets) and what the answers say, not how they are worded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from time import process_time
from typing import Any, Literal, NamedTuple

import yaml

from deskward.agent.events import HandedOver, ToolAnswered, ToolCalled
from deskward.agent.model import Model
from deskward.app import Desk
from deskward.conversations import store
from deskward.conversations.cursors import Answered
from deskward.conversations.store import Where
from deskward.evaluation.asked import MAKES
from deskward.evaluation.desks import DemoDesks
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.knowledge.feeding import Feeder
from deskward.security.principals import Kind, Principal, Proof

FILES = {
    "tune": "dialogues.yaml",
    "test": "dialogues.yaml",
    "second": "dialogues_second.yaml",
    "third": "dialogues_third.yaml",
    "fourth_tune": "dialogues_fourth_tune.yaml",
    "fourth_blind": "dialogues_fourth_blind.yaml",
    "troubles": "dialogues_troubles.yaml",
    "troubles_test": "dialogues_troubles.yaml",
}
SPLITS = tuple(FILES)
SESSION = "dialogue"
ALL = "all"
"""A card's name in the file where all of them are meant."""

Progress = Callable[[str, float], None]
Call = tuple[str, Mapping[str, Any]]
When = Literal["always", "agrees", "asked", "anew"]
End = Literal["done", "handed", "nothing", "any"]


class Said(NamedTuple):
    """What a customer says, and when: always, or only where the desk asks for a yes or a value.

    `anew` is said always, in another conversation: they come back.
    """

    when: When
    text: str


@dataclass(frozen=True)
class Dialogue:
    """A scripted customer, and what is to come of it; see `data/dialogues.yaml`."""

    id: str
    language: str
    customer: str
    turns: tuple[Said, ...]
    acts: tuple[Call, ...] = ()
    may: tuple[Call, ...] = ()
    says: Mapping[int, Sequence[str]] = field(default_factory=dict)
    never: tuple[str, ...] = ()
    end: End = "any"
    asks: int = 0


@dataclass
class Outcome:
    """What came of a dialogue.

    Attributes:
        lines: What was said, for people to read.
        unwanted: Writes that nobody wished, or with other values than wished.
        missing: What was wished and not done, not told, or told though it must not be.
        needless: How many questions the desk asked that it could have answered itself.
        tickets: The tickets that the conversation was handed over as.
        cpu: Seconds of CPU, of each message.
    """

    dialogue: Dialogue
    lines: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    needless: int = 0
    tickets: set[str] = field(default_factory=set)
    cpu: list[float] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether the task was done, or rightly handed over, and nothing else written."""
        return not self.unwanted and not self.missing

    @property
    def badness(self) -> int:
        """How bad it is; a write that nobody wished is far the worst."""
        several = max(0, len(self.tickets) - 1)
        return 10 * len(self.unwanted) + 2 * len(self.missing) + self.needless + several


def dialogues(split: str) -> list[Dialogue]:
    """The dialogues of a split.

    Raises:
        ValueError: There is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    file = files("deskward") / "evaluation" / "data" / FILES[split]
    content = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [_read(one) for one in content[split]]


def _read(one: Mapping[str, Any]) -> Dialogue:
    turns = tuple(
        Said("always", turn) if isinstance(turn, str) else Said(*next(iter(turn.items())))
        for turn in one["turns"]
    )
    return Dialogue(
        id=one["id"],
        language=one["id"].partition("-")[0],
        customer=one.get("customer", "user_001"),
        turns=turns,
        acts=tuple((name, values) for name, values in one.get("acts", ())),
        may=tuple((name, values) for name, values in one.get("may", ())),
        says=one.get("says", {}),
        never=tuple(one.get("never", ())),
        end=one.get("end", "any"),
        asks=one.get("asks", 0),
    )


async def evaluate_dialogues(
    desks: DemoDesks,
    model: Model,
    given: Sequence[Dialogue],
    *,
    progress: Progress = lambda *_: None,
) -> list[Outcome]:
    """Hold each dialogue with a fresh demo desk."""
    found: list[Outcome] = []
    for number, dialogue in enumerate(given, 1):
        async with desks.open(model) as desk:
            feeder = desk.gate.port(Feeder)
            await feeder.catch_up("default", whole=True)
            await feeder.fill("default")  # with meanings, as a while after the start
            found.append(await Holding(desk, dialogue).hold())
        progress("dialogues", number / len(given))
    return found


class Holding:
    """One dialogue under way.

    Attributes:
        made: The writes that were done, in order.
        answers: What the desk answered to each turn.
        asks_yes: Whether it waits for a yes, and
        proposed: to which call.
        asks_value: Whether it waits for a value, or for which of several is meant.
    """

    def __init__(self, desk: Desk, dialogue: Dialogue, session: str = SESSION) -> None:
        self._desk, self._dialogue, self._session = desk, dialogue, session
        self._customer = Principal(
            Kind.CUSTOMER, dialogue.customer, "default", ("customer",), proof=Proof.VOUCHED
        )
        self.outcome = Outcome(dialogue)
        self.made: list[Call] = []
        self.answers: list[str] = []
        self.asks_yes = self.asks_value = False
        self.proposed: Call | None = None

    async def hold(self) -> Outcome:
        """Say all of it, and judge."""
        for said in self._dialogue.turns:
            wanted = {"agrees": self.asks_yes, "asked": self.asks_value}.get(said.when, True)
            if said.when == "anew":
                self._session += "-anew"
            if wanted:
                await self.say(said.text)
            else:
                self.answers.append(self.answers[-1] if self.answers else "")
        self._judge()
        return self.outcome

    async def say(self, text: str) -> None:
        """Say something, and hear the answer."""
        begun = process_time()
        context = Context(self._customer, "agent")
        reader = await self._desk.conversations.send(context, self._session, text)
        events = [placed.event async for placed in reader]
        self.outcome.cpu.append(process_time() - begun)
        called = {event.id: event for event in events if isinstance(event, ToolCalled)}
        self.asks_yes, self.proposed = False, None
        answer = ""
        for event in events:
            if isinstance(event, ToolAnswered):
                call = called.get(event.id)
                if event.status == "confirm":
                    self.asks_yes = True
                    self.proposed = (event.name, call.arguments) if call else None
                if event.status == "ok" and self._writes(event.name):
                    self.made.append((event.name, called[event.id].arguments))
            elif isinstance(event, HandedOver):
                self.outcome.tickets.add(event.reference)
            elif isinstance(event, Answered):
                answer = event.text
        self.answers.append(answer)
        self.asks_value = not self.asks_yes and await self._waits_for_value()
        self.outcome.needless += self.asks_value
        self.outcome.lines += [f"> {text}", *answer.splitlines()]

    def _writes(self, name: str) -> bool:
        tool = self._desk.gate.tools.get(name)
        return tool is not None and tool.risk is not Risk.READ and not tool.hands_over

    async def _waits_for_value(self) -> bool:
        """Whether the desk's last message asks for a value, or which of several is meant."""
        where = Where("default", self._customer.label, self._session)
        history = await store.history(self._desk.database.reader, where)
        state = history[-1].state or {}
        return "waits_for" in state or bool(state.get("choices"))

    def _judge(self) -> None:
        dialogue, outcome = self._dialogue, self.outcome
        rest = list(dialogue.acts)
        optional = False
        for call in _together(self.made, rest):
            wished = next((wish for wish in rest if is_wished(wish, call)), None)
            if wished is not None:
                rest.remove(wished)
            elif any(is_wished(wish, call) for wish in dialogue.may):
                optional = True
            else:
                outcome.unwanted.append(told(call))
        outcome.missing += [f"not done: {told(call)}" for call in rest]
        outcome.missing += self._untold()
        handed = bool(outcome.tickets)
        if dialogue.end in ("done", "nothing") and handed:
            outcome.missing.append("a person was called for nothing")
        elif dialogue.end == "handed" and not (handed or optional):
            outcome.missing.append("nobody was called")
        outcome.needless = max(0, outcome.needless - dialogue.asks)

    def _untold(self) -> Iterator[str]:
        """What the answers do not say and have to, and what they say and must not."""
        for turn, patterns in self._dialogue.says.items():
            answer = _plain(self.answers[turn - 1])
            for pattern in patterns:
                if not re.search(pattern, answer, re.IGNORECASE):
                    yield f"turn {turn} does not say {pattern}"
        for pattern in self._dialogue.never:
            if any(re.search(pattern, _plain(one), re.IGNORECASE) for one in self.answers):
                yield f"says {pattern}"


def _plain(answer: str) -> str:
    """An answer with plain spaces and digits, whatever a language's numbers have between them."""
    return re.sub(r"\s", " ", unicodedata.normalize("NFKC", answer)).translate(_DIGITS)


_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩٫٬", "0123456789.,")


def _together(made: Sequence[Call], wishes: Sequence[Call]) -> list[Call]:
    """The calls; where all cards are wished, those for each of them are one."""
    found = list(made)
    for name in {name for name, values in wishes if values.get("card") == ALL}:
        cards = [call for call in found if call[0] == name and _card(call[1])]
        if {_card(values) for _, values in cards} == set(MAKES.values()):
            found = [call for call in found if call not in cards[1:]]
            found[found.index(cards[0])] = (name, {})
    return found


def _card(values: Mapping[str, Any]) -> str:
    """A card's last four digits, whether they or its make were said; nothing for all cards."""
    given = str(values.get("card") or "")
    return MAKES.get(given.title(), given)


def is_wished(wish: Call, made: Call) -> bool:
    """Whether a call is the wished one, with all its values."""
    if wish[0] != made[0]:
        return False
    given: dict[str, Any] = {**made[1], "card": _card(made[1]) or ALL}
    return all(_letters(given.get(name)) == _letters(value) for name, value in wish[1].items())


def _letters(value: Any) -> str:
    return "".join(filter(str.isalnum, str(value).casefold()))


def told(call: Call) -> str:
    """A call in words."""
    values = ", ".join(f"{name}={value}" for name, value in call[1].items())
    return f"{call[0]}({values})"
