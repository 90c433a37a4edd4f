"""Golden conversations: what is said, what must be called, answered and true at the end.

Each is run several times on a fresh demo desk. pass^k is the chance that k runs in a row all pass
(Yao et al., tau-bench, 2024): what a customer is told once in four times is not good enough.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from deskward.agent.events import ToolAnswered, ToolCalled
from deskward.agent.model import Finished, Model, ModelEvent, ModelRequest
from deskward.app import Desk
from deskward.conversations.cursors import Answered
from deskward.core.answers import CallStatus
from deskward.core.errors import DeskwardError
from deskward.evaluation.desks import DemoDesks
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.security.principals import Kind, Principal, Proof

DATA = Path(__file__).parent / "data" / "golden"

Progress = Callable[[str, float], None]


class WantedCall(BaseModel):
    """A tool that must be called: with at least these arguments, ending so."""

    model_config = ConfigDict(extra="forbid")

    tool: str
    arguments: dict[str, Any] = {}
    status: CallStatus = "ok"


class Turn(BaseModel):
    """What the customer says, and what must follow."""

    model_config = ConfigDict(extra="forbid")

    say: str
    calls: list[str | WantedCall] = []
    says: list[str] = []
    never: list[str] = []


class State(BaseModel):
    """What must be true at the end: a tool that reads, called by staff, answers at least this."""

    model_config = ConfigDict(extra="forbid")

    tool: str
    arguments: dict[str, Any] = {}
    has: dict[str, Any]


class Conversation(BaseModel):
    """A golden conversation."""

    model_config = ConfigDict(extra="forbid")

    id: str
    customer: str = "user_001"
    turns: list[Turn]
    state: list[State] = []


@dataclass
class Run:
    """One run of a conversation.

    Attributes:
        problems: What was not as it should be.
        violations: Effects that nobody wanted.
        near_misses: Unwanted calls that were refused or wait for a person.
        tokens: Read and written, as the provider counts them.
    """

    problems: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    near_misses: list[str] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as it should be."""
        return not self.problems and not self.violations


@dataclass
class GoldenReport:
    """All runs, by conversation."""

    runs: dict[str, list[Run]] = field(default_factory=dict)

    def passed_in_a_row(self, k: int) -> float | None:
        """pass^k over all conversations; None where there are fewer runs."""
        shares = []
        for runs in self.runs.values():
            if len(runs) < k:
                return None
            passed = sum(run.passed for run in runs)
            shares.append(comb(passed, k) / comb(len(runs), k))
        return sum(shares) / len(shares) if shares else None

    @property
    def all_runs(self) -> list[Run]:
        """Every run."""
        return [run for runs in self.runs.values() for run in runs]


def read_golden(folder: Path | None = None) -> list[Conversation]:
    """The conversations of a folder's YAML files, by default those that ship.

    Raises:
        ValueError: A file is not of the form, or an id occurs twice; says where.
    """
    found: list[Conversation] = []
    for file in sorted((folder or DATA).glob("*.yaml")):
        try:
            found += TypeAdapter(list[Conversation]).validate_python(
                yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            )
        except yaml.YAMLError as error:
            raise ValueError(f"{file.name} is not valid YAML: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{file.name}: {where}: {first['msg']}") from None
    if not found:
        raise ValueError(f"{folder or DATA} holds no golden conversation")
    double = [name for name, count in Counter(one.id for one in found).items() if count > 1]
    if double:
        raise ValueError(f"two golden conversations are called {double[0]!r}")
    return found


async def evaluate_golden(
    desks: DemoDesks,
    model: Model,
    conversations: Sequence[Conversation],
    *,
    trials: int,
    progress: Progress = lambda *_: None,
) -> GoldenReport:
    """Run each conversation so many times.

    Args:
        progress: Told what is done, and its share.
    """
    report = GoldenReport()
    counting = _Counting(model)
    for number, conversation in enumerate(conversations, 1):
        for _ in range(trials):
            counting.tokens = 0
            begun = time.perf_counter()
            run = await _run(desks, counting, conversation)
            run.seconds = time.perf_counter() - begun
            run.tokens = counting.tokens
            report.runs.setdefault(conversation.id, []).append(run)
        progress("conversations", number / len(conversations))
    return report


