"""`deskward jobs`."""

import asyncio
import json
from pathlib import Path

from deskward.core import jobs
from deskward.core.database import Database
from deskward.email.outbox import JOB
from deskward.gate.context import new_id
from tests.cli.conftest import Cli
from tests.conftest import settings_in


def queued(folder: Path, kind: str = JOB) -> str:
    job_id = new_id()

    async def add() -> None:
        database = Database(settings_in(folder).database_location)
        payload = {"tenant": "default", "email_id": job_id}
        async with database.transaction() as transaction:
            await jobs.add(transaction, job_id, kind, payload)
        await database.close()

    asyncio.run(add())
    return job_id


def test_jobs_are_listed_cancelled_and_tried_again(cli: Cli, folder: Path) -> None:
    assert cli("jobs", "list")[1] == ""
    job_id = queued(folder)
    _, out, _ = cli("jobs", "list")
    assert job_id in out
    assert "queued" in out
    assert cli("jobs", "cancel", job_id)[0] == 0
    (job,) = json.loads(cli("jobs", "list", "--json")[1])
    assert (job["job_id"], job["kind"], job["state"]) == (job_id, JOB, "cancelled")
    assert (job["attempts"], job["reason"]) == (0, "It was cancelled.")
    assert job["due"].endswith("Z")
    assert cli("jobs", "list", "--state", "queued", "--json")[1].strip() == "[]"
    assert cli("jobs", "retry", job_id)[0] == 0
    (job,) = json.loads(cli("jobs", "list", "--state", "queued", "--json")[1])
    assert (job["state"], job["reason"]) == ("queued", None)


def test_what_cannot_be_changed_is_said_in_a_line(cli: Cli, folder: Path) -> None:
    job_id = queued(folder)
    code, _, err = cli("jobs", "retry", job_id)
    assert code == 1
    assert "The job is queued" in err
    code, _, err = cli("jobs", "cancel", "0" * 32)
    assert code == 1
    assert "There is no job" in err
