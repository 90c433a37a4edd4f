"""`deskward workflow`: list, check, draw, walk and test the workflows of troubleshooting."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, print_json, read_settings

if TYPE_CHECKING:
    from deskward.diagnostics.answers import Answer
    from deskward.diagnostics.composing import Plan
    from deskward.diagnostics.suites.loading import Suites
    from deskward.diagnostics.walking import Walk
    from deskward.diagnostics.workflow import Workflow

workflow = App(
    name="workflow",
    help="Check, draw, walk and test the workflows of troubleshooting. No desk is needed.",
)

Places = Annotated[
    Path,
    Parameter(help="Files, or folders of them. Default: those that ship, and WORKFLOWS_DIR."),
]
Name = Annotated[str, Parameter(help="The workflow's id; see `deskward workflow list`.")]
File = Annotated[
    Path | None, Parameter(help="A file or folder that it is read from, besides those that ship.")
]
Product = Annotated[str, Parameter(help="The product that it is composed for.")]
Version = Annotated[str, Parameter(help="The product's version.")]
Environment = Annotated[
    tuple[str, ...],
    Parameter(name="--environment", help="What is known of where it runs, as `os=windows`."),
]
Customer = Annotated[
    tuple[str, ...],
    Parameter(name="--customer", help="What is known of the customer, as `tier=gold`."),
]


@workflow.command(name="list")
def list_(*, as_json: Json = False) -> None:
    """List the workflows that there are.

    Example: `deskward workflow list`
    """
    known = _known(None)
    if as_json:
        print_json([_summary(one) for one in known.values()])
        return
    for one in known.values():
        told = _summary(one)
        print(f"{told['id']:24} {told['title']}")
        print(f"{'':24} {told['category']}, version {told['version']}, {told['steps']} steps")


@workflow.command
def check(*places: Places) -> None:
    """See that workflows can be walked, each way to an end. Exit code 1: one cannot.

    Each problem is told with its file and line. So is each text that a catalogue beside them
    (`de.po`) does not translate; that is no problem, for it is told in English.

    Example: `deskward workflow check my-workflows`
    """
    from deskward.diagnostics.texts import catalogues_in, faults_of, missing

    sources, problems = _read(places)
    catalogues = [file for place in (places or _shipped()) for file in catalogues_in(place)]
    problems = [*problems, *faults_of(catalogues)]
    for problem in problems:
        print(problem)
    if not problems:
        for text in missing([one.workflow for one in sources], catalogues):
            print(f"note: {text}")
    told = f"{len(problems)} problems." if problems else "sound."
    print(f"{len(sources)} workflows: {told}")
    sys.exit(1 if problems or not sources else 0)


@workflow.command
def translate(
    language: Annotated[str, Parameter(help="Its ISO 639-1 code, as `nl`.")],
    folder: Annotated[Path, Parameter(help="The folder of the workflows.")],
) -> None:
    """Write a catalogue of what workflows say, or complete the one that there is, to fill in.

    It is a gettext file, `LANGUAGE.po`, beside the workflows: fill in each `msgstr`. Translations
    that it has stay; those of texts that are gone go.

    Example: `deskward workflow translate nl my-workflows`
    """
    from deskward.diagnostics.texts import catalogues_in, faults_of, updated, write

    sources, problems = _read((folder,))
    if not folder.is_dir():
        raise Misused(f"{folder} is no folder")
    file = folder / f"{language}.po"
    problems = [*problems, *faults_of([file] if file in catalogues_in(folder) else [])]
    if not re.fullmatch(r"[a-z]{2,3}", language) or language == "en":
        raise Misused(f"{language} is no code of another language than English, as `nl` is")
    for problem in problems:
        print(problem)
    if not problems and sources:
        made = updated([one.workflow for one in sources], file)
        write(made, file)
        left = sum(not one.string for one in made if one.id)
        print(f"{file}: {len(made)} texts, {left} to translate.")
    sys.exit(1 if problems or not sources else 0)


@workflow.command
def test(*places: Places) -> None:
    """Walk the cases that workflows tell of, and every way through. Exit code 1: one is wrong.

    Example: `deskward workflow test my-workflows`
    """
    from deskward.diagnostics.composing import Circumstances, compose
    from deskward.diagnostics.paths import walked

    sources, problems = _read(places)
    for problem in problems:
        print(problem)
    known = {one.workflow.workflow: one.workflow for one in sources}
    if not problems:
        for one in known.values():
            ends = walked(compose(one, Circumstances(), known))
            told = ", ".join(f"{end} {count:,}" for end, count in sorted(ends.items()))
            print(f"{one.workflow}: {len(one.cases)} cases, {sum(ends.values()):,} ways: {told}")
    sys.exit(1 if problems or not sources else 0)


@workflow.command
def graph(
    name: Name,
    /,
    *,
    form: Annotated[Literal["svg", "mermaid"], Parameter(help="The form of the picture.")] = "svg",
    file: File = None,
    product: Product = "",
    version: Version = "",
    environment: Environment = (),
    customer: Customer = (),
) -> None:
    """Draw a workflow, as it is composed for a case, to standard output.

    Example: `deskward workflow graph sign-in --form mermaid`
    """
    from deskward.diagnostics.drawing import mermaid, svg

    plan = _plan(name, file, product, version, environment, customer)
    print((svg if form == "svg" else mermaid)(plan), end="")


@workflow.command(name="run")
def run_(
    name: Name,
    /,
    *,
    file: File = None,
    product: Product = "",
    version: Version = "",
    environment: Environment = (),
    customer: Customer = (),
    as_json: Json = False,
) -> None:
    """Walk a workflow in the terminal. Nothing is stored; `back` takes an answer back.

    Exit code 1: it was left before its end.

    Example: `deskward workflow run sign-in --environment os=windows`
    """
    from deskward.core.errors import InvalidInput
    from deskward.diagnostics.walking import walk

    plan = _plan(name, file, product, version, environment, customer)
    out = sys.stderr if as_json else sys.stdout
    print(f"{plan.title}. Up to {plan.minutes} minutes. `back` goes back, `quit` ends.", file=out)
    for part in plan.parts:
        print(f"  {part.title}: {part.because}", file=out)
    going = walk(plan)
    while going.at is not None:
        step = going.at
        print(f"\n[{step.id}] {step.description}\n{step.instructions}", file=out)
        print(f"Expected: {step.expected}", file=out)
        print(f"{_asked(step.answer)} > ", end="", file=out, flush=True)
        said = sys.stdin.readline()
        if not said or said.strip() in ("quit", "exit"):
            print(file=out)
            break
        if said.strip() == "back":
            going = walk(plan, [one.value for one in going.answered[:-1]])
            continue
        try:
            going.answer(_answer(step.answer, said.strip()))
        except InvalidInput as error:
            print(error, file=out)
    if as_json:
        print_json(_told(going))
    else:
        _print_end(going)
    sys.exit(0 if going.end is not None else 1)


def _print_end(going: Walk) -> None:
    if going.end is None:
        print("Not ended.")
        return
    if going.end.cause is not None:
        cause = going.plan.causes[going.end.cause]
        print(f"\nCause: {cause.title}\n{cause.explanation}\nFix: {cause.fix}")
    elif going.end.specialist is not None:
        print(f"\nA specialist has to look: {going.end.specialist}. {going.end.reason}")
    else:
        print(f"\nSolved. {going.end.reason}")
    for one in going.evidence:
        sign = "supports" if one.supports else "rules out"
        print(f"  {one.step}: {one.because} {sign} “{going.plan.causes[one.cause].title}”")


def _told(going: Walk) -> dict[str, Any]:
    end = going.end
    return {
        "workflow": going.plan.workflow,
        "version": going.plan.version,
        "answers": [{"step": one.step, "value": one.value} for one in going.answered],
        "evidence": [vars(one) for one in going.evidence],
        "end": vars(end) if end is not None else None,
    }


def _asked(form: Answer) -> str:
    if form.type == "yes_no":
        return "yes or no"
    if form.type == "choice":
        return "; ".join(f"{word}: {meaning}" for word, meaning in form.choices.items())
    return f"a number {form.unit}".strip() if form.type == "number" else "in words"


def _answer(form: Answer, said: str) -> object:
    if form.type == "yes_no":
        return {"yes": True, "y": True, "no": False, "n": False}.get(said.lower(), said)
    if form.type == "number":
        try:
            return float(said)
        except ValueError:
            return said
    return said


def _plan(
    name: str,
    file: Path | None,
    product: str,
    version: str,
    environment: tuple[str, ...],
    customer: tuple[str, ...],
) -> Plan:
    from deskward.diagnostics.composing import Circumstances, compose

    known = _known(file)
    if name not in known:
        raise Misused(f"there is no workflow {name}; there are {', '.join(known)}")
    circumstances = Circumstances(
        product=product,
        version=version,
        environment=facts_of(environment),
        customer=facts_of(customer),
    )
    return compose(known[name], circumstances, known)


def facts_of(told: tuple[str, ...]) -> dict[str, Any]:
    """What was said as `name=value`, the values read as JSON where they are any.

    Raises:
        Misused: One is not said so.
    """
    found: dict[str, Any] = {}
    for one in told:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise Misused(f"say {one} as name=value")
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        found[name] = read if isinstance(read, int | float | bool) else value
    return found


def _known(file: Path | None) -> Mapping[str, Workflow]:
    from deskward.diagnostics.checking import load
    from deskward.diagnostics.loading import WrongWorkflows

    try:
        return load(*_shipped(), *((file,) if file is not None else ()), tests=_suites().has)
    except (WrongWorkflows, FileNotFoundError) as error:
        raise Misused(str(error)) from None


def _read(places: tuple[Path, ...]) -> tuple[list[Any], list[Any]]:
    from deskward.diagnostics.checking import check as problems_of
    from deskward.diagnostics.checking import read_all

    try:
        sources, problems = read_all(*(places or _shipped()))
    except FileNotFoundError as error:
        raise Misused(str(error)) from None
    return sources, sorted([*problems, *problems_of(sources, _suites().has)])


def _suites() -> Suites:
    from deskward.diagnostics.loading import WrongWorkflows
    from deskward.diagnostics.suites.loading import Suites

    try:
        return Suites(read_settings().diagnostics.suites_dir)
    except WrongWorkflows as error:
        raise Misused(str(error)) from None


def _shipped() -> tuple[Path, ...]:
    from deskward.diagnostics.checking import SHIPPED

    own = read_settings().diagnostics.workflows_dir
    return (SHIPPED, own) if own is not None else (SHIPPED,)


def _summary(one: Workflow) -> dict[str, Any]:
    return {
        "id": one.workflow,
        "version": one.version,
        "title": one.title,
        "category": one.category,
        "products": list(one.products),
        "steps": sum(len(fragment.steps) for fragment in one.fragments),
        "causes": list(one.causes),
    }
