"""Work in a process of its own: what came of it, and what it could not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deskward.core.apart import SMALL, apart
from deskward.core.errors import TimeLimitExceeded

LARGE = SMALL + 1


@pytest.fixture(autouse=True)
def _finds_this_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def doubled(given: int) -> int:
    return 2 * given


def hungry(_: Any) -> int:
    return len(bytearray(2_000_000_000))


def endless(given: int) -> int:
    return endless(given + 1)


def wrong(given: dict[str, str]) -> str:
    return given["missing"]


async def test_what_is_done_elsewhere_gives_the_same() -> None:
    assert await apart(doubled, 21, LARGE) == await apart(doubled, 21, 1) == 42


@pytest.mark.parametrize("work", [hungry, endless])
async def test_what_costs_more_than_it_may_says_so(work: Any) -> None:
    with pytest.raises(TimeLimitExceeded, match="costs more"):
        await apart(work, 1, LARGE)


async def test_what_goes_wrong_by_itself_is_no_cost() -> None:
    with pytest.raises(RuntimeError, match="wrong failed: KeyError"):
        await apart(wrong, {"secret": "s3cret"}, LARGE)


async def test_a_file_of_the_folder_that_it_runs_in_is_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(7)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert await apart(doubled, 21, LARGE) == 42
