"""Whole turns through the desk's HTTP door: with a stub, the offline model and a configured one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, figure, percentile
from benchmarks.machine import Cores, cpu_seconds
from benchmarks.plan import Plan
from benchmarks.processes import CannotMeasure, Desk, free_port, serving, serving_desk
from benchmarks.report import Block, Cell, Notes, Plot, Section, Table, Text
from benchmarks.subjects.turn_loop import QUESTION

PACKAGES = ("deskward", "openai", "anthropic", "httpx2")

STUB = "stub, answering in 0 ms"
OFFLINE = "offline model"
CONFIGURED = "configured model"
MODEL_VARIABLES = ("MODEL", "ANTHROPIC_", "OPENAI_", "AZURE_")
"""How the variables begin that name a model, its keys and its address."""
WAIT = 120.0
"""Seconds that a turn of a configured model may take."""


@dataclass(frozen=True)
class Turn:
    """One turn as its client saw it: times in seconds, `failed` with what the error said."""

    first_token: float
    whole: float
    tools: int
    failed: str = ""


def configured_model(variables: Mapping[str, str]) -> dict[str, str]:
    """What a desk must be told to use the model that the environment names.

    Args:
        variables: The environment.

    Returns:
        Empty where it names none but the offline one.
    """
    from deskward.agent.models.choose import model_addresses
    from deskward.core.setting_names import names
    from deskward.core.settings import Settings

    ours = {k: v for k, v in variables.items() if v and k.upper().startswith(MODEL_VARIABLES)}
    values = {k.lower(): v for k, v in ours.items() if k.lower() in names(Settings)}
    # Nothing but these variables has a say.
    return ours if any(model_addresses(Settings.alone(**values))) else {}


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Run turns with each model, in several rounds.

    Args:
        folder: For databases and logs.
        plan: How much.

    Raises:
        CannotMeasure: A desk does not start, or a turn without a configured model fails.
    """
    os.sched_setaffinity(0, {cores.load})
    found: dict[str, list[dict[str, Any]]] = {}
    answered_by: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        desks, missing = _desks(stack, folder, cores)
        for name, desk in desks.items():
            answered_by[name] = _who_answers(desk)
        for number in range(1, plan.rounds + 1):
            for name, desk in desks.items():
                turns = plan.model_turns if name == CONFIGURED else plan.turns
                cpu = cpu_seconds(desk.pid)
                seen = [turn(desk) for _ in range(turns)]
                failed = next((t.failed for t in seen if t.failed), "")
                if failed and name != CONFIGURED:
                    raise CannotMeasure(f"a turn with the {name} failed: {failed}")
                cost = 1000 * (cpu_seconds(desk.pid) - cpu) / turns
                found.setdefault(name, []).append(
                    {"cpu_ms": cost, "turns": [asdict(t) for t in seen]}
                )
                print(
                    f"round {number}/{plan.rounds}  {name:26} {cost:6.1f} ms CPU", file=sys.stderr
                )
    return {"subjects": found, "answered_by": answered_by, "missing": missing}


def _desks(
    stack: contextlib.ExitStack, folder: Path, cores: Cores
) -> tuple[dict[str, Desk], dict[str, str]]:
    """A desk for each model; and why there is none for the configured one."""
    port = free_port()
    stub = ["benchmarks.subjects.stub_model", str(port)]
    stack.enter_context(serving("stub_model", stub, port=port, core=cores.load, folder=folder))
    models = {
        STUB: {"MODEL": f"http://127.0.0.1:{port}/v1#stub", "OPENAI_API_KEY": "none"},
        OFFLINE: {"MODEL": "offline"},
    }
    missing = {}
    configured = configured_model(os.environ)
    if configured:
        models[CONFIGURED] = configured
    else:
        missing[CONFIGURED] = "neither MODEL nor a provider's key is in the environment"
    desks = {}
    for number, (name, variables) in enumerate(models.items()):
        place = folder / str(number)
        place.mkdir()
        try:
            # MODEL empty: the provider's own variables decide.
            desk = serving_desk("deskward", place, cores, {"MODEL": "", **variables})
            desks[name] = stack.enter_context(desk)
        except CannotMeasure as problem:
            if name != CONFIGURED:
                raise
            missing[name] = " ".join(str(problem).split())
    return desks, missing


def _who_answers(desk: Desk) -> str:
    """The model that answers a message, as the desk says; also the warm-up."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=WAIT)
    with contextlib.closing(connection):
        connection.request("POST", "/api/v1/chat", _message(), _headers(desk))
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != 200:
        return f"nobody: {answer.status} {body[:200].decode(errors='replace')}"
    return answer.getheader("X-Deskward-Model") or "unknown"


def _message() -> str:
    return json.dumps({"session_id": f"s{time.time_ns()}", "message": QUESTION})


def _headers(desk: Desk) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.key}", "Content-Type": "application/json"}


def turn(desk: Desk) -> Turn:
    """One streamed turn in a new session."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=WAIT)
    began = time.perf_counter()
    with contextlib.closing(connection):
        connection.request("POST", "/api/v1/chat/stream", _message(), _headers(desk))
        answer = connection.getresponse()
        if answer.status != 200:
            failed = f"{answer.status} {answer.read()[:200].decode(errors='replace')}"
            return Turn(0, time.perf_counter() - began, 0, failed)
        first, tools, last = 0.0, 0, {"type": "nothing"}
        for line in answer:
            if not line.startswith(b"data:"):
                continue
            last = json.loads(line[5:])
            if last["type"] == "token" and not first:
                first = time.perf_counter() - began
            tools += last["type"] == "tool_call"
    failed = "" if last["type"] == "done" else json.dumps(last)[:200]
    return Turn(first, time.perf_counter() - began, tools, failed)


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    rows: list[list[Cell]] = []
    bars: dict[str, list[tuple[str | float, Figure]]] = {
        "first token, ms": [],
        "whole turn, ms": [],
    }
    for name, rounds in result["subjects"].items():
        turns = [[Turn(**values) for values in one["turns"]] for one in rounds]
        good = [[t for t in one if not t.failed] for one in turns]
        good = [one for one in good if one]
        every = [t for one in turns for t in one]
        times: list[Cell] = ["", "", ""]
        if good:
            first, middle, late = (
                figure(1000 * percentile([getattr(t, what) for t in one], part) for one in good)
                for what, part in (("first_token", 0.5), ("whole", 0.5), ("whole", 0.95))
            )
            times = [first, middle, late]
            bars["first token, ms"].append((name, first))
            bars["whole turn, ms"].append((name, middle))
        called = sum(1 for t in every if t.tools)
        rows.append(
            [
                name,
                result["answered_by"][name],
                *times,
                figure(one["cpu_ms"] for one in rounds),
                f"{called} of {len(every)}",
                f"{sum(1 for t in every if t.failed)} of {len(every)}",
            ]
        )
    header = ["", "answered by", "first token p50 ms", "whole p50 ms", "whole p95 ms"]
    blocks: list[Block] = [
        Text(
            f"“{QUESTION}” over `POST /api/v1/chat/stream`, one turn at a time, each in a new "
            f"session; {len(result['subjects'][STUB])} rounds, median (least–most) of the rounds. "
            "The time of a configured model is mostly the model's own and its network's."
        ),
        Table([*header, "CPU ms/turn", "called a tool", "failed"], rows),
        Plot(
            "A turn: first token and whole, p50, ms",
            "bars",
            bars,
            log=CONFIGURED in result["subjects"],
        ),
        Notes([f"{name} is left out: {why}" for name, why in result["missing"].items()]),
    ]
    return Section("End to end: a turn with each model", blocks)
