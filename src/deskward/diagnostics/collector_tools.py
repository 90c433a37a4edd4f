"""The tools of collectors: programs that look from a customer's machine, and send what they saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from deskward.core.database import Connection
from deskward.core.errors import Conflict
from deskward.core.locking import locking
from deskward.diagnostics import service as sessions
from deskward.diagnostics.collecting import service
from deskward.diagnostics.collecting.making import (
    Collecting,
    address,
    asked_of,
    digest,
    parted,
    program,
)
from deskward.diagnostics.collecting.models import CollectedReceipt, MadeCollector, SessionRuns
from deskward.diagnostics.context import environment
from deskward.diagnostics.context import service as context
from deskward.diagnostics.models import SessionId
from deskward.diagnostics.service import Session
from deskward.diagnostics.session_facts import diagnosis_facts
from deskward.diagnostics.suite_tools import SuiteName
from deskward.diagnostics.suite_tools import tools as tools
from deskward.diagnostics.suites.loading import Suites
from deskward.diagnostics.suites.models import test_runs
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import Risk

CollectorId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a collector.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/collectors",
    facts=diagnosis_facts,
)
async def make_collector(
    ctx: Context, session_id: SessionId, test_suite: SuiteName = "network"
) -> MadeCollector:
    """Make a program that looks from the customer's own machine, for one session and one suite.

    It is one file for Python 3.8 or newer. It shows what it will send before it does, sends once,
    and only if whoever runs it agrees; what it saw is then evidence of the session.

    Args:
        session_id: The session.
        test_suite: The suite; `suite.test` for one test of it.
    """
    collecting = ctx.port(Collecting)
    to = address(collecting.url)
    suite, tests = ctx.port(Suites).wanted(test_suite)
    session = await sessions.get(ctx.db, ctx.tenant, session_id)
    made, left = parted(tests, await _values(ctx.db, ctx.tenant, session))
    if not made:
        told = " ".join(f"{name}: {why}" for name, why in left.items())
        raise Conflict(f"A collector can make none of the tests of {test_suite}. {told}")
    collector_id, token, expires_at = await service.make(
        ctx.db, ctx.tenant, session, suite.suite, made, ctx.principal.label, collecting
    )
    plan = {
        "collector": collector_id,
        "session": session.id,
        "suite": suite.suite,
        "title": suite.title,
        "to": to,
        "token": token,
        "tests": [asked for one in made if (asked := asked_of(one)) is not None],
    }
    file = program(plan, collecting.signer)
    return MadeCollector(
        collector_id=collector_id,
        session_id=session.id,
        suite=suite.suite,
        file_name=f"deskward-collector-{session.id}.py",
        program=file.decode("ascii"),
        sha256=digest(file),
        signed_by=collecting.signer.public_key,
        looks_at=[one.id for one in made],
        leaves_out=[f"{name}: {why}" for name, why in left.items()],
        expires_at=expires_at,
    )


@tools.tool(
    scope="diagnostics:read",
    risk=Risk.READ,
    rest="GET /diagnostics/{session_id}/runs",
    facts=diagnosis_facts,
    keeps_secrets=False,
)
async def list_diagnostic_runs(ctx: Context, session_id: SessionId) -> SessionRuns:
    """List the runs of tests of a diagnostic session, the newest first, with who has looked.

    Args:
        session_id: The session.
    """
    await sessions.get(ctx.db, ctx.tenant, session_id)
    return SessionRuns(
        session_id=session_id, runs=await service.runs(ctx.db, ctx.tenant, session_id)
    )


@tools.tool(scope="diagnostics:collected", risk=Risk.WRITE, rest=None)
async def take_collected(
    ctx: Context,
    collector_id: CollectorId,
    elapsed: Annotated[int, Field(ge=-1)],
    sha256: Annotated[str, Field(max_length=64)],
) -> CollectedReceipt:
    """Take what a collector has sent, as evidence of its session. What it is was signed.

    Args:
        collector_id: The collector.
        elapsed: Seconds since it was seen.
        sha256: Of what was sent.
    """
    body: bytes = ctx.carried
    # To judge what was sent may take long: the transaction begins behind that.
    reader = ctx.port(Gate).database.reader
    row = await service.row_of(reader, ctx.tenant, collector_id)
    service.require_usable(row, elapsed)
    sent = service.read(row, body)
    suite, _ = ctx.port(Suites).wanted(row.suite)
    session = await sessions.get(reader, ctx.tenant, f"D{row.diagnosis}")
    values = await _values(reader, ctx.tenant, session)
    report = await service.reported(row, suite, sent, elapsed, values)
    await service.use(ctx.db, ctx.tenant, collector_id, elapsed)
    session = await sessions.get(locking(ctx.db), ctx.tenant, session.id)
    service.check(session)
    by = f"collector of {row.made_by}"[:80]
    await ctx.db.execute(test_runs.insert(), service.kept(row, report, ctx.request_id, by))
    if sent.facts:
        await environment.take(ctx.db, ctx.tenant, row.customer_id, "collector", sent.facts)
    return CollectedReceipt(
        run_id=report.run_id, message=f"Thank you. It is with session {session.id} now."
    )


async def _values(db: Connection, tenant: str, session: Session) -> Mapping[str, Any]:
    """What is known of where a session's product runs."""
    circumstances = session.plan.circumstances
    product = await context.product(db, tenant, session.customer_id, session.product)
    return {
        "environment": {**circumstances.environment, "version": circumstances.version},
        "configuration": product.configuration if product is not None else {},
    }
