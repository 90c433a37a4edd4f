"""Work in the background ends when its block does, even where a cancellation is lost."""

import asyncio
import contextlib

import pytest

from deskward.core.tasks import background, within


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


async def test_what_waits_for_nothing_is_done_at_once() -> None:
    async def work() -> int:
        return 5

    assert await within(0, work()) == 5
    with pytest.raises(ZeroDivisionError):
        await within(1, _failing(0))


async def _failing(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)
    _ = 1 / 0


async def test_what_waits_is_done_in_its_time() -> None:
    async def work() -> list[int]:
        found = []
        for number in range(3):
            await asyncio.sleep(0.001 * number)
            found.append(await asyncio.create_task(asyncio.sleep(0.001, number)))
        return found

    assert await within(5, work()) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        await within(5, _failing(0.001))


async def test_what_takes_too_long_is_stopped_and_cleans_up() -> None:
    ended = []

    async def work(seconds: float) -> None:
        try:
            await asyncio.sleep(0.001)
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(0)
            ended.append(seconds)

    with pytest.raises(TimeoutError):
        await within(0.02, work(60))
    assert ended == [60]
    with pytest.raises(TimeoutError):  # one inside another, whichever is over first
        await within(60, within(0.02, work(61)))
    with pytest.raises(TimeoutError):
        await within(0.02, within(60, work(62)))
    assert ended == [60, 61, 62]
    await asyncio.sleep(0)  # nothing of it is left that would cancel this


async def test_a_cancellation_from_outside_is_one() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = asyncio.create_task(within(60, work()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_who_catches_the_cancellation_goes_on() -> None:
    async def work() -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        await asyncio.sleep(0.001)
        return "done"

    assert await within(60, work()) == "done"
