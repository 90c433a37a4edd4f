"""`deskward escalation`: check the rules and service levels, and see what they say of a case."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, print_json, read_settings
from deskward.cli.workflow import facts_of

if TYPE_CHECKING:
    from deskward.core.marked_yaml import Problem
    from deskward.escalation.rules import Asked, EscalationRules

escalation = App(
    name="escalation",
    help="Check service levels, specialists and rules of escalation, and see what rules say of a "
    "case. No desk is needed.",
)

Sla = Annotated[
    Path | None, Parameter(help="File of service levels. Default: SLA_FILE, or those that ship.")
]
Rules = Annotated[
    Path | None, Parameter(help="File of rules. Default: ESCALATION_RULES, or those that ship.")
]
Specialists = Annotated[
    Path | None,
    Parameter(help="File of specialists. Default: SPECIALISTS_FILE, or those that ship."),
]
Facts = Annotated[
    tuple[str, ...],
    Parameter(
        name="--fact",
        help="What is known of the case, as `tier=gold` or `attempts=3`. What is not said is as in "
        "an everyday matter; without `complexity` it is reckoned.",
    ),
]


@escalation.command
def check(*, sla: Sla = None, rules: Rules = None, specialists: Specialists = None) -> None:
    """See that service levels, specialists and rules can be used. Exit code 1: some cannot.

    Each problem is told with its file and line. The cases that a file of rules tells of are tried.

    Example: `deskward escalation check --rules my-rules.yaml`
    """
    from deskward.escalation import agreements
    from deskward.escalation import rules as reading
    from deskward.queues import kinds

    own = read_settings().escalation
    known, problems = kinds.check(_there(specialists or own.specialists_file or kinds.SHIPPED))
    levels, wrong = agreements.check(_there(sla or own.sla_file or agreements.SHIPPED))
    problems += wrong
    names = sorted(known.specialists) if known is not None else None
    found, wrong = reading.check(_there(rules or own.rules_file or reading.SHIPPED), names)
    problems += wrong
    if levels is not None and names is not None:
        problems += agreements.unknown_specialists(
            _there(sla or own.sla_file or agreements.SHIPPED), names
        )
    _print_problems(problems)
    if known is not None:
        print(f"{len(known.specialists)} types of specialists")
    if levels is not None:
        print(f"{len(levels.policies)} policies of service levels")
    if found is not None:
        print(f"{len(found.rules)} rules, {len(found.cases)} cases")
    print(f"{len(problems)} problems." if problems else "All sound.")
    sys.exit(1 if problems else 0)


@escalation.command
def explain(
    *, facts: Facts = (), text: str = "", rules: Rules = None, as_json: Json = False
) -> None:
    """Tell of a case what each rule says, with the values that it looked at.

    Example: `deskward escalation explain --fact tier=gold --fact attempts=2 --text "It is down"`

    Args:
        text: What the customer has written.
    """
    from deskward.core.marked_yaml import WrongFiles
    from deskward.escalation import rules as reading

    own = read_settings().escalation.rules_file
    try:
        known = reading.load(_there(rules or own or reading.SHIPPED))
    except WrongFiles as error:
        raise Misused(str(error)) from None
    _print_explained(known, facts_of(facts), text, as_json=as_json)


def _print_explained(
    known: EscalationRules, given: dict[str, Any], text: str, *, as_json: bool
) -> None:
    from deskward.escalation import rules as reading

    if unknown := sorted(set(given) - set(reading.SAMPLE)):
        names = ", ".join(sorted(reading.SAMPLE))
        raise Misused(f"there is no fact {unknown[0]}; there are {names}")
    told = {**reading.EVERYDAY, **given}
    score = reading.complexity_of(known.complexity, told)
    if "complexity" not in given:
        told["complexity"] = score.score
    asked = reading.ask(known.rules, told, text)
    chosen = reading.most_urgent(asked)
    if as_json:
        print_json(
            {
                "complexity": told["complexity"],
                "parts": [one.part.id for one in score.parts if one.held],
                "rules": [
                    {"id": one.rule.id, "matched": one.matched, "values": dict(one.values)}
                    for one in asked
                ],
                "specialist": chosen.specialist if chosen is not None else None,
                "priority_level": chosen.priority_level if chosen is not None else None,
            }
        )
        return
    if "complexity" in given:
        print(f"Complexity {told['complexity']}, as given.")
    else:
        parts = [f"{one.part.points:+d} {one.part.id}" for one in score.parts if one.held]
        print(f"Complexity {score.score}: {', '.join([f'{score.base} to begin with', *parts])}.")
    for one in asked:
        _print_asked(one)
    if chosen is None:
        print("\nNo rule matches: it stays where it is.")
    else:
        print(f"\nTo {chosen.specialist}, at level {chosen.priority_level}: {chosen.title}.")


def _print_asked(one: Asked) -> None:
    sign = "yes" if one.matched else "no "
    print(f"{sign}  {one.rule.id}: {one.rule.when or ', '.join(one.rule.words)}")
    values = ", ".join(f"{name} = {value!r}" for name, value in one.values.items())
    print(f"     {one.problem or values}")


def _print_problems(problems: list[Problem]) -> None:
    for problem in sorted(problems):
        print(problem)


def _there(file: Path) -> Path:
    if not file.is_file():
        raise Misused(f"there is no file {file}")
    return file
