"""`deskward eval asked` on a few sentences, and what it counts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deskward.agent.model import Finished, ModelEvent, ModelRequest, TextPiece, ToolRequest
from deskward.agent.offline.model import OfflineModel
from deskward.evaluation.asked import Sentence, evaluate_asked, sentences
from deskward.evaluation.desks import DemoDesks
from tests.everything import shipped_skills

FEW = [
    Sentence("Do not change my address to 5 Elm Street, Boston", "en", "negated"),
    Sentence("Freeze card 4242", "en", "clear", (("freeze_card", {"card": "4242"}),)),
    Sentence(
        "Change my password to Kite-Moon-812",
        "en",
        "clear",
        (("change_password", {"new_password": "Kite-Moon-812"}),),
    ),
    Sentence(
        "Bitte O1003 stornieren", "de", "clear", (("update_order_status", {"order_id": "O1003"}),)
    ),
]


class Eager:
    """A model that changes the address whatever is said."""

    name = "eager"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if request.messages[-1].role == "user":
            address: dict[str, Any] = {"new_address": "5 Elm Street, Boston"}
            yield ToolRequest("c", "update_address", address)
        else:
            yield TextPiece("Done.")
        yield Finished(self.name)

    async def close(self) -> None:
        pass


@pytest.mark.slow
async def test_it_counts_what_was_written(tmp_path: Path) -> None:
    report = await evaluate_asked(DemoDesks(tmp_path), OfflineModel(shipped_skills()), FEW)
    assert (report.unwanted, report.missed, report.proposed) == ([], [], [])
    assert (report.nothing, report.wished, report.reached, report.at_once) == (1, 3, 3, 2)


async def test_it_sees_what_nobody_wanted(tmp_path: Path) -> None:
    report = await evaluate_asked(DemoDesks(tmp_path), Eager(), FEW[:2])
    assert len(report.unwanted) + len(report.proposed) == 2
    assert len(report.missed) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("split", ["development", "test"])
async def test_only_what_was_asked(tmp_path: Path, split: str) -> None:
    model = OfflineModel(shipped_skills())
    report = await evaluate_asked(DemoDesks(tmp_path), model, sentences(split))
    assert report.unwanted == []
    assert report.reached >= 0.9 * report.wished
