"""The frame of commands that work as a member of staff: open the desk, call tools, print."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deskward.cli.session import operated_desk, print_json, read_settings, run

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.gate.context import Report
    from deskward.security.principals import Principal

Key = Annotated[
    str | None,
    Parameter(
        help="API key of the member of staff who calls. Default: the system's user.",
        env_var="DESKWARD_API_KEY",
    ),
]
Work = Callable[["Desk", "Principal"], Awaitable[int]]
"""What is done with the desk, by whoever works on it; gives the exit code."""
Lines = Callable[[dict[str, Any]], Iterable[str]]
"""The lines that tell a tool's answer to people."""
ROLE = "support-3"
"""What the system's user may do, while nobody is appointed, in commands that say nothing else."""


def run_operated(
    work: Work, key: str | None, tenant: str | None, as_: str | None, *roles: str
) -> None:
    """Do something as whoever works on the desk, and end with the exit code that it gives.

    Args:
        roles: As `operated_desk` takes them; those of `ROLE` by default.
    """

    async def with_desk() -> int:
        opened = operated_desk(read_settings(), key, tenant, *(roles or (ROLE,)), as_=as_)
        async with opened as (desk, caller):
            return await work(desk, caller)

    run(with_desk())


async def called(desk: Desk, caller: Principal, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers.

    Raises:
        DeskwardError: It was refused or failed.
    """
    return await called_with(desk, caller, tool, arguments)


async def called_with(
    desk: Desk,
    caller: Principal,
    tool: str,
    arguments: Mapping[str, Any],
    report: Report | None = None,
) -> dict[str, Any]:
    """The same.

    Args:
        report: Is told how far it is.

    Raises:
        DeskwardError: It was refused or failed.
    """
    from deskward.gate.context import Context

    outcome = await desk.gate.call(tool, arguments, Context(caller, "cli", report=report))
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def show_answer(
    tool: str,
    arguments: Mapping[str, Any],
    lines: Lines,
    key: str | None,
    tenant: str | None,
    as_: str | None,
    *,
    as_json: bool = False,
) -> None:
    """Call a tool and print its answer: as lines, or as JSON. Arguments that are None are left out.

    Raises:
        DeskwardError: It was refused or failed.
    """
    given = {name: value for name, value in arguments.items() if value is not None}

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, tool, **given)
        if as_json:
            print_json(found)
        else:
            for line in lines(found):
                print(line)
        return 0

    run_operated(work, key, tenant, as_)


def message(found: dict[str, Any]) -> list[str]:
    """The only line of an answer that says what was done."""
    return [found["message"]]
