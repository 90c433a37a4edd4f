"""Where a customer's product runs: each fact with who has told it, when, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import Connection, metadata, now
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, JOINED, MACHINES, OWNER, VALUE
from deskward.core.veil import veiled
from deskward.core.written import Ours, Written

Method = Literal["api", "user_agent", "collector", "declared"]
Value = str | int | float | bool

environment_facts = sa.Table(
    "environment_facts",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("method", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("value", sa.JSON, nullable=False, info=VALUE),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    info={JOINED: True, MACHINES: ("value",)},
)
"""The newest that each method has told."""

MOST = 100
"""Facts of a customer by one method."""
CONFIDENCE: Mapping[str, float] = {
    "collector": 0.95,  # read on the machine itself
    "api": 0.9,  # a system's record, which may be behind
    "user_agent": 0.7,  # browsers freeze parts of it, and anybody can send any
    "declared": 0.6,  # people tell what they remember
}
"""How sure a fact is by how it was told; the order is what counts."""


class EnvironmentFact(BaseModel):
    """What is known of where a customer's product runs."""

    name: Ours = Field(examples=["os"])
    value: Annotated[Value, Written(by=("customer", "outside"))] = Field(examples=["windows"])
    method: Method = Field(description="How it was found out.")
    source: Ours = Field(description="Who has told it.", examples=["desk"])
    seen_at: datetime
    confidence: float = Field(ge=0, le=1)


class Conflicting(BaseModel):
    """Facts of one name that do not agree."""

    name: Ours
    values: list[EnvironmentFact] = Field(description="The surest first.")


class CustomerEnvironment(BaseModel):
    """Where a customer's product runs, as far as a method tells."""

    customer_id: Ours
    detection_method: Method
    facts: list[EnvironmentFact] = Field(description="What this method has found out.")
    conflicts: list[Conflicting] = Field(
        description="Where it does not agree with what others have told."
    )
    complete: bool = Field(description="Whether every system that was asked has answered.")


class EnvironmentReceipt(BaseModel):
    """The receipt of facts that were told."""

    customer_id: Ours
    facts: int = Field(description="How many were taken down.")
    message: Ours


@dataclass(frozen=True)
class Fact:
    """A fact before it is shown."""

    name: str
    value: Value
    method: Method
    source: str
    seen_at: datetime
    confidence: float

    def shown(self) -> EnvironmentFact:
        """As it is shown: what is secret by its name is masked."""
        told = {**vars(self), "value": veiled({self.name: self.value})[self.name]}
        return EnvironmentFact(**told)


async def on_record(db: Connection, tenant: str, customer_id: str) -> list[Fact]:
    """What was told of a customer's environment."""
    table = environment_facts.c
    rows = await db.all(
        sa.select(environment_facts)
        .where(table.tenant_id == tenant, table.customer_id == customer_id)
        .order_by(table.name, table.method)
    )
    return [
        Fact(row.name, row.value, row.method, "desk", row.seen_at, CONFIDENCE[row.method])
        for row in rows
    ]


async def take(
    db: Connection, tenant: str, customer_id: str, method: Method, told: Mapping[str, Value]
) -> None:
    """Take facts down; those of the same method and name are told anew."""
    table = environment_facts.c
    here = (table.tenant_id == tenant, table.customer_id == customer_id, table.method == method)
    await db.execute(sa.delete(environment_facts).where(*here, table.name.in_(list(told))))
    rows = await db.all(sa.select(table.name).where(*here).order_by(table.seen_at))
    for row in rows[: max(0, len(rows) + len(told) - MOST)]:  # the oldest make room
        await db.execute(sa.delete(environment_facts).where(*here, table.name == row.name))
    moment = now()
    for name, value in told.items():
        fact = {"name": name, "value": value, "seen_at": moment}
        key = {"tenant_id": tenant, "customer_id": customer_id, "method": method}
        await db.execute(environment_facts.insert(), {**key, **fact})


def of_user_agent(text: str) -> dict[str, Value]:
    """What a browser says of itself (ua-parser's rules); what it does not know is left out."""
    import ua_parser  # its rules take some time to load, and few desks need them

    found = ua_parser.parse(text)
    told: dict[str, Value] = {}
    if (agent := found.user_agent) is not None:
        told["browser"] = agent.family.casefold()
        told["browser_version"] = _version(agent.major, agent.minor)
    if (system := found.os) is not None:
        told["os"] = _SYSTEMS.get(system.family, system.family.casefold())
        told["os_version"] = _version(system.major, system.minor)
    if found.device is not None and found.device.family not in ("Other", "Mac"):
        told["device"] = found.device.family
    return {name: value for name, value in told.items() if value != ""}


_SYSTEMS = {"Mac OS X": "macos", "Chrome OS": "chromeos"}


def _version(major: str | None, minor: str | None) -> str:
    return ".".join(filter(None, (major, minor)))


def conflicts_of(facts: Iterable[Fact]) -> list[Conflicting]:
    """The names of which not all tell the same, each with what is told, the surest first."""
    by_name: dict[str, list[Fact]] = {}
    for one in facts:
        by_name.setdefault(one.name, []).append(one)
    return [
        Conflicting(name=name, values=[one.shown() for one in _surest(told)])
        for name, told in sorted(by_name.items())
        if len({_plain(one.value) for one in told}) > 1
    ]


def best(facts: Sequence[Fact]) -> dict[str, Value]:
    """Name → the surest value; of equally sure ones the newest."""
    found: dict[str, Value] = {}
    for one in _surest(facts):
        found.setdefault(one.name, one.value)
    return found


def _surest(facts: Sequence[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda one: (one.confidence, one.seen_at), reverse=True)


def _plain(value: Any) -> str:
    return str(value).strip().casefold()


METHODS: tuple[Method, ...] = get_args(Method)
