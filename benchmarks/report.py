"""A report: sections of text, tables and plots, written as Markdown and as one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from benchmarks.figures import Figure

Cell = str | int | float | Figure

_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .7rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
td.long { white-space: normal; text-align: left; }
img { max-width: 100%; }
"""
LONG = 40
"""Characters from which a cell of a table is broken into lines."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Notes:
    """A list of remarks."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table; its first column holds names."""

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Plot:
    """What a plot shows; `plots.draw` draws it.

    Attributes:
        title: Stands above it, with the unit.
        kind: `bars` compares subjects, `lines` shows how a figure grows with the load, and
            `answers` what clients were answered over time.
        series: Names, and their points: a label or a number, and the figure there. Those of
            `answers` are the second, and (seconds it took, its least and its most are not used).
        log: Whether the axis of figures is logarithmic.
        spans: For `answers`: from when to when something was away, in seconds.
    """

    title: str
    kind: Literal["bars", "lines", "answers"]
    series: dict[str, list[tuple[str | float, Figure]]]
    x_title: str = ""
    log: bool = False
    spans: list[tuple[float, float]] = field(default_factory=list)


Block = Text | Notes | Table | Plot


@dataclass(frozen=True)
class Section:
    """One part of the report."""

    title: str
    blocks: Sequence[Block]


def plots_of(sections: Iterable[Section]) -> list[Plot]:
    """All plots, in their order."""
    return [block for section in sections for block in section.blocks if isinstance(block, Plot)]


def markdown(title: str, sections: Iterable[Section], drawn: Sequence[str] = ()) -> str:
    """The report as Markdown.

    Args:
        drawn: Addresses of the plots, in their order; none where they could not be drawn.
    """
    parts, images = [f"# {title}"], iter(drawn)
    for section in sections:
        parts.append(f"## {section.title}")
        for block in section.blocks:
            if isinstance(block, Text):
                parts.append(block.text)
            elif isinstance(block, Notes):
                parts.append("\n".join(f"- {item}" for item in block.items))
            elif isinstance(block, Table):
                parts.append(_markdown_table(block))
            elif address := next(images, None):
                parts.append(f"![{block.title}]({address})")
    return "\n\n".join(part for part in parts if part) + "\n"


def html(title: str, sections: Iterable[Section], drawn: Sequence[str] = ()) -> str:
    """The report as one HTML file that needs no other.

    Args:
        drawn: The plots as SVG, in their order; none where they could not be drawn.
    """
    parts, images = [f"<h1>{escape(title)}</h1>"], iter(drawn)
    for section in sections:
        parts.append(f"<h2>{escape(section.title)}</h2>")
        for block in section.blocks:
            if isinstance(block, Text):
                parts.append(f"<p>{_inline(block.text)}</p>")
            elif isinstance(block, Notes):
                items = "".join(f"<li>{_inline(item)}</li>" for item in block.items)
                parts.append(f"<ul>{items}</ul>")
            elif isinstance(block, Table):
                parts.append(_html_table(block))
            elif svg := next(images, None):
                # As images: the ids inside two drawings would otherwise meet on one page.
                data = base64.b64encode(svg.encode()).decode()
                source = f"data:image/svg+xml;base64,{data}"
                parts.append(f'<p><img alt="{escape(block.title)}" src="{source}"></p>')
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}</style>\n{body}\n</html>\n"
    )


def _markdown_table(table: Table) -> str:
    lines: list[Sequence[Any]] = [
        table.header,
        ["---", *["---:"] * (len(table.header) - 1)],
        *table.rows,
    ]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = []
    for row in table.rows:
        cells = ((str(value), " class=long" if len(str(value)) > LONG else "") for value in row)
        rows.append("".join(f"<td{kind}>{_inline(text)}</td>" for text, kind in cells))
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}</table>"


def _inline(text: str) -> str:
    """Text for HTML, in which `…` is code as it is in Markdown."""
    parts = escape(text, quote=False).split("`")
    if len(parts) % 2 == 0:  # an odd backquote is only that
        return "`".join(parts)
    return "".join(f"<code>{p}</code>" if at % 2 else p for at, p in enumerate(parts))
