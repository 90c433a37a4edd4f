"""Draws the plots of a report with matplotlib, which lives in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.libraries import python_of
from benchmarks.processes import ROOT, CannotMeasure, environment
from benchmarks.report import Plot

DRAW_LIMIT = 120.0
"""Seconds that all plots together may take."""


def draw(plots: Sequence[Plot]) -> list[str]:
    """The plots as SVG.

    Raises:
        CannotMeasure: matplotlib cannot be installed, or failed.
    """
    python = python_of("matplotlib")
    try:
        done = subprocess.run(
            [python, "-m", "benchmarks.drawing"],
            input=json.dumps([asdict(plot) for plot in plots]),
            cwd=ROOT,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=DRAW_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"the plots took over {DRAW_LIMIT:g} s") from error
    if done.returncode != 0:
        raise CannotMeasure(f"the plots could not be drawn: {done.stderr.strip()[-300:]}")
    drawn: list[str] = json.loads(done.stdout)
    return drawn
