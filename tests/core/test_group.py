"""Who comes during a commit waits for its end, and for no more than a moment."""

from __future__ import annotations

import asyncio

import pytest

from deskward.core import group
from deskward.core.group import Commits


async def test_who_comes_during_a_commit_goes_on_at_its_end() -> None:
    commits, order = Commits(), []

    async def call(name: str) -> None:
        await commits.over()
        order.append(name)

    await call("before")
    with commits.one():
        waiting = [asyncio.create_task(call(name)) for name in ("first", "second")]
        await asyncio.sleep(0.01)
        waiting[0].cancel()  # which takes nobody along
        await asyncio.sleep(0)
        order.append("end")
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == ["before", "end", "second"]


async def test_nobody_waits_for_ever_for_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "LONG", 0.01)
    commits = Commits()
    with commits.one():
        await asyncio.wait_for(commits.over(), 5)


async def test_a_failed_commit_is_over() -> None:
    commits = Commits()
    with pytest.raises(OSError, match="full"), commits.one():
        raise OSError("full")
    await asyncio.wait_for(commits.over(), 5)
