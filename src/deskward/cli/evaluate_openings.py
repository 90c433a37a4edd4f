"""`deskward eval openings`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from deskward.cli.progress import progress_bars
from deskward.cli.session import Json, print_json, read_settings

if TYPE_CHECKING:
    from deskward.evaluation.openings import Came

RIGHT = 0.8
"""How many openings are to come to what the customer wanted at least."""


def openings(
    *,
    split: Annotated[
        Literal["tune", "test"], Parameter(help="Which part; `test` is not tuned on.")
    ] = "test",
    model: Annotated[
        str | None, Parameter(help="The model that answers, as MODEL names it. Default: offline.")
    ] = None,
    json_: Json = False,
) -> None:
    """Tell of troubles in eight languages, and say how many found their workflow.

    What is no trouble of the customer's must begin none. What went wrong is printed. About half a
    minute. Exit code 1: a session was begun wrongly, or fewer than 80 % were right.

    Example: `deskward eval openings --split tune`
    """
    import asyncio
    import tempfile
    from pathlib import Path

    from deskward.agent.models.choose import choose_model
    from deskward.evaluation.desks import DemoDesks
    from deskward.evaluation.openings import evaluate_openings
    from deskward.evaluation.openings import openings as shipped
    from deskward.shipped import learned_model

    settings = read_settings(model=model or "offline")
    speaker = choose_model(settings, offline=lambda: learned_model(settings))
    with tempfile.TemporaryDirectory() as place, progress_bars() as progress:
        found = asyncio.run(
            evaluate_openings(DemoDesks(Path(place)), speaker, shipped(split), progress=progress)
        )
    figures = _figures(found)
    if json_:
        print_json({"split": split, **figures, "openings": [_plain(one) for one in found]})
    else:
        _print(found, figures)
    if figures["wrongly_begun"] or figures["right"] < RIGHT * len(found):
        sys.exit(1)


def _figures(found: list[Came]) -> dict[str, Any]:
    troubles = [one for one in found if one.opening.wants]
    others = [one for one in found if not one.opening.wants]
    return {
        "openings": len(found),
        "right": sum(one.is_right for one in found),
        "troubles": len(troubles),
        "troubles_right": sum(one.is_right for one in troubles),
        "begun_at_once": sum(one.begun is not None for one in troubles),
        "others": len(others),
        "others_asked": sum(bool(one.offered) for one in others),
        "wrongly_begun": sum(one.wrongly_begun for one in found),
    }


def _plain(one: Came) -> dict[str, Any]:
    return {
        "id": one.opening.id,
        "right": one.is_right,
        "begun": one.begun,
        "offered": list(one.offered),
    }


def _print(found: list[Came], figures: dict[str, Any]) -> None:
    print(f"{'right':<22}{figures['right']:>4} of {figures['openings']}")
    print(f"{'troubles':<22}{figures['troubles_right']:>4} of {figures['troubles']}", end="")
    print(f", {figures['begun_at_once']} begun at once")
    print(f"{'others, asked about':<22}{figures['others_asked']:>4} of {figures['others']}")
    print(f"{'wrongly begun':<22}{figures['wrongly_begun']:>4}")
    for one in found:
        if not one.is_right:
            wanted = " or ".join(one.opening.wants) or "nothing"
            came = f"began {one.begun}" if one.begun else f"offered {', '.join(one.offered) or '-'}"
            print(f"\n{one.opening.id}: wants {wanted}, {came}\n  > {one.opening.says}")
            print(f"  {one.answer[:200]}")
