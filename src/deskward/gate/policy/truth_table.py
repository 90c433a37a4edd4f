"""Truth tables: what policies must say, case by case, in YAML that an operator can read.

    - case: a refund by tier 1
      tool: refund_order
      as: { kind: staff, roles: [support] }
      facts: { record.currency: USD }
      expect: { record.amount: { 4999: allow, 5000: allow, 5001: ask } }

`facts` are the call's facts (`facts_of`), addressed with dots; those that are not given have
harmless values: an untainted call at noon on a Wednesday, the first of the day, of which the model
is sure. `expect` is a verdict, or a fact with the verdict for each of its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deskward.core.marked_yaml import plain_yaml
from deskward.gate.counters import WHOSE, Facts
from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.security.principals import Kind, Principal, Proof

TESTS = "tests"
"""The folder of truth tables, inside that of the policies."""

HARMLESS: dict[str, Any] = {
    "door": "rest",
    "args": {},
    "taint": [],
    "tainted": False,
    "own_words": False,
    "confirmed": False,
    "unsure": False,
    "about_known": True,
    "weekday": 3,
    "minute": 720,
    "doubts": [],
}


class Caller(BaseModel):
    """Who calls."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    roles: tuple[str, ...]
    id: str = "somebody"
    tenant: str = "default"
    agent: str | None = None
    via: str | None = None
    proof: Proof = Proof.CREDENTIAL


class Case(BaseModel):
    """One row of a table, or several that differ in one fact."""

    model_config = ConfigDict(extra="forbid")

    case: str
    tool: str
    caller: Caller = Field(alias="as")
    facts: dict[str, Any] = {}
    expect: Verdict | dict[str, dict[Any, Verdict]]
    policy: str | None = None
    """The `@id` that must be among those that decided, where the verdict is not `allow`."""


@dataclass(frozen=True)
class Row:
    """One row of a table, and what the policies said."""

    name: str
    expected: Verdict
    decision: Decision
    policy: str | None

    @property
    def passed(self) -> bool:
        """Whether the policies said what the table does."""
        named = self.policy is None or self.expected is Verdict.ALLOW
        right = self.decision.verdict is self.expected and not self.decision.errors
        return right and (named or self.policy in self.decision.policies)


_FORM = TypeAdapter(list[Case])


def read_tables(*folders: Path) -> list[Case]:
    """The cases of folders of policies.

    Raises:
        ValueError: A table is not of the form; says where.
    """
    cases: list[Case] = []
    for file in sorted(file for folder in folders for file in (folder / TESTS).glob("*.yaml")):
        try:
            cases += _FORM.validate_python(plain_yaml(file.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{file.name}: {where}: {first['msg']}") from None
        except (yaml.YAMLError, ValueError) as error:
            raise ValueError(f"{file.name} is not valid YAML: {error}") from None
    return cases


@dataclass(frozen=True)
class Question:
    """One row of a table, before the policies are asked."""

    name: str
    case: Case
    changed: Mapping[str, Any]
    """What differs from the case's own facts."""
    expected: Verdict

    def ask(self, policy: Policy) -> Row:
        """Ask the policies."""
        given = {**self.case.facts, **self.changed}
        facts = _merged({**HARMLESS, "args": {}, "today": _this_call()}, given)
        principal = Principal(**self.case.caller.model_dump())
        decision = policy.judge_named(self.case.tool, principal, facts)
        return Row(self.name, self.expected, decision, self.case.policy)


def questions(cases: Iterable[Case]) -> Iterator[Question]:
    """The rows of the tables, of which a case may be several."""
    for case in cases:
        for name, changed, expected in _variants(case):
            yield Question(name, case, changed, expected)


def run_tables(policy: Policy, cases: Iterable[Case]) -> Iterator[Row]:
    """Ask the policies about every case."""
    return (question.ask(policy) for question in questions(cases))


def _this_call() -> Facts:
    """A day on which nothing else was done."""
    return {whose: {"count": 1, "amount": 0} for whose in WHOSE}


def _variants(case: Case) -> Iterator[tuple[str, dict[str, Any], Verdict]]:
    if isinstance(case.expect, str):
        yield case.case, {}, case.expect
        return
    for fact, verdicts in case.expect.items():
        for value, verdict in verdicts.items():
            yield f"{case.case}, {fact} = {value}", {fact: value}, verdict


def _merged(facts: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with those at dotted addresses changed."""
    for address, value in changes.items():
        *path, last = address.split(".")
        part = facts
        for name in path:
            part = part.setdefault(name, {})
        part[last] = value
    return facts
