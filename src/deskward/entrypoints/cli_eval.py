"""`deskward eval`: measure the desk against labelled data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from deskward.evaluation.intents import IntentReport, Progress

evaluate = App(name="eval", help="Measure the desk against labelled data.")

Json = Annotated[bool, Parameter(name="--json", help="Print the report as JSON.")]


@evaluate.command
def intents(
    train: Path,
    test: Path,
    /,
    *,
    reject: Annotated[
        bool | None,
        Parameter(
            help="Leave alone what fits no intent well. Default: where either file has "
            "utterances that are out of scope.",
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Route labelled utterances with the offline model's method and say how well that went.

    Learns from TRAIN, routes TEST, and prints accuracy, macro-F1, the recall of what is out of
    scope, and the milliseconds an utterance takes. It needs no network and no database, and the
    same files give the same routing on every run. Exit code 0: measured, 1: a file is not valid.

    Both files are CSV in UTF-8 with a header or without: `text,category` as in BANKING77, or
    utterance, sentence, query or question, and intent, label or class, in any order. The labels
    oos, ood, out_of_scope, out_of_domain, none and no_intent mean that no intent is right.

    Parameters
    ----------
    train
        Utterances to learn from.
    test
        Utterances to route.
    """
    from dataclasses import asdict

    from deskward.entrypoints.cli import print_json
    from deskward.evaluation.intents import evaluate_intents
    from deskward.evaluation.labelled import read_utterances

    try:
        known, asked = read_utterances(train), read_utterances(test)
        with _progress() as progress:
            report = evaluate_intents(known, asked, reject=reject, progress=progress)
    except (ValueError, OSError) as error:
        sys.exit(f"deskward: {error}")
    if json_:
        print_json(asdict(report))
    else:
        print(_table(report))


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on stderr for each thing that takes its time, where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    with Bars(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=1.0)
            bars.update(tasks[what], completed=share)

        yield show


def _table(report: IntentReport) -> str:
    """The report for people."""
    recall, floor, took = report.out_of_scope_recall, report.floor, report.latency_ms
    rows = [
        ("learned", f"{report.train_utterances} utterances of {report.intents} intents"),
        ("", f"in {report.training_seconds:.1f} s"),
        ("routed", f"{report.test_utterances} utterances"),
        ("accuracy", f"{report.accuracy:.2%}"),
        ("  in scope", f"{report.in_scope_accuracy:.2%}"),
        ("macro-F1", f"{report.macro_f1:.2%}"),
        ("out-of-scope recall", "none to recall" if recall is None else f"{recall:.2%}"),
        ("in scope left alone", f"{report.left_alone:.2%}"),
        ("left alone below", "nothing is" if floor is None else f"a fit of {floor:.2f}"),
        ("latency", f"{took['mean']:.2f} ms mean, {took['p50']:.2f} median, {took['p99']:.2f} p99"),
    ]
    if report.unknown_intents:
        rows.append(("unknown intents", f"{report.unknown_intents}, only in the test file"))
    lines = [f"{name:<21}{value}" for name, value in rows]
    if report.mistakes:
        lines += ["", "Weakest intents (F1)"]
        lines += [f"  {score:7.2%}  {name}" for name, score in report.weakest]
        lines += ["", "Commonest mistakes"]
        lines += [f"  {m.count:4d} x  {m.wanted} -> {m.told}" for m in report.mistakes]
    return "\n".join(lines)
