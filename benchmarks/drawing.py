"""Draws plots: JSON of `report.Plot`s comes in, JSON of SVG texts goes out.

Runs in matplotlib's environment (see `plots`), so it imports nothing of the project.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot, ticker

GOOD, BAD = "tab:green", ("tab:red", "tab:orange", "tab:purple", "tab:brown", "black")


def draw(plot: dict[str, Any]) -> str:
    """One plot as SVG."""
    draw_kind = {"bars": _bars, "lines": _lines, "answers": _answers}[plot["kind"]]
    labels = {str(at) for points in plot["series"].values() for at, _ in points}
    height = 1.2 + 0.34 * len(labels) if plot["kind"] == "bars" else 3.6
    drawing, axes = pyplot.subplots(figsize=(9, height), layout="constrained")
    draw_kind(axes, plot)
    axes.set_title(plot["title"], fontsize=10, loc="left")
    axes.grid(axis="x" if plot["kind"] == "bars" else "both", alpha=0.3)
    if len(plot["series"]) > 1:
        axes.legend(fontsize=8)
    out = io.StringIO()
    drawing.savefig(out, format="svg")
    pyplot.close(drawing)
    return out.getvalue()


def _bars(axes: Any, plot: dict[str, Any]) -> None:
    count = len(plot["series"])
    thick = 0.8 / count
    labels = list(dict.fromkeys(str(at) for points in plot["series"].values() for at, _ in points))
    for number, (name, points) in enumerate(plot["series"].items()):
        places = [labels.index(str(at)) + thick * (number - (count - 1) / 2) for at, _ in points]
        axes.barh(
            places,
            [middle for _, (middle, _, _) in points],
            thick,
            xerr=_spread(points),
            label=name,
            capsize=3,
        )
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.invert_yaxis()
    if plot["log"]:
        axes.set_xscale("log")
        _plain(axes.xaxis)


def _lines(axes: Any, plot: dict[str, Any]) -> None:
    for name, points in plot["series"].items():
        axes.errorbar(
            [at for at, _ in points],
            [middle for _, (middle, _, _) in points],
            yerr=_spread(points),
            label=name,
            marker="o",
            capsize=3,
        )
    axes.set_xlabel(plot["x_title"])
    if plot["log"]:
        axes.set_yscale("log")
        _plain(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)


def _answers(axes: Any, plot: dict[str, Any]) -> None:
    bad = iter(BAD * len(plot["series"]))
    for name, points in plot["series"].items():
        good = name.startswith("200")
        axes.scatter(
            [at for at, _ in points],
            [middle for _, (middle, _, _) in points],
            s=10,
            label=name,
            color=GOOD if good else next(bad),
            marker="o" if good else "x",
        )
    for since, until in plot["spans"]:
        axes.axvspan(since, until, color="tab:red", alpha=0.1)
    axes.set_xlabel(plot["x_title"])
    axes.set_yscale("log")
    _plain(axes.yaxis)


def _plain(axis: Any) -> None:
    """Numbers as people write them, not powers of ten."""
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def _spread(points: list[Any]) -> list[list[float]]:
    below = [middle - least for _, (middle, least, _) in points]
    return [below, [most - middle for _, (middle, _, most) in points]]


if __name__ == "__main__":
    json.dump([draw(plot) for plot in json.load(sys.stdin)], sys.stdout)
