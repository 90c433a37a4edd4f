"""`deskward jobs`: work that is done later, what holds it up, and having it tried again or not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.session import COUNT, Operator, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database

jobs = App(name="jobs", help="Look at work that is done later; try it again, or cancel it.")

JobId = Annotated[str, Parameter(help="The job's id, as `deskward jobs list` shows it.")]
Json = Annotated[bool, Parameter(name="--json", help="Print it as JSON.")]


@jobs.command(name="list")
def list_(
    *,
    state: Annotated[
        Literal["queued", "running", "failed", "cancelled", "all"],
        Parameter(help="Only those in this state."),
    ] = "all",
    last: Annotated[int, Parameter(help="How many at most.", validator=COUNT)] = 100,
    json_: Json = False,
) -> None:
    """List jobs, the longest due first. What is done is not kept.

    Example: `deskward jobs list`
    """

    async def work(database: Database, _settings: Any) -> int:
        from deskward.core import jobs as table
        from deskward.core.errors import iso

        states = table.STATES if state == "all" else (state,)
        rows = [
            {
                "job_id": row.id,
                "kind": row.kind,
                "state": row.status,
                "attempts": row.attempts,
                "due": iso(row.due_at),
                "added": iso(row.created_at),
                "reason": row.reason,
                "payload": row.payload,
            }
            for row in await table.listed(database.reader, states, last)
        ]
        if json_:
            print_json(rows)
            return 0
        for row in rows:
            attempts = "1 attempt" if row["attempts"] == 1 else f"{row['attempts']} attempts"
            print(f"{row['job_id']}  {row['state']}  {row['kind']}")
            print(f"    {attempts}, due {row['due'][:19]}Z  {_about(row['payload'])}")
            if row["reason"]:
                print(f"    {row['reason']}")
        if not rows:
            print("There are no such jobs.", file=sys.stderr)
        return 0

    with_database(work)


@jobs.command
def retry(job_id: JobId, /, *, as_: Operator = None) -> None:
    """Have a job tried again that failed or was cancelled.

    Example: `deskward jobs retry 0a1b2c3d4e5f60718293a4b5c6d7e8f9`
    """
    _change("retry", job_id, "It is queued again, and done by the next desk that runs.", as_)


@jobs.command
def cancel(job_id: JobId, /, *, as_: Operator = None) -> None:
    """Cancel a job that waits, or is worked on now.

    What it has done already stays done; what cannot be known, such as whether a mail left that was
    being sent, is recorded as unknown.

    Example: `deskward jobs cancel 0a1b2c3d4e5f60718293a4b5c6d7e8f9`
    """
    _change("cancel", job_id, "It is cancelled.", as_)


def _change(what: Literal["retry", "cancel"], job_id: str, said: str, as_: str | None) -> None:

    async def work(database: Database, settings: Any) -> int:
        from deskward.core import jobs as table
        from deskward.features import all_features

        async with database.transaction() as transaction:
            change = table.retry if what == "retry" else table.cancel
            await change(transaction, job_id, all_features().records)
        print(said)
        return 0

    with_database(work, (f"{what}_job", {"job_id": job_id}), as_)


def _about(payload: dict[str, Any]) -> str:
    """What a job is about, in a few words."""
    return " ".join(f"{name}={value}" for name, value in payload.items())
