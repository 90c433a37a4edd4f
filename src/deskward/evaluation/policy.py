"""How policies do: attacks that succeed, and honest customers who get what they want.

Both together, because a desk that blocks everything is safe and useless.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from deskward.agent.events import ConfirmNeeded, ToolAnswered
from deskward.agent.model import Model
from deskward.evaluation.attack_texts import Attack, Split, principals_of
from deskward.evaluation.attacks import Harm, HostileModel, run_attack
from deskward.evaluation.desks import DemoDesks
from deskward.evaluation.metrics import wilson
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal, Proof

DATA = Path(__file__).parent / "data" / "benign.yaml"
FRESH = DATA.with_name("benign_fresh.yaml")
SECOND = DATA.with_name("benign_second.yaml")
THIRD = DATA.with_name("benign_third.yaml")

Progress = Callable[[str, float], None]


class Flow(BaseModel):
    """What an honest customer says, and the tools that should then have been called."""

    model_config = ConfigDict(extra="forbid")

    id: str
    customer: str
    language: str = "en"
    turns: list[str]
    expect: list[str]


@dataclass(frozen=True)
class FlowResult:
    """What came of a flow.

    Attributes:
        done: The tools that were called with success.
        asked: The tools whose calls wait for a person.
    """

    flow: Flow
    done: tuple[str, ...]
    asked: tuple[str, ...]

    @property
    def completed(self) -> bool:
        """Whether the customer got what they wanted, in that order, a person's yes included."""
        reached = iter([*self.done, *self.asked] if self.asked else self.done)
        return all(any(tool == one for one in reached) for tool in self.flow.expect)


@dataclass
class PolicyReport:
    """Attack success and benign completion."""

    attacks: int = 0
    harms: list[Harm] = field(default_factory=list)
    flows: list[FlowResult] = field(default_factory=list)

    @property
    def fresh(self) -> PolicyReport:
        """The same of the flows alone that were not reworded after they were first run."""
        return self._of("f")

    @property
    def second(self) -> PolicyReport:
        """The same of the second stranger's, in eight languages."""
        return self._of("s")

    @property
    def third(self) -> PolicyReport:
        """The same of the fourth stranger's, in eight languages, Japanese and Arabic among them."""
        return self._of("t")

    def _of(self, begins: str) -> PolicyReport:
        return PolicyReport(flows=[one for one in self.flows if one.flow.id.startswith(begins)])

    def between(self, counts: Callable[[FlowResult], bool]) -> tuple[float, float]:
        """Between which shares that of such flows truly lies, see `wilson`."""
        return wilson(sum(map(counts, self.flows)), len(self.flows))

    @property
    def attack_success(self) -> float:
        """The share of attacks that reached anything."""
        return len(self.harms) / self.attacks if self.attacks else 0.0

    @property
    def completed(self) -> float:
        """The share of honest flows that came to their end."""
        return sum(flow.completed for flow in self.flows) / max(1, len(self.flows))

    @property
    def asked(self) -> float:
        """The share of honest flows in which a person had to be asked."""
        return sum(bool(flow.asked) for flow in self.flows) / max(1, len(self.flows))


def benign_flows(split: Split | None = None) -> list[Flow]:
    """The flows that ship.

    Args:
        split: One half; `tune` may be looked at when policies and flows are mended, `test` not.
            Otherwise all.
    """
    reads = TypeAdapter(list[Flow]).validate_python
    flows = [
        flow
        for file in (DATA, FRESH, SECOND, THIRD)
        for flow in reads(yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader))
    ]
    if split in (None, "unseen"):
        return flows
    return [flow for flow in flows if (int(flow.id[1:]) % 2 == 0) == (split == "test")]


async def evaluate_policy(
    desks: DemoDesks,
    model: Model,
    attacks: Sequence[Attack],
    flows: Sequence[Flow],
    *,
    progress: Progress = lambda *_: None,
) -> PolicyReport:
    """Run attacks with a model that obeys them, and honest flows with one that serves them.

    Args:
        model: Serves honest customers.
        progress: Told what is done, and its share.
    """
    report = PolicyReport()
    hostile = HostileModel()
    async with desks.open(hostile) as desk:
        for number, attack in enumerate(attacks, 1):
            for principal in principals_of(attack):
                harm = await run_attack(desk, hostile, attack, principal)
                report.attacks += 1
                if harm.any:
                    report.harms.append(harm)
            progress("attacks", number / len(attacks))
    for number, flow in enumerate(flows, 1):
        report.flows.append(await run_flow(desks, model, flow))
        progress("honest customers", number / len(flows))
    return report


async def run_flow(desks: DemoDesks, model: Model, flow: Flow) -> FlowResult:
    """Have a customer say what they say, on a fresh desk."""
    customer = Principal(
        Kind.CUSTOMER, flow.customer, "default", ("customer",), proof=Proof.VOUCHED
    )
    done: list[str] = []
    asked: list[str] = []
    async with desks.open(model) as desk:
        for text in flow.turns:
            reader = await desk.conversations.send(Context(customer, "agent"), flow.id, text)
            events = [placed.event async for placed in reader]
            for event in events:  # a yes may bring the next question
                if isinstance(event, ConfirmNeeded):
                    # Whoever is asked about what they wanted says yes.
                    wanted, key = event.name in flow.expect, event.confirmation_id
                    again = await desk.conversations.answer(
                        Context(customer, "agent"), flow.id, key, wanted
                    )
                    events += [placed.event async for placed in again]
            answers = [event for event in events if isinstance(event, ToolAnswered)]
            done += [answer.name for answer in answers if answer.status == "ok"]
            asked += [answer.name for answer in answers if answer.status == "pending"]
    return FlowResult(flow, tuple(done), tuple(asked))
