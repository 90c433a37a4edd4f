"""`deskward eval dialogues`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.progress import progress_bars
from deskward.cli.session import Json, print_json, read_settings

if TYPE_CHECKING:
    from deskward.evaluation.dialogues import Outcome

RIGHT = 0.85
"""How many dialogues are to come to what the customer wanted at least."""
WORST = 20


def dialogues(
    *,
    split: Annotated[
        Literal[
            "tune",
            "test",
            "second",
            "third",
            "fourth_tune",
            "fourth_blind",
            "troubles",
            "troubles_test",
        ],
        Parameter(
            help="Which part; strangers wrote `second` to `fourth`, and only `fourth_blind` it was "
            "not tuned on. `troubles` and `troubles_test` are diagnoses, the latter not tuned on."
        ),
    ] = "test",
    language: Annotated[
        str | None, Parameter(help="Only those in this language, for example `de`.")
    ] = None,
    only: Annotated[
        str | None, Parameter(help="Only the one of this id, printed as it was held.")
    ] = None,
    simulated: Annotated[
        int, Parameter(help="Instead: so many simulated customers, each with goals and a temper.")
    ] = 0,
    seed: Annotated[int, Parameter(help="Other seeds make other simulated customers.")] = 1,
    model: Annotated[
        str | None, Parameter(help="The model that answers, as MODEL names it. Default: offline.")
    ] = None,
    json_: Json = False,
) -> None:
    """Hold scripted conversations in eight languages, and say how many came to what was wanted.

    Each is held with a fresh demo desk: what was wished must be done, with its values, and nothing
    else; answers must hold what was asked for. The twenty worst are printed. About a minute. Exit
    code 1: something unwanted was written, or fewer than 85 % came to what was wanted. Of simulated
    customers it counts what may never happen: a write that nobody wanted then, a second ticket, a
    question asked a third time, no answer.

    Example: `deskward eval dialogues --split tune --language fr`
    """
    import asyncio
    import tempfile
    from pathlib import Path

    from deskward.agent.models.choose import choose_model
    from deskward.evaluation.desks import DemoDesks
    from deskward.evaluation.dialogues import dialogues as shipped
    from deskward.evaluation.dialogues import evaluate_dialogues
    from deskward.evaluation.simulated import simulate
    from deskward.shipped import learned_model

    if simulated < 0:
        raise Misused("--simulated is a number of customers")
    given = [
        one for one in shipped(split) if language in (None, one.language) and only in (None, one.id)
    ]
    if not given:
        sys.exit(f"deskward: no dialogue of the split {split} is so")
    settings = read_settings(model=model or "offline")
    speaker = choose_model(settings, offline=lambda: learned_model(settings))
    with tempfile.TemporaryDirectory() as place, progress_bars() as progress:
        desks = DemoDesks(Path(place))
        found = asyncio.run(
            simulate(desks, speaker, simulated, seed=seed, progress=progress)
            if simulated
            else evaluate_dialogues(desks, speaker, given, progress=progress)
        )
    figures = _figures(found)
    if json_:
        print_json({"split": split, **figures, "dialogues": [_plain(one) for one in found]})
    else:
        _print(found, figures, whole=only is not None)
    if figures["unwanted_writes"] or figures["right"] < RIGHT * len(found):
        sys.exit(1)


def _figures(found: list[Outcome]) -> dict[str, Any]:
    from deskward.evaluation.metrics import percentile, wilson

    cpu = [seconds for one in found for seconds in one.cpu[1:]]  # the first warms the desk
    right = sum(one.is_right for one in found)
    languages = dict.fromkeys(one.dialogue.language for one in found)
    return {
        "dialogues": len(found),
        "right": right,
        "right_between": wilson(right, len(found)),
        "unwanted_writes": sum(len(one.unwanted) for one in found),
        "messages": len(cpu),
        "needless_questions": sum(one.needless for one in found),
        "tickets": sum(len(one.tickets) for one in found),
        "more_than_one_ticket": sum(len(one.tickets) > 1 for one in found),
        "cpu_ms_median": 1000 * percentile(cpu, 0.5),
        "cpu_ms_p95": 1000 * percentile(cpu, 0.95),
        "languages": {
            name: {
                "dialogues": sum(one.dialogue.language == name for one in found),
                "right": sum(one.is_right for one in found if one.dialogue.language == name),
            }
            for name in languages
        },
    }


def _plain(one: Outcome) -> dict[str, Any]:
    return {
        "id": one.dialogue.id,
        "right": one.is_right,
        "unwanted": one.unwanted,
        "missing": one.missing,
        "needless_questions": one.needless,
        "tickets": len(one.tickets),
    }


def _print(found: list[Outcome], figures: dict[str, Any], *, whole: bool) -> None:
    of = len(found)
    low, high = figures["right_between"]
    print(f"{'right':<22}{figures['right']:>4} of {of}  ({low:.1%} to {high:.1%})")
    print(f"{'unwanted writes':<22}{figures['unwanted_writes']:>4}")
    print(f"{'needless questions':<22}{figures['needless_questions']:>4} of {figures['messages']}")
    print(f"{'tickets':<22}{figures['tickets']:>4}")
    print(f"{'more than one ticket':<22}{figures['more_than_one_ticket']:>4}")
    for name, part in figures["languages"].items():
        print(f"  {name:<20}{part['right']:>4} of {part['dialogues']}")
    print(
        f"CPU of a message: {figures['cpu_ms_median']:.1f} ms, 95 in 100 took no more than ", end=""
    )
    print(f"{figures['cpu_ms_p95']:.1f} ms")
    worst = sorted(found, key=lambda one: -one.badness)[:WORST]
    for one in worst if not whole else found:
        if not (one.badness or whole):
            continue
        print(f"\n{one.dialogue.id}")
        for line in one.lines:
            print(f"    {line}")
        for name, problems in (("UNWANTED", one.unwanted), ("MISSING", one.missing)):
            for problem in problems:
                print(f"  {name} {problem}")
        if one.needless:
            print(f"  NEEDLESS questions: {one.needless}")
