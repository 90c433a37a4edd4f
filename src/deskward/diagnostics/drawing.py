"""Workflows as pictures: Mermaid's text (https://mermaid.js.org) and SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from deskward.diagnostics.composing import Plan

WIDE, HIGH = 220, 44
"""Pixels of a box."""
APART, BELOW = 36, 52
"""Pixels between boxes beside each other, and below each other."""
_LETTERS = 30
"""How much of a text is in a box."""


@dataclass
class Graph:
    """Boxes and what leads from one to another.

    Attributes:
        boxes: Name → text, in the order in which they are come to.
        ends: Those of them at which a walk ends.
        arrows: From, to, and under which condition.
    """

    boxes: dict[str, str] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)
    arrows: list[tuple[str, str, str]] = field(default_factory=list)


def graph_of(plan: Plan) -> Graph:
    """The steps and ends of a plan."""
    graph = Graph()
    nothing = f"escalate {plan.specialist}"
    for number, part in enumerate(plan.parts):
        beyond = _beyond(plan, number) or [(nothing, "")]
        for step in part.steps:
            graph.boxes[step.id] = step.description
            for branch in step.next:
                targets = beyond if branch.done else [(branch.target, "")]
                for target, wanted in targets:
                    when = " && ".join(filter(None, (branch.when, wanted)))
                    graph.arrows.append((step.id, target, when))
    for _, target, _ in graph.arrows:
        if target not in graph.boxes:
            kind, _, name = target.partition(" ")
            title = plan.causes[name].title if kind == "cause" else target.replace(" ", ": ", 1)
            graph.boxes[target] = title
            graph.ends.add(target)
    return graph


def _beyond(plan: Plan, number: int) -> list[tuple[str, str]]:
    """What can follow a part: the first steps of parts after it, each with its condition."""
    found: list[tuple[str, str]] = []
    for part in plan.parts[number + 1 :]:
        found.append((part.steps[0].id, part.when or ""))
        if part.when is None:
            return found
    return [*found, (f"escalate {plan.specialist}", "")] if found else []


def mermaid(plan: Plan) -> str:
    """A plan as a flowchart in Mermaid's text."""
    graph = graph_of(plan)
    names = {name: f"n{number}" for number, name in enumerate(graph.boxes)}
    lines = ["flowchart TD"]
    for name, text in graph.boxes.items():
        opened, closed = ("([", "])") if name in graph.ends else ("[", "]")
        lines.append(f'  {names[name]}{opened}"{_quoted(text)}"{closed}')
    for start, target, when in graph.arrows:
        told = f'|"{_quoted(when)}"|' if when else ""
        lines.append(f"  {names[start]} -->{told} {names[target]}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # Mermaid's own way to write a character: its number between # and ;.
    return "".join(
        one if one.isalnum() or one in " .,:!?'()-_" else f"#{ord(one)};" for one in text
    )


def svg(plan: Plan) -> str:
    """A plan as a picture: what is come to later stands lower."""
    graph = graph_of(plan)
    rows = _rows(graph)
    widest = max(len(row) for row in rows)
    width = widest * (WIDE + APART) + APART
    height = len(rows) * (HIGH + BELOW) + BELOW
    places = {
        name: (
            (width - len(row) * (WIDE + APART) + APART) / 2 + at * (WIDE + APART),
            BELOW / 2 + down * (HIGH + BELOW),
        )
        for down, row in enumerate(rows)
        for at, name in enumerate(row)
    }
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
            f"<title>{escape(plan.title)}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
            *_arrows(graph, places),
            *_boxes(graph, places),
            "</svg>\n",
        ]
    )


def _rows(graph: Graph) -> list[list[str]]:
    """The boxes by how many steps are before them at the least; ends come last of all."""
    depth = dict.fromkeys(list(graph.boxes)[:1], 0)
    waiting = list(depth)
    while waiting:
        name = waiting.pop(0)
        for start, target, _ in graph.arrows:
            if start == name and target not in depth:
                depth[target] = depth[name] + 1
                waiting.append(target)
    lowest = max((depth[name] for name in depth if name not in graph.ends), default=0)
    rows: defaultdict[int, list[str]] = defaultdict(list)
    for name in graph.boxes:
        rows[lowest + 1 if name in graph.ends else depth.get(name, lowest)].append(name)
    return [rows[number] for number in sorted(rows)]


def _arrows(graph: Graph, places: dict[str, tuple[float, float]]) -> Iterator[str]:
    for start, target, when in graph.arrows:
        (x1, y1), (x2, y2) = places[start], places[target]
        x1, y1, x2 = x1 + WIDE / 2, y1 + HIGH, x2 + WIDE / 2
        bend = BELOW / 2
        title = f"<title>{escape(when)}</title>" if when else ""
        yield (
            f'<path d="M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}" fill="none" '
            f'stroke="#555" marker-end="url(#tip)">{title}</path>'
        )


def _boxes(graph: Graph, places: dict[str, tuple[float, float]]) -> Iterator[str]:
    for name, text in graph.boxes.items():
        x, y = places[name]
        end = name in graph.ends
        round_, fill = (HIGH / 2, "#e8f3ec") if end else (6, "#f5f5f5")
        short = text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
        yield (
            f'<g><title>{escape(f"{name}: {text}")}</title><rect x="{x}" y="{y}" width="{WIDE}" '
            f'height="{HIGH}" rx="{round_}" fill="{fill}" '
            f'stroke="#555"/><text x="{x + WIDE / 2}" y="{y + HIGH / 2 + 4}" '
            f'text-anchor="middle">{escape(short)}</text></g>'
        )
