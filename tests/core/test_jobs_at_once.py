"""Several processes that look for jobs at the same time, on PostgreSQL."""

import pytest

from deskward.core import jobs
from deskward.core.database import Database
from deskward.core.settings import Settings

KINDS = ["test.once"]


@pytest.mark.parametrize(
    "settings",
    [pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))],
    indirect=True,
)
async def test_processes_that_look_at_once_get_different_jobs(settings: Settings) -> None:
    one, other = Database(settings.database_location), Database(settings.database_location)
    try:
        async with one.transaction() as db:
            for number in range(6):
                await jobs.add(db, f"job{number}", KINDS[0], {})
        async with one.transaction() as first, other.transaction() as second:
            ours = await jobs.due(first, KINDS, 4, to_claim=True)
            assert [await jobs.claim(first, row) is not None for row in ours] == [True] * 4
            # Who only looks waits for nobody, and sees what is not claimed for good yet.
            assert len(await jobs.due(other.reader, KINDS, 10)) == 6
            theirs = await jobs.due(second, KINDS, 4, to_claim=True)
            assert [await jobs.claim(second, row) is not None for row in theirs] == [True] * 2
        assert {row.id for row in ours} | {row.id for row in theirs} == {
            f"job{number}" for number in range(6)
        }
    finally:
        await one.close()
        await other.close()
