"""Runs of tests, and where they may go: rules and queries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.ids import new_id
from deskward.diagnostics.suites.models import TestTarget, test_runs, test_targets
from deskward.diagnostics.suites.reach import Target

MOST_TARGETS = 1_000
_TARGETS = (
    sa.select(test_targets)
    .where(test_targets.c.tenant_id == sa.bindparam("tenant"))
    .order_by(test_targets.c.target)
)
_RUN = sa.select(test_runs).where(
    test_runs.c.tenant_id == sa.bindparam("tenant"), test_runs.c.id == sa.bindparam("id")
)


async def targets(db: Connection, tenant: str) -> list[Target]:
    """Where a tenant's tests may go."""
    rows = await db.all(_TARGETS, tenant=tenant)
    return [Target.parse(row.target, row.ports) for row in rows]


async def listed(db: Connection, tenant: str) -> list[TestTarget]:
    """Where a tenant's tests may go, as it is shown."""
    rows = await db.all(_TARGETS, tenant=tenant)
    return [
        TestTarget(
            target_id=row.id,
            target=row.target,
            ports=row.ports,
            added_by=row.added_by,
            added_at=row.added_at,
        )
        for row in rows
    ]


async def allow(
    db: Connection, tenant: str, text: str, ports: list[int], by: str
) -> tuple[str, Target]:
    """Let tests go somewhere; of a target that is there already only the ports are changed.

    Raises:
        Conflict: It is neither a host nor a network, or there are too many.
    """
    target = parsed(text, ports)
    here = test_targets.c.tenant_id == tenant
    known = await db.first(
        sa.select(test_targets.c.id)
        .where(here, test_targets.c.target == str(target))
        .with_for_update()
    )
    if known is not None:
        changed = sa.update(test_targets).where(here, test_targets.c.id == known.id)
        await db.execute(changed.values(ports=sorted(target.ports)))
        return str(known.id), target
    count = await db.first(sa.select(sa.func.count()).select_from(test_targets).where(here))
    if count is not None and count[0] >= MOST_TARGETS:
        raise Conflict(f"`target`: a tenant may name {MOST_TARGETS:,} targets. Remove some.")
    target_id = new_id()
    row = {
        "tenant_id": tenant,
        "id": target_id,
        "target": str(target),
        "ports": sorted(target.ports),
        "added_by": by,
        "added_at": now(),
    }
    await db.execute(test_targets.insert(), row)
    return target_id, target


def parsed(text: str, ports: list[int]) -> Target:
    """The target that a text names.

    Raises:
        Conflict: It is neither a host nor a network.
    """
    try:
        return Target.parse(text, ports)
    except ValueError:
        raise Conflict(
            f"`target`: {text} is neither a host such as api.example.com nor a network such as "
            "10.1.0.0/16."
        ) from None


async def remove(db: Connection, tenant: str, target_id: str) -> str:
    """Let tests go somewhere no longer; gives what it was.

    Raises:
        NotFound: The tenant has no such target.
    """
    here = (test_targets.c.tenant_id == tenant) & (test_targets.c.id == target_id)
    row = await db.first(sa.select(test_targets.c.target).where(here).with_for_update())
    if row is None:
        raise NotFound("test target", target_id)
    await db.execute(sa.delete(test_targets).where(here))
    return str(row.target)


async def run(db: Connection, tenant: str, run_id: str) -> sa.Row[Any]:
    """A run of tests.

    Raises:
        NotFound: The tenant has no such run.
    """
    row = await db.first(_RUN, tenant=tenant, id=run_id)
    if row is None:
        raise NotFound("test run", run_id)
    return row
