"""Collectors and what they send: rules and queries."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, Forbidden, InvalidInput, TimeLimitExceeded
from deskward.core.foreign_json import TooMuchJson, read_json
from deskward.core.ids import new_id
from deskward.core.locking import locking
from deskward.diagnostics.collecting.making import Collecting, token_of
from deskward.diagnostics.collecting.models import Collected, SessionRun, collectors
from deskward.diagnostics.context.environment import CONFIDENCE
from deskward.diagnostics.service import Session
from deskward.diagnostics.suites.inside import compared
from deskward.diagnostics.suites.judging import judged
from deskward.diagnostics.suites.models import test_runs
from deskward.diagnostics.suites.report import Outcome, TestReport, TestResult
from deskward.diagnostics.suites.running import result_of, target_of
from deskward.diagnostics.suites.suite import SEEN, Clock, Suite, Test

MOST_OPEN = 10
"""Collectors of a session that can still be used."""
MOST_RUNS = 50
"""Runs of a session that are listed, or looked through for a test, the newest."""
OLD = 900
"""Seconds after which what was seen is too old to be sent."""
LATELY = timedelta(hours=1)
"""How long what was seen on a customer's machine answers steps: much may be mended since."""
SLACK = 5
"""Seconds by which the counting of two machines may differ."""
TAKEN = ("open", "paused", "to_confirm", "handed_over")
"""States of a session in which more evidence is of use."""
_TESTS: TypeAdapter[list[Test]] = TypeAdapter(list[Test])
_BY_ID = sa.select(collectors).where(collectors.c.id == sa.bindparam("id"))
_OF_TENANT = _BY_ID.where(collectors.c.tenant_id == sa.bindparam("tenant"))


async def make(
    db: Connection,
    tenant: str,
    session: Session,
    suite: str,
    tests: Sequence[Test],
    by: str,
    collecting: Collecting,
) -> tuple[str, str, datetime]:
    """Have a collector of a session on record: its id, its token, and when it ends.

    Raises:
        Conflict: The session has ended, or has too many of them.
    """
    check(session)
    moment = now()
    table, number = collectors.c, int(session.id[1:])
    usable = (table.diagnosis == number) & table.used_at.is_(None) & (table.expires_at > moment)
    count = await db.first(
        sa.select(sa.func.count()).select_from(collectors).where(table.tenant_id == tenant, usable)
    )
    if count is not None and count[0] >= MOST_OPEN:
        raise Conflict(f"Session {session.id} has {MOST_OPEN} collectors that nobody has used yet.")
    collector_id, secret = new_id(), secrets.token_bytes(32)
    row = {
        "tenant_id": tenant,
        "id": collector_id,
        "diagnosis": number,
        "customer_id": session.customer_id,
        "suite": suite,
        "tests": _TESTS.dump_python(list(tests), mode="json", by_alias=True),
        "token": collecting.vault.sealed(collector_id, secret),
        "made_by": by,
        "made_at": moment,
        "expires_at": moment + collecting.lasts,
    }
    await db.execute(collectors.insert(), row)
    return collector_id, token_of(secret), moment + collecting.lasts


def check(session: Session) -> None:
    """See that more evidence is of use to a session.

    Raises:
        Conflict: It has ended.
    """
    if session.status not in TAKEN:
        raise Conflict(f"Session {session.id} has ended: it is {session.status}.")


async def signed(
    db: Connection, collecting: Collecting, headers: Mapping[str, str], body: bytes
) -> sa.Row[Any] | None:
    """The collector whose token something was signed with; None where none is."""
    named, elapsed = headers.get("x-deskward-collector", ""), elapsed_of(headers)
    row = await db.first(_BY_ID, id=named[:32])
    secret = collecting.vault.opened(row.id, row.token) if row is not None else bytes(32)
    told = f"deskward collected\n{named}\n{elapsed}\n".encode() + body
    wanted = hmac.new(token_of(secret).encode(), told, hashlib.sha256).hexdigest()
    given = headers.get("x-deskward-signature", "")
    same = hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))
    return row if same and row is not None and named == row.id else None


