"""The command line of the benchmarks."""

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.plan import FULL, QUICK
from benchmarks.report import markdown


def options(monkeypatch: pytest.MonkeyPatch, *arguments: str):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return command._options()


def test_options_change_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command._plan(options(monkeypatch)) == FULL
    assert command._plan(options(monkeypatch, "calls", "--quick")) == QUICK
    plan = command._plan(options(monkeypatch, "calls", "turns", "--rounds", "7", "--warm-up", "1"))
    assert (plan.rounds, plan.warm_up, plan.turns) == (7, 1.0, FULL.turns)


@pytest.mark.parametrize("wrong", [["nonsense"], ["--rounds", "0"], ["--seconds", "900"]])
def test_wrong_options_are_refused(monkeypatch: pytest.MonkeyPatch, wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        options(monkeypatch, *wrong)


def test_the_report_says_the_machine_and_what_failed() -> None:
    machine = {
        "processor": "A processor",
        "cores": 2,
        "server_core": 0,
        "load_core": 1,
        "memory_gb": 8,
        "system": "Linux 6",
        "disk": "ext4",
        "load_average": 0.1,
        "python": "3.11.7",
        "packages": {"fastapi": "1.0"},
    }
    found = {"machine": machine, "seconds": {"calls": 4}, "failed": {"load": "no k6"}}
    section = command._about(found, ["Plots are left out: no network"])
    text = markdown("Report", [section])
    assert "A processor, 2 cores" in text
    assert "fastapi 1.0" in text
    assert "- load has failed: no k6\n- Plots are left out: no network" in text
