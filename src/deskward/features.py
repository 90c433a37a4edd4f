"""The features of a desk: the slices that there are, and what the picked ones bring together.

A slice belongs to every desk, or to an example domain (`Slice.domain`): a bank, a shop. A domain is
on with `--demo`, or where DOMAINS names it; of one that is off nothing is offered at any door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import sqlalchemy as sa

from deskward.accounts import slice as accounts
from deskward.agent.claims.check import ClaimCheck
from deskward.agent.offline.skills import GENERAL as GENERAL_SKILLS
from deskward.agent.offline.skills import Skills
from deskward.assist import slice as assist
from deskward.aws import slice as aws
from deskward.complaints import slice as complaints
from deskward.complaints.tools import tools as complaint_tools
from deskward.conversations.acts import acts as session_acts
from deskward.conversations.takeover_tools import takeovers
from deskward.core.database import Connection
from deskward.core.jobs import Records
from deskward.core.settings import Settings
from deskward.customers import slice as customers
from deskward.diagnostics import slice as diagnostics
from deskward.email import slice as email
from deskward.escalation import slice as escalation
from deskward.files import slice as files
from deskward.gate.approval_tools import JOB as APPROVAL
from deskward.gate.approval_tools import RECORD as APPROVAL_RECORD
from deskward.gate.approval_tools import tools as approval_tools
from deskward.gate.catalogue_tools import tools as catalogue_tools
from deskward.gate.ledger_tools import tools as ledger_tools
from deskward.gate.operations import operations
from deskward.gate.policy.engine import GENERAL as GENERAL_POLICIES
from deskward.gate.policy.engine import read
from deskward.gate.readable import Readable
from deskward.gate.reading_tools import tools as reading_tools
from deskward.gate.slice import Slice
from deskward.gate.tool import Risk, Tool, ToolGroup
from deskward.inbox import slice as inbox
from deskward.kafka import slice as kafka
from deskward.knowledge import slice as knowledge
from deskward.notices import slice as notices
from deskward.orders import slice as orders
from deskward.queries import slice as queries
from deskward.queues import slice as queues
from deskward.staff import slice as staff
from deskward.text.finding import Kind
from deskward.tickets import slice as tickets
from deskward.webhooks import slice as webhooks

SLICES: tuple[Slice, ...] = (
    staff.SLICE,
    customers.SLICE,
    accounts.SLICE,
    tickets.SLICE,
    assist.SLICE,
    knowledge.SLICE,
    orders.SLICE,
    complaints.SLICE,
    diagnostics.SLICE,
    queues.SLICE,
    escalation.SLICE,
    files.SLICE,
    email.SLICE,
    inbox.SLICE,
    webhooks.SLICE,
    notices.SLICE,
    queries.SLICE,
    kafka.SLICE,
    aws.SLICE,
)
"""The features that there are. Whatever goes over all of them goes over this list."""


BUNDLES: Mapping[str, tuple[str, ...]] = {
    "support": ("diagnostics", "knowledge", "escalation", "queues"),
    "database": ("queries", "get_customer_context", "search_knowledge_base", "save_interaction"),
}
"""Names of several groups of tools, and of single tools, served as if they were one group; those of
them that there are."""


def served(only: str, group: str, tool: str) -> bool:
    """Whether a tool is among those that a name stands for: a group's, a bundle's, or `all`."""
    return only == "all" or not {group, tool}.isdisjoint(BUNDLES.get(only, (only,)))


@dataclass(frozen=True)
class Features:
    """What some slices bring together."""

    slices: tuple[Slice, ...]

    @cached_property
    def groups(self) -> tuple[ToolGroup, ...]:
        """The groups of tools: theirs, and those of no slice."""
        own = (part.tools for part in self.slices if part.tools is not None)
        general = (
            *(approval_tools, ledger_tools, reading_tools, catalogue_tools),
            *(session_acts, takeovers, operations),
        )
        return (*own, *general)

    @property
    def tools(self) -> list[Tool]:
        """All tools of the groups."""
        return [tool for group in self.groups for tool in group.tools]

    @cached_property
    def readable(self) -> tuple[Readable, ...]:
        """What of their tables people may read in queries of their own."""
        return tuple(each for part in self.slices for each in part.readable)

    @cached_property
    def skills(self) -> tuple[Path, ...]:
        """The folders of the offline skills that ship."""
        return (GENERAL_SKILLS, *(part.skills for part in self.slices if part.skills is not None))

    @cached_property
    def shipped_skills(self) -> Skills:
        """The offline skills that ship; read once in a process."""
        return Skills.load(*self.skills, kinds=self.kinds)

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """The kinds of value that skills may ask for."""
        return {name: kind for part in self.slices for name, kind in part.kinds.items()}

    @cached_property
    def policies(self) -> tuple[Path, ...]:
        """The folders of the policies that ship."""
        own = (part.policies for part in self.slices if part.policies is not None)
        return (GENERAL_POLICIES, *own)

    @cached_property
    def policy_files(self) -> Mapping[str, str]:
        """The policies that ship: name of a file → its text; read once in a process."""
        return read(*self.policies)

    @cached_property
    def records(self) -> Records:
        """Kind of job → the record that is told when a job of it ends without being done."""
        own = {kind: record for part in self.slices for kind, record in part.records.items()}
        return {**own, APPROVAL: APPROVAL_RECORD}

    @cached_property
    def times(self) -> dict[str, float]:
        """Kind of job → seconds that an attempt may take, where that is more than usual."""
        return {kind: seconds for part in self.slices for kind, seconds in part.times.items()}

    @cached_property
    def claims(self) -> ClaimCheck:
        """What replies may claim. It reads and learns when the first reply is to be checked."""
        return ClaimCheck(
            [part.claims for part in self.slices if part.claims is not None],
            writes=[tool.name for tool in self.tools if tool.risk is not Risk.READ],
            examples=Path(__file__).with_name("claimed.txt"),
        )


def domains() -> tuple[str, ...]:
    """The names of the example domains."""
    return tuple(dict.fromkeys(part.domain for part in SLICES if part.domain is not None))


@cache
def features(
    on: frozenset[str],
    groups: frozenset[str] = frozenset(),
    given: frozenset[str] = frozenset(),
) -> Features:
    """What the slices bring that belong to every desk, and those of some domains.

    Args:
        on: The domains.
        groups: Names of groups of tools whose slices are there in any case.
        given: The settings that have a value, of those without which a slice is not there.

    Raises:
        ValueError: There is no such domain.
    """
    if unknown := sorted(on - set(domains())):
        known = ", ".join(domains())
        raise ValueError(f"DOMAINS: there is no domain {unknown[0]!r}; there are {known}")
    return Features(
        tuple(
            part
            for part in SLICES
            if (
                (part.domain is None or part.domain in on)
                and (part.setting is None or part.setting in given)
            )
            or (part.tools is not None and part.tools.name in groups)
        )
    )


def all_features() -> Features:
    """What all slices bring, whatever is on."""
    return features(frozenset(domains()), given=frozenset(_settings()))


def _settings() -> list[str]:
    """The settings without which a slice is not there."""
    return [part.setting for part in SLICES if part.setting is not None]


def features_of(
    settings: Settings,
    *,
    demo: bool = False,
    only: str | None = None,
    also: Iterable[str] = (),
) -> Features:
    """What the slices bring that an operator has picked.

    Args:
        settings: Their choices.
        demo: Whether it is the demo desk, which has all domains.
        only: The one group of tools to serve, or bundle of some. Whoever names it wants it.
        also: Further domains.

    Raises:
        ValueError: There is no such domain, or a setting is missing without which what is wanted
            is nothing.
    """
    on = settings.domains_on.union(domains() if demo else also)
    wanted = set() if only is None else set(BUNDLES.get(only, (only,)))
    if settings.mcp_server.url:  # an outside server's tools take the place of the built-in ones
        wanted.add(complaint_tools.name)
    values = settings.values()
    given = frozenset(name for name in _settings() if values[name])
    for part in SLICES:
        if part.tools and part.tools.name in wanted and part.setting not in (None, *given):
            raise ValueError(
                f"{part.setting}: it is not set, and without it there are no tools of "
                f"`{part.tools.name}`. Set it (.env.example says how)."
            )
    return features(on, frozenset(wanted), given)


async def left_out(db: Connection, on: Features) -> list[str]:
    """The domains of which the database holds records, and which are not all there."""
    found: list[str] = []
    for part in SLICES:
        if part in on.slices or part.domain in (None, *found):
            continue
        if await _any_of(db, part.tables):
            found.append(str(part.domain))
    return found


async def _any_of(db: Connection, tables: Iterable[sa.Table]) -> bool:
    for table in tables:
        if await db.first(sa.select(sa.literal(1)).select_from(table).limit(1)) is not None:
            return True
    return False
