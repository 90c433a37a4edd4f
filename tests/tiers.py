"""The rule of the two tiers: what takes long is marked `slow`, and `make test` leaves it out.

A clock would judge the machine, so the rule counts what costs: a test that is not marked may start
only a few programs. Only a limit that no quick test reaches on a machine many times slower is one
of time.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

MOST_PROGRAMS = 3
"""How many programs a quick test may start; what a fixture of the session starts is not its own."""
MOST_SECONDS = 60.0
"""How long a quick test may take. One that takes five on a developer's machine is to be marked."""

_started: list[str] = []
"""The programs that the running test started."""


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _started.append(str(arguments[0]))


sys.addaudithook(_notice)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Forget what a shared fixture starts: the first test that needs it does not pay for all."""
    before = len(_started)
    try:
        return (yield)
    finally:
        if fixturedef.scope == "session":
            del _started[before:]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Begin to count anew with every test."""
    _started.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that passed, but is slow without being marked."""
    report = yield
    if report.passed and call.when == "call" and item.get_closest_marker("slow") is None:
        fault = fault_of(_started, call.duration)
        if fault is not None:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} {fault}; mark it with @pytest.mark.slow"
    return report


def fault_of(programs: list[str], seconds: float) -> str | None:
    """What makes a test slow, or None.

    Args:
        programs: The programs that it started.
        seconds: How long it took.
    """
    if len(programs) > MOST_PROGRAMS:
        return f"starts {len(programs)} programs"
    if seconds > MOST_SECONDS:
        return f"takes {seconds:.0f} seconds"
    return None
