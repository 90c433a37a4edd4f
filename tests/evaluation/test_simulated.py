"""Simulated customers: what may never happen, whatever they say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deskward.agent.model import Finished, ModelEvent, ModelRequest, TextPiece, ToolRequest
from deskward.agent.offline.model import OfflineModel
from deskward.evaluation.desks import DemoDesks
from deskward.evaluation.dialogues import Outcome
from deskward.evaluation.simulated import simulate, what_is_said
from tests.rounds import rounds

MANY = rounds(60, 1_000)
"""All are minutes of CPU."""
FEW = 4


class Forgetful:
    """A model that freezes the Visa without being asked, and asks the same for ever."""

    name = "forgetful"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if request.messages[-1].role == "user":
            yield ToolRequest("a", "freeze_card", {"card": "4242"})
            yield Finished(self.name)
        else:
            yield TextPiece("Which one?")
            yield Finished(self.name, state={"waits_for": "card", "skill": "freeze_card"})

    async def close(self) -> None:
        pass


def wrong(found: list[Outcome]) -> list[tuple[str, list[str], list[str]]]:
    return [
        (one.dialogue.id, [*one.unwanted, *one.missing], one.lines)
        for one in found
        if not one.is_right
    ]


def test_everything_can_be_said_in_every_language() -> None:
    said = what_is_said()
    languages = set(said.yes)
    assert len(languages) >= 8
    for some in (
        said.no,
        said.beside,
        *(g.says for g in said.goals),
        *(g.value for g in said.goals),
    ):
        assert set(some) == languages


@pytest.mark.slow
async def test_a_few_customers_meet_nothing_that_may_not_happen(
    tmp_path: Path, offline: OfflineModel
) -> None:
    found = await simulate(DemoDesks(tmp_path), offline, FEW)
    assert not wrong(found)
    assert len({one.dialogue.language for one in found}) > 1


@pytest.mark.slow
async def test_the_same_seed_is_the_same_talk(tmp_path: Path, offline: OfflineModel) -> None:
    first, again = [
        await simulate(DemoDesks(tmp_path / name), offline, 2, seed=7) for name in ("a", "b")
    ]
    assert [one.lines[::2] for one in first] == [one.lines[::2] for one in again]


async def test_what_nobody_wanted_and_what_is_asked_for_ever_counts(tmp_path: Path) -> None:
    found = await simulate(DemoDesks(tmp_path), Forgetful(), 3)
    told = [line for one in found for line in (*one.unwanted, *one.missing)]
    assert "freeze_card(card=4242)" in told
    assert any(line.startswith("asked 3 times") for line in told)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_many_customers_meet_nothing_that_may_not_happen(
    tmp_path: Path, offline: OfflineModel
) -> None:
    assert not wrong(await simulate(DemoDesks(tmp_path), offline, MANY, seed=2))
