"""Slices: what the folder of a feature brings to the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.jobs import Handler, Record
from deskward.core.worker import Look
from deskward.gate.approvals import Denied
from deskward.gate.call import Gate
from deskward.gate.readable import Readable
from deskward.gate.rotation import Sealed
from deskward.gate.tool import ToolGroup
from deskward.text.finding import Kind

Demo = Callable[[Connection, str, Mapping[str, Any]], Awaitable[None]]
"""Loads a slice's part of a demo tenant: given the transaction, the tenant and its content."""


def _nothing(_gate: Gate) -> Mapping[str, Any]:
    return {}


def _none(_gate: Gate) -> Sequence[Look]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Slice:
    """What the folder of a feature brings. `features.py` lists the slices, nothing else does.

    Attributes:
        domain: The example domain that it is of, and is there with; None for every desk's own.
        setting: The setting without which it is not there, because its tools would speak to nobody.
        tools: Its tools, where it has any.
        tables: Its tables.
        jobs: Makes the handlers of its jobs: kind of job → handler.
        times: Kind of job → seconds that an attempt may take, where that is more than usual.
        records: Kind of job → the record that learns when a job of it is given up.
        looks: Makes what sees whether there is work that has no job yet.
        sealed: Its tables that have something under the desk's secret key.
        denied: Makes what is done once a person has denied a call: tool → what is done.
        skills: The folder of its offline skills.
        kinds: The kinds of value that its skills ask for: name → kind.
        claims: The file that says what calls of its tools make true, and how that is said.
        policies: The folder of its policies, the scopes that roles get, and their truth tables.
        demo: Loads its part of a demo tenant.
        readable: What of its tables people may read in queries of their own.
    """

    domain: str | None = None
    setting: str | None = None
    tools: ToolGroup | None = None
    tables: tuple[sa.Table, ...] = ()
    jobs: Callable[[Gate], Mapping[str, Handler]] = _nothing
    times: Mapping[str, float] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)
    looks: Callable[[Gate], Sequence[Look]] = _none
    sealed: tuple[Sealed, ...] = ()
    denied: Callable[[Gate], Mapping[str, Denied]] = _nothing
    skills: Path | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    claims: Path | None = None
    policies: Path | None = None
    demo: Demo | None = None
    readable: tuple[Readable, ...] = ()
