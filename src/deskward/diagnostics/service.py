"""Rules and queries of diagnostic sessions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound, Unfit
from deskward.diagnostics.composing import Plan
from deskward.diagnostics.models import Confirmed, Status, diagnoses, diagnosis_numbers
from deskward.diagnostics.walking import End, Evidence, Walk, walk

MOST_EARLIER = 4
"""Causes that are put right in one session before another one is looked for."""
MOST = 300
"""Answers of a session."""

_BY_NUMBER = sa.select(diagnoses).where(
    diagnoses.c.tenant_id == sa.bindparam("tenant"), diagnoses.c.number == sa.bindparam("number")
)
_BY_NUMBER_LOCKED = _BY_NUMBER.with_for_update()


@dataclass(frozen=True)
class Given:
    """An answer as it is kept: what was answered, by whom, in which call.

    Attributes:
        test_run: The run of the test that has answered it; None where somebody did.
    """

    value: Any
    by: str
    request_id: str
    at: str
    test_run: str | None = None


@dataclass(frozen=True)
class Earlier:
    """A cause that was found and put right, and what was answered until then."""

    cause: str
    given: tuple[Given, ...]


@dataclass(frozen=True)
class Session:
    """A session as it is on record.

    Attributes:
        incident_id: The known incident that it has joined.
        declined: Those that it was said not to be.
        signature: What it has seen, in a line (`incidents/matching.py`).
        earlier: What was found and put right before the steps began anew.
        chat: The id of the conversation that its customer walks it in.
    """

    id: str
    customer_id: str
    product: str
    issue: str
    plan: Plan
    given: tuple[Given, ...]
    status: Status
    confirmed: Confirmed | None
    ticket_id: str | None
    incident_id: str | None
    declined: tuple[str, ...]
    signature: str | None
    chat: str | None
    earlier: tuple[Earlier, ...]
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def walk(self) -> Walk:
        """How far it is. What was put right already is not named as the cause once more."""
        going = walk(self.plan, [one.value for one in self.given])
        end = going.end
        if end is not None and end.cause in [one.cause for one in self.earlier]:
            title = self.plan.causes[str(end.cause)].title
            reason = f"“{title}” was put right, and is seen again."
            going.end = End("escalate", specialist=self.plan.specialist, reason=reason)
        return going


async def get(db: Connection, tenant: str, session_id: str) -> Session:
    """The session.

    Raises:
        NotFound: The tenant has no such session.
    """
    return await _read(db, _BY_NUMBER, tenant, session_id)


async def start(
    db: Connection,
    tenant: str,
    customer_id: str,
    *,
    product: str,
    issue: str,
    plan: Plan,
    chat: str | None = None,
) -> Session:
    """Begin a session. Whether there is such a customer is not asked.

    Args:
        chat: The id of the conversation that its customer walks it in.
    """
    number = await diagnosis_numbers.next(db, tenant)
    moment = now()
    row = {
        "tenant_id": tenant,
        "number": number,
        "customer_id": customer_id,
        "product": product,
        "issue": issue,
        "workflow": plan.workflow,
        "plan": plan.model_dump(mode="json", exclude_defaults=True),
        "answers": [],
        "status": "open",
        "chat": chat,
        "revision": 1,
        "created_at": moment,
        "updated_at": moment,
    }
    await db.execute(diagnoses.insert(), row)
    return await get(db, tenant, f"D{number}")


async def answer(
    db: Connection,
    tenant: str,
    session_id: str,
    revision: int,
    value: Any,
    by: str,
    request_id: str,
    *,
    test_run: str | None = None,
) -> Session:
    """Answer the step that waits.

    Args:
        test_run: The run of the step's test that the answer is from.

    Raises:
        NotFound: The tenant has no such session.
        Conflict: No step waits, the session has changed since that revision, or the answer is not
            of the form that the step wants, which no schema knows.
    """
    session = await _locked(db, tenant, session_id, revision)
    if session.status != "open":
        raise _not_now(session, "answered")
    if len(session.given) >= MOST:
        raise Conflict(f"Session {session_id} has {MOST} answers; hand it over instead.")
    going = session.walk
    try:
        going.answer(value)
    except InvalidInput as error:
        raise Unfit(error.message, details={"field": "answer"}) from None
    given = Given(going.answered[-1].value, by, request_id, now().isoformat(), test_run)
    after = replace(session, given=(*session.given, given))
    return await _write(db, tenant, session, after.given, state_of(after))


def check_open(session: Session, revision: int) -> None:
    """See that a session is as somebody has read it, and waits for an answer.

    Raises:
        Conflict: It has changed since, or no step waits.
    """
    _check_revision(session, revision)
    if session.status != "open":
        raise _not_now(session, "answered")


async def go_back(db: Connection, tenant: str, session_id: str, revision: int) -> Session:
    """Take the latest answer back.

    Raises:
        NotFound: The tenant has no such session.
        Conflict: There is none, staff have the session already, or it has changed since.
    """
    session = await _locked(db, tenant, session_id, revision)
    if session.status not in ("open", "to_confirm"):
        raise _not_now(session, "taken back")
    if not session.given:
        raise Conflict(f"Session {session_id} is at its first step; there is nothing to take back.")
    return await _write(db, tenant, session, session.given[:-1], "open")


async def begin_anew(db: Connection, tenant: str, before: Session, revision: int) -> Session:
    """Begin the steps anew: the cause that was found is put right, and the issue is still there.

    Raises:
        NotFound: The tenant has no such session.
        Conflict: No cause was found that may have been put right, so many were already that
            somebody has to look, or it has changed since.
    """
    session = await _locked(db, tenant, before.id, revision)
    end = session.walk.end
    if session.status != "to_confirm" or end is None or end.cause is None:
        raise _not_now(session, "begun anew, because no cause was found that was put right,")
    if len(session.earlier) >= MOST_EARLIER:
        raise Conflict(
            f"Session {session.id} has found {MOST_EARLIER + 1} causes. Say that it has not "
            "helped, and somebody looks at it.",
            details={"field": "put_right"},
        )
    earlier = [*session.earlier, Earlier(end.cause, session.given)]
    told = [
        {"cause": one.cause, "answers": [asdict(given) for given in one.given]} for one in earlier
    ]
    return await _write(db, tenant, session, (), "open", earlier=told)


async def set_status(
    db: Connection,
    tenant: str,
    session_id: str,
    revision: int,
    status: Status,
    *,
    allowed: tuple[Status, ...],
    confirmed: Confirmed | None = None,
    **more: Any,
) -> Session:
    """Put a session into another state.

    Args:
        more: Further columns.

    Raises:
        NotFound: The tenant has no such session.
        Conflict: It is in none of the states that allow it, or has changed since.
    """
    session = await _locked(db, tenant, session_id, revision)
    if session.status not in allowed:
        raise _not_now(session, f"set to {status.replace('_', ' ')}")
    return await _write(db, tenant, session, session.given, status, confirmed=confirmed, **more)


async def handed_over(db: Connection, tenant: str, session: Session, ticket_id: str) -> Session:
    """Note the ticket that a session was handed over as."""
    await note(db, tenant, session, ticket=int(ticket_id[1:]))
    return await get(db, tenant, session.id)


async def note(db: Connection, tenant: str, session: Session, **values: Any) -> None:
    """Note down of a session what is no change of it."""
    await db.execute(
        sa.update(diagnoses)
        .where(diagnoses.c.tenant_id == tenant, diagnoses.c.number == int(session.id[1:]))
        .values(**values)
    )


async def joined(
    db: Connection, tenant: str, session: Session, incident_id: str, told: int
) -> Session:
    """Have a session of the present transaction be one of a known incident.

    Args:
        told: The incident's revision, of which the customer is told by that.
    """
    number = int(incident_id[1:])
    return await _write(
        db, tenant, session, session.given, "joined_incident", incident=number, told=told
    )


def was_midway(session: Session) -> bool:
    """Whether a session is to be confirmed only because the incident that it had joined is over."""
    midway = session.incident_id is not None and session.walk.end is None
    return midway and session.status == "to_confirm"


def state_of(session: Session) -> Status:
    """The state in which a session goes on, by its answers alone."""
    end = session.walk.end
    if end is None:
        return "open"
    return "handed_over" if end.kind == "escalate" else "to_confirm"


async def _locked(db: Connection, tenant: str, session_id: str, revision: int) -> Session:
    session = await _read(db, _BY_NUMBER_LOCKED, tenant, session_id)
    _check_revision(session, revision)
    return session


def _check_revision(session: Session, revision: int) -> None:
    if session.revision != revision:
        raise Conflict(
            f"Session {session.id} has changed: it is at revision {session.revision}, not "
            f"{revision}. Read it again and answer the step that waits now.",
            details={"revision": session.revision},
        )


async def _write(
    db: Connection,
    tenant: str,
    session: Session,
    given: tuple[Given, ...],
    status: Status,
    *,
    confirmed: Confirmed | None = None,
    **more: Any,
) -> Session:
    await db.execute(
        sa.update(diagnoses)
        .where(diagnoses.c.tenant_id == tenant, diagnoses.c.number == int(session.id[1:]))
        .values(
            answers=[asdict(one) for one in given],
            status=status,
            confirmed=confirmed,
            revision=session.revision + 1,
            updated_at=now(),
            **more,
        )
    )
    return await get(db, tenant, session.id)


def _not_now(session: Session, done: str) -> Conflict:
    state = session.status.replace("_", " ")
    return Conflict(
        f"Session {session.id} is {state}; it cannot be {done} now.",
        details={"status": session.status},
    )


async def _read(db: Connection, statement: sa.Executable, tenant: str, session_id: str) -> Session:
    row = await db.first(statement, tenant=tenant, number=int(session_id[1:]))
    if row is None:
        raise NotFound("session", session_id)
    return session_of(row)


def session_of(row: sa.Row[Any]) -> Session:
    """The session of a row."""
    return Session(
        id=f"D{row.number}",
        customer_id=row.customer_id,
        product=row.product,
        issue=row.issue,
        plan=Plan.model_validate(row.plan),
        given=tuple(Given(**one) for one in row.answers),
        status=row.status,
        confirmed=row.confirmed,
        ticket_id=f"T{row.ticket}" if row.ticket is not None else None,
        incident_id=f"I{row.incident}" if row.incident is not None else None,
        declined=tuple(row.declined or ()),
        signature=row.signature,
        chat=row.chat,
        earlier=tuple(
            Earlier(one["cause"], tuple(Given(**given) for given in one["answers"]))
            for one in row.earlier or ()
        ),
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def by_cause(going: Walk) -> dict[str, list[Evidence]]:
    """What was shown about each cause of a plan."""
    found: defaultdict[str, list[Evidence]] = defaultdict(list)
    for one in going.evidence:
        found[one.cause].append(one)
    return {cause: found[cause] for cause in going.plan.causes}
