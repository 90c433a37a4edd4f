"""`deskward eval`: measure the desk against labelled data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.evaluate_dialogues import dialogues
from deskward.cli.evaluate_languages import languages
from deskward.cli.evaluate_openings import openings
from deskward.cli.evaluate_retrieval import retrieval
from deskward.cli.evaluate_safety import asked, policy, promises
from deskward.cli.progress import progress_bars
from deskward.cli.session import Json, print_json, read_settings

if TYPE_CHECKING:
    from deskward.evaluation.golden import GoldenReport
    from deskward.evaluation.intents import IntentReport

evaluate = App(
    name="eval",
    help="Measure the desk against labelled data; by itself, on golden conversations.\n\n"
    "Example: `deskward eval --trials 1`",
)
for measured in (policy, promises, asked, dialogues, openings, languages, retrieval):
    evaluate.command(measured)


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
            negative="--no-reject",
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Route labelled utterances with the offline model's method and say how well that went.

    Learns from TRAIN, routes TEST, and prints accuracy, macro-F1, the recall of what is out of
    scope, and the milliseconds an utterance takes. It looks at words and at the vectors that
    EMBEDDINGS makes (`off`: at words alone), needs no network and no database, and the same files
    give the same routing on every run. Exit code 0: measured, 1: a file is not valid.

    Both files are CSV in UTF-8 with a header or without: `text,category` as in BANKING77, or
    utterance, sentence, query or question, and intent, label or class, in any order. The labels
    oos, ood, out_of_scope, out_of_domain, none and no_intent mean that no intent is right.

    Example: `deskward eval intents train.csv test.csv`

    Parameters
    ----------
    train
        Utterances to learn from.
    test
        Utterances to route.
    """
    from dataclasses import asdict

    from deskward.evaluation.intents import evaluate_intents, learning
    from deskward.evaluation.labelled import read_utterances
    from deskward.integrations.embeddings.choose import choose_embedder, for_sentences
    from deskward.text.vectors import EmbeddingFailed

    known, asked = read_utterances(train), read_utterances(test)
    settings = read_settings()
    learn = learning(for_sentences(settings, choose_embedder(settings)))
    try:
        with progress_bars() as progress:
            report = evaluate_intents(known, asked, reject=reject, learn=learn, progress=progress)
    except EmbeddingFailed as error:
        sys.exit(f"deskward: {error}")
    if json_:
        print_json(asdict(report))
    else:
        print(_table(report))


@evaluate.default
def golden(
    folder: Annotated[
        Path | None, Parameter(help="Folder of golden conversations. Default: those that ship.")
    ] = None,
    /,
    *,
    model: Annotated[
        str | None, Parameter(help="The model that answers, as MODEL names it. Default: offline.")
    ] = None,
    trials: Annotated[int, Parameter(help="How often each conversation is run.")] = 4,
    junit: Annotated[Path | None, Parameter(help="Also write JUnit XML to this file.")] = None,
    json_: Json = False,
) -> None:
    """Run golden conversations: expected calls, wanted and forbidden facts, end state.

    Each is run several times on a fresh demo desk. pass^k is the chance that k runs in a row pass.
    A violation is an effect that nobody wanted; a near miss is an unwanted call that was refused or
    waits for a person. Exit code 1: a run failed.
    """
    import asyncio
    import tempfile

    from deskward.agent.models.choose import choose_model
    from deskward.core.files import write_whole
    from deskward.evaluation.desks import DemoDesks
    from deskward.evaluation.golden import evaluate_golden, read_golden
    from deskward.evaluation.golden import junit as as_junit
    from deskward.shipped import learned_model

    settings = read_settings(model=model or "offline")
    conversations = read_golden(folder)
    speaker = choose_model(settings, offline=lambda: learned_model(settings))
    with tempfile.TemporaryDirectory() as place, progress_bars() as progress:
        report = asyncio.run(
            evaluate_golden(
                DemoDesks(Path(place)), speaker, conversations, trials=trials, progress=progress
            )
        )
    if junit is not None:
        try:
            with write_whole(junit) as file:
                file.write(as_junit(report))
        except OSError as error:
            sys.exit(f"deskward: {error}")
    if json_:
        print_json(_golden_figures(report))
    else:
        _print_golden(report)
    if not all(run.passed for run in report.all_runs):
        sys.exit(1)


def _golden_figures(report: GoldenReport) -> dict[str, Any]:
    from deskward.evaluation.metrics import percentile

    runs = report.all_runs
    seconds = sorted(run.seconds for run in runs)
    return {
        "conversations": len(report.runs),
        "runs": len(runs),
        **{f"pass^{k}": report.passed_in_a_row(k) for k in range(1, 5)},
        "violations": sum(len(run.violations) for run in runs),
        "near_misses": sum(len(run.near_misses) for run in runs),
        "tokens": sum(run.tokens for run in runs),
        "seconds_p50": percentile(seconds, 0.5),
        "seconds_p99": percentile(seconds, 0.99),
    }


def _print_golden(report: GoldenReport) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(
        Column("conversation", no_wrap=True),
        "passed",
        "violations",
        "near misses",
        "tokens",
        "seconds",
    )
    for name, runs in report.runs.items():
        table.add_row(
            name,
            f"{sum(run.passed for run in runs)} of {len(runs)}",
            str(sum(len(run.violations) for run in runs)),
            str(sum(len(run.near_misses) for run in runs)),
            str(sum(run.tokens for run in runs)),
            f"{sum(run.seconds for run in runs) / len(runs):.2f}",
        )
    Console().print(table)
    for name, value in _golden_figures(report).items():
        if isinstance(value, float):
            shown = f"{value:.2%}" if name.startswith("pass") else f"{value:.2f}"
            print(f"{name:<15}{shown}")
        else:
            print(f"{name:<15}{'-' if value is None else value}")
    for name, runs in report.runs.items():
        for problem in {p for run in runs for p in (*run.problems, *run.violations)}:
            print(f"FAILED {name}: {problem}")


@evaluate.command
def confidence(*, json_: Json = False) -> None:
    """Measure the confidence of suggested replies on labelled tickets, and its calibration.

    Those of the development split are what it was fitted to; the test split was kept from it. With
    the meanings that EMBEDDINGS names, or by words alone (`off`).

    Example: `deskward eval confidence`
    """
    import asyncio
    from dataclasses import asdict

    from deskward.evaluation.confidence import as_table, measure_shipped

    found, alone = asyncio.run(measure_shipped(read_settings().embeddings.model))
    if json_:
        figures = {split: asdict(figures) for split, figures in found.items()}
        print_json({**figures, "left_alone": asdict(alone)})
        return
    print(as_table(found))
    print("\nTickets written without knowing how they are told apart")
    print(f"  for people           {len(alone.mistaken)} of {alone.for_people} would be resolved")
    print(f"  answered by the FAQ  {alone.resolved} of {alone.for_desk} would be resolved")
    for name in alone.mistaken:
        print(f"MISTAKEN {name}")


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