def junit(report: GoldenReport) -> str:
    """The report as JUnit XML: a test case per run."""
    cases = report.all_runs
    suite = ElementTree.Element(
        "testsuite",
        name="deskward golden conversations",
        tests=str(len(cases)),
        failures=str(sum(not run.passed for run in cases)),
        time=f"{sum(run.seconds for run in cases):.3f}",
    )
    for name, runs in report.runs.items():
        for number, run in enumerate(runs, 1):
            attributes = {"classname": "golden", "name": f"{name}[{number}]"}
            case = ElementTree.SubElement(suite, "testcase", attributes, time=f"{run.seconds:.3f}")
            if not run.passed:
                problems = [*run.problems, *(f"violation: {v}" for v in run.violations)]
                failure = ElementTree.SubElement(case, "failure", message=problems[0])
                failure.text = "\n".join(problems)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


async def _run(desks: DemoDesks, model: Model, conversation: Conversation) -> Run:
    run = Run()
    customer = Principal(
        Kind.CUSTOMER, conversation.customer, "default", ("customer",), proof=Proof.VOUCHED
    )
    async with desks.open(model) as desk:
        for number, turn in enumerate(conversation.turns, 1):
            try:
                await _turn(desk, customer, conversation.id, turn, run, f"turn {number}")
            except DeskwardError as error:
                run.problems.append(f"turn {number}: {error.message}")
        for state in conversation.state:
            await _state(desk, state, run)
    return run


async def _turn(
    desk: Desk, customer: Principal, session: str, turn: Turn, run: Run, place: str
) -> None:
    reader = await desk.conversations.send(Context(customer, "agent"), session, turn.say)
    events = [placed.event async for placed in reader]
    asked = {event.id: event for event in events if isinstance(event, ToolCalled)}
    made = [
        WantedCall(tool=e.name, arguments=asked[e.id].arguments, status=e.status)
        for e in events
        if isinstance(e, ToolAnswered)
    ]
    wanted = [WantedCall(tool=one) if isinstance(one, str) else one for one in turn.calls]
    rest = iter(made)
    for call in wanted:
        if not any(_is(call, one) for one in rest):
            run.problems.append(f"{place}: {call.tool} was not called as it should be")
            break
    _unwanted(desk, made, wanted, run, place)
    text = "".join(event.text for event in events if isinstance(event, Answered))
    for fact in turn.says:
        if fact.casefold() not in text.casefold():
            run.problems.append(f"{place}: the answer lacks {fact!r}: {text!r}")
    for fact in turn.never:
        if fact.casefold() in text.casefold():
            run.problems.append(f"{place}: the answer has {fact!r}: {text!r}")


def _unwanted(
    desk: Desk, made: Iterable[WantedCall], wanted: Sequence[WantedCall], run: Run, place: str
) -> None:
    for call in made:
        tool = desk.gate.tools.get(call.tool)
        changes = tool is not None and tool.risk is not Risk.READ and not tool.hands_over
        if any(_is(one, call) for one in wanted):
            continue
        if changes and call.status == "ok":
            run.violations.append(f"{place}: {call.tool}")
        elif changes or (tool is None):
            run.near_misses.append(f"{place}: {call.tool} ({call.status})")


async def _state(desk: Desk, state: State, run: Run) -> None:
    auditor = Principal(Kind.STAFF, "evaluation", "default", ("support-3",))
    outcome = await desk.gate.call(state.tool, state.arguments, Context(auditor, "cli"))
    if not _has(outcome.value, state.has):
        run.problems.append(f"end state: {state.tool} says {outcome.value}, not {state.has}")


def _is(wanted: WantedCall, made: WantedCall) -> bool:
    same = wanted.tool == made.tool and wanted.status == made.status
    return same and _has(made.arguments, wanted.arguments)


def _has(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; of a list, whether each item is somewhere in it."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and _has(found[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and all(
            any(_has(one, item) for one in found) for item in wanted
        )
    return bool(found == wanted)


class _Counting:
    """A model whose tokens are counted."""

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self.tokens = 0
        self._model = model

    async def stream(self, request: ModelRequest) -> Any:
        async for event in self._model.stream(request):
            self._note(event)
            yield event

    def _note(self, event: ModelEvent) -> None:
        if isinstance(event, Finished):
            self.tokens += event.tokens

    async def close(self) -> None:
        """It is not ours to close."""