def elapsed_of(headers: Mapping[str, str]) -> int:
    """The seconds that have passed since something was seen; -1 where that is not said."""
    told = headers.get("x-deskward-elapsed", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 8 else -1


async def row_of(db: Connection, tenant: str, collector_id: str) -> sa.Row[Any]:
    """The row of a collector.

    Raises:
        Conflict: It is not there any more.
    """
    row = await db.first(_OF_TENANT, id=collector_id, tenant=tenant)
    if row is None:  # its customer was erased since
        raise Conflict("The collector is not there any more.", details={"reason": "gone"})
    return row


def require_usable(row: sa.Row[Any], elapsed: int) -> None:
    """See that a collector can be used.

    Args:
        elapsed: Seconds since it saw what it sends.

    Raises:
        Conflict: It was used, has ended, or what it saw is not of its time.
    """
    moment = now()
    if row.used_at is not None:
        raise Conflict(
            "The collector was used: it sends once. Have another one made.",
            details={"reason": "used"},
        )
    if moment > row.expires_at:
        raise Conflict(
            "The collector has ended. Have another one made.", details={"reason": "expired"}
        )
    seen_at = moment - timedelta(seconds=elapsed)
    if not 0 <= elapsed <= OLD or seen_at < row.made_at - timedelta(seconds=SLACK):
        raise Conflict(
            f"What was seen has to be sent within {OLD // 60} minutes. Run the collector again.",
            details={"reason": "stale"},
        )


async def use(db: Connection, tenant: str, collector_id: str, elapsed: int) -> None:
    """Use a collector, once.

    Raises:
        Conflict: See `require_usable`; or it is not there any more.
    """
    require_usable(await row_of(locking(db), tenant, collector_id), elapsed)
    used = sa.update(collectors).where(
        collectors.c.tenant_id == tenant, collectors.c.id == collector_id
    )
    await db.execute(used.values(used_at=now()))


def read(row: sa.Row[Any], body: bytes) -> Collected:
    """What was sent.

    Raises:
        InvalidInput: It is not of its form, or tells what no such test sees.
        Forbidden: It is of another collector, session or suite.
    """
    try:
        sent = Collected.model_validate(read_json(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:200]
        raise InvalidInput(f"{where}: {first['msg']}." if where else f"{first['msg']}.") from None
    except TooMuchJson as error:
        raise InvalidInput(f"It is not looked at: {error}.") from None
    except ValueError:
        raise InvalidInput("It is no JSON.") from None
    mine = (row.id, f"D{row.diagnosis}", row.suite)
    if (sent.collector, sent.session, sent.suite) != mine:
        raise Forbidden("The collector was made for another session or suite.")
    kinds = {one.id: one.kind for one in tests_of(row)}
    for name, seen in sent.seen.items():
        if name not in kinds:
            raise InvalidInput(f"seen.{name}: the collector has no such test.")
        odd = sorted(seen.keys() - SEEN[kinds[name]])
        if odd:
            raise InvalidInput(f"seen.{name}.{odd[0]}: no test of this kind sees that.")
    return sent


def tests_of(row: sa.Row[Any]) -> list[Test]:
    """The tests of a collector, filled in as they were."""
    return _TESTS.validate_python(row.tests)


async def reported(
    row: sa.Row[Any], suite: Suite, sent: Collected, elapsed: int, values: Mapping[str, Any]
) -> TestReport:
    """The report of what was sent: what is expected is judged by the desk."""
    moment = now()
    begun = moment - timedelta(seconds=elapsed)
    results = [await _result(test, sent, begun, values) for test in tests_of(row)]
    return TestReport.of(suite, results, begun, 0.0)


async def _result(
    test: Test, sent: Collected, begun: datetime, values: Mapping[str, Any]
) -> TestResult:  # fmt: skip
    target = "the machine's clock" if _is_own_clock(test) else target_of(test)
    if isinstance(test, Clock) and _is_own_clock(test):
        seen, told = compared(sent.clock, begun, test.most)
    elif test.id in sent.seen:
        seen = dict(sent.seen[test.id])
        told = _told(seen)
    else:
        return result_of(test, "error", "The collector has said nothing of it.", target)
    try:
        expected = await judged(test, {**values, "seen": seen})
    except TimeLimitExceeded as error:
        return result_of(test, "error", error.message, target)
    outcome: Outcome = "passed" if all(one.held for one in expected) else "failed"
    return result_of(test, outcome, told, target, expected, seen)


def _is_own_clock(test: Test) -> bool:
    return isinstance(test, Clock) and test.moment is not None


def _told(seen: Mapping[str, Any]) -> str:
    if seen.get("reached") is True and not seen.get("problem"):
        return "It was reached from the customer's machine."
    return f"From the customer's machine: {str(seen.get('problem') or 'not reached')[:100]}."


def kept(
    row: sa.Row[Any], report: TestReport, request_id: str, by: str
) -> dict[str, Any]:  # fmt: skip
    """The row of a run that was made on a customer's machine."""
    return {
        "tenant_id": row.tenant_id,
        "id": report.run_id,
        "customer_id": row.customer_id,
        "diagnosis": row.diagnosis,
        "step": None,
        "run_by": by,
        "request_id": request_id,
        "report": report.model_dump(mode="json"),
        "at": now(),
        "source": "collector",
    }


async def runs(db: Connection, tenant: str, session_id: str) -> list[SessionRun]:
    """The runs of tests of a session, the newest first."""
    table = test_runs.c
    rows = await db.all(
        sa.select(test_runs)
        .where(table.tenant_id == tenant, table.diagnosis == int(session_id[1:]))
        .order_by(table.at.desc(), table.id)
        .limit(MOST_RUNS)
    )
    return [
        SessionRun(
            run_id=row.id,
            suite=row.report["suite"],
            step_id=row.step,
            source=row.source,
            confidence=CONFIDENCE["collector" if row.source == "collector" else "api"],
            counts=row.report["counts"],
            run_by=row.run_by,
            at=row.at,
        )
        for row in rows
    ]


async def collected(
    db: Connection, tenant: str, session_id: str, test: str
) -> tuple[str, TestResult] | None:
    """The newest run of a customer's machine that holds a test of a session, and its result."""
    suite, _, name = test.partition(".")
    table = test_runs.c
    rows = await db.all(
        sa.select(table.id, table.report)
        .where(table.tenant_id == tenant, table.diagnosis == int(session_id[1:]))
        .where(table.source == "collector", table.at > now() - LATELY)
        .order_by(table.at.desc(), table.id)
        .limit(MOST_RUNS)
    )
    for row in rows:
        if row.report["suite"] == suite:
            for one in TestReport.model_validate(row.report).results:
                if one.test == name:
                    return row.id, one
    return None
