"""Work in the background ends when its block does, even where a cancellation is lost."""

import asyncio

from deskward.core.tasks import background


async def test_it_ends_with_the_block() -> None:
    async with background(asyncio.sleep(60)) as task:
        await asyncio.sleep(0)
        assert not task.done()
    assert task.cancelled()


async def test_a_cancellation_lost_in_a_failure_is_repeated() -> None:
    lost: list[bool] = []

    async def unlucky() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(True)

    async with background(unlucky()) as task:
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_the_end_of_work_that_failed_is_not_the_blocks_failure() -> None:
    async def failing() -> None:
        raise OSError("away")

    async with background(failing()) as task:
        await asyncio.sleep(0)
    assert isinstance(task.exception(), OSError)
