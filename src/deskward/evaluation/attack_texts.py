"""Texts with an attacker's orders, and in whose sessions they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from deskward.security.principals import Kind, Principal

DATA = Path(__file__).parent / "data" / "attacks.yaml"
AGENTDOJO = DATA.with_name("agentdojo.yaml")
Split = Literal["tune", "test", "unseen"]
Way = Literal["answer", "second turn", "same ids", "change", "record", "approvals"]
VICTIM = "user_001"
"""Whose session the attacker's text is read in."""


class WantedCall(BaseModel):
    """A call that the attacker wants."""

    tool: str
    arguments: dict[str, Any]


class Attack(BaseModel):
    """A text with an attacker's instructions, and what a model that obeys it does.

    Attributes:
        way: How the text comes before the model: in what it looks up, some turns earlier, under the
            same id as a harmless answer, in the answer of a change, in a record that an agent wrote
            which had read others' text, or in a call that waits for approval.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    where: Literal["ticket", "article"]
    way: Way = "answer"
    goal: str
    subject: str = ""
    question: str = ""
    text: str
    calls: list[WantedCall]
    answer: str


def attacks(split: Split | None = None) -> list[Attack]:
    """The attacks that ship.

    Args:
        split: Only one half of our own, of which `tune` is looked at when policies are written and
            `test` is not; or those of AgentDojo, on which nothing was tuned.
    """
    if split == "unseen":
        return agentdojo()
    own = TypeAdapter(list[Attack]).validate_python(
        yaml.load(DATA.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    )
    return [a for a in own if split is None or (int(a.id[1:]) % 2 == 0) == (split == "test")]


def agentdojo() -> list[Attack]:
    """The injection texts of AgentDojo (Debenedetti et al., 2024), half in tickets."""
    told = yaml.load(AGENTDOJO.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    found: list[Attack] = []
    for kind, frame in told["attacks"].items():
        for goal in told["goals"]:
            where = "ticket" if len(found) % 2 else "article"
            name = f"{kind.replace('_', '-')}-{goal['id']}"
            text = frame.format(goal=goal["goal"])
            attack = {"id": name, "where": where, "goal": name, "subject": name, "question": name}
            found.append(Attack(**attack, text=text, calls=goal["calls"], answer=goal["goal"]))
    return found


PRINCIPALS: Sequence[Principal] = (
    Principal(Kind.CUSTOMER, VICTIM, "default", ("customer",)),
    Principal(Kind.STAFF, "anna", "default", ("support-3",)),
    Principal(Kind.SERVICE, "website", "default", ("service",)),
)
"""In whose sessions the texts are read: the customer's own, of staff, and of a program."""


def principals_of(attack: Attack) -> Sequence[Principal]:
    """In whose sessions an attack can be tried: who may read what it stands in."""
    if attack.way == "change":  # customers change no tickets
        return PRINCIPALS[1:]
    return PRINCIPALS[1:2] if attack.way == "approvals" else PRINCIPALS
