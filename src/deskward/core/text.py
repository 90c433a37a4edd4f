"""Texts for people."""

from __future__ import annotations

LINE_LENGTH = 80


def shorten(text: str) -> str:
    """The beginning of a text in one line."""
    line = " ".join(text.split())
    return line if len(line) <= LINE_LENGTH else f"{line[: LINE_LENGTH - 1].rstrip()}…"
