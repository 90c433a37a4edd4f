"""`deskward eval dialogues`: what it counts, and that its dialogues are whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deskward.agent.model import Finished, ModelEvent, ModelRequest, TextPiece, ToolRequest
from deskward.agent.offline.model import OfflineModel
from deskward.evaluation.desks import DemoDesks
from deskward.evaluation.dialogues import (
    ALL,
    SPLITS,
    Dialogue,
    Said,
    dialogues,
    evaluate_dialogues,
)
from tests.everything import shipped_skills

FREEZE = Dialogue(
    "en-one",
    "en",
    "user_001",
    (Said("always", "Freeze my Mastercard please"), Said("agrees", "yes")),
    acts=(("freeze_card", {"card": "4444"}),),
    says={2: ("4444",)},
    end="done",
)


class Eager:
    """A model that freezes the Visa and calls a person, whatever is said."""

    name = "eager"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if request.messages[-1].role == "user":
            values: dict[str, Any] = {"card": "4242"}
            yield ToolRequest("a", "freeze_card", values)
            yield ToolRequest("b", "hand_over", {"reason": "no idea"})
        else:
            yield TextPiece("Done.")
        yield Finished(self.name)

    async def close(self) -> None:
        pass


@pytest.mark.slow
async def test_a_wish_that_is_done_counts(tmp_path: Path) -> None:
    (found,) = await evaluate_dialogues(
        DemoDesks(tmp_path), OfflineModel(shipped_skills()), [FREEZE]
    )
    assert found.is_right, (found.missing, found.unwanted, found.lines)
    assert (found.needless, found.tickets, found.badness) == (0, set(), 0)
    assert found.lines[0] == "> Freeze my Mastercard please"


async def test_another_card_than_wished_is_unwanted_and_a_person_called_for_nothing(
    tmp_path: Path,
) -> None:
    (found,) = await evaluate_dialogues(DemoDesks(tmp_path), Eager(), [FREEZE])
    assert found.unwanted == ["freeze_card(card=4242)"]
    assert "not done: freeze_card(card=4444)" in found.missing
    assert "a person was called for nothing" in found.missing
    assert any("does not say 4444" in one for one in found.missing)
    assert not found.is_right


@pytest.mark.slow
async def test_all_cards_are_all_of_them(tmp_path: Path) -> None:
    both = Dialogue(
        "en-both",
        "en",
        "user_001",
        (Said("always", "freeze my visa"), Said("agrees", "yes")),
        acts=(("freeze_card", {"card": ALL}),),
    )
    (found,) = await evaluate_dialogues(DemoDesks(tmp_path), OfflineModel(shipped_skills()), [both])
    assert found.missing == ["not done: freeze_card(card=all)"]


def test_there_is_no_other_split() -> None:
    with pytest.raises(ValueError, match="there is no split 'train'; there are tune, test, second"):
        dialogues("train")


def test_each_dialogue_is_told_whole() -> None:
    found = {split: dialogues(split) for split in SPLITS}
    ids = [one.id for some in found.values() for one in some]
    assert len(ids) == len(set(ids)) >= 60
    for split, some in found.items():
        languages = {one.language for one in some}
        assert languages == {"en", "de", "fr", "es", "pt", "it", "ja", "ar"}
        of_troubles = split.startswith("troubles")  # short ones, in some of which nothing begins
        for one in some:
            assert (2 if of_troubles else 3) <= len(one.turns) <= 10, one.id
            assert all(1 <= turn <= len(one.turns) for turn in one.says), one.id
            assert one.end in ("done", "handed", "nothing", "any"), one.id
            tells = one.acts or one.may or one.says or one.end == "nothing"
            assert tells or of_troubles, one.id
