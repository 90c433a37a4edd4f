"""Texts for people."""

from __future__ import annotations

LINE_LENGTH = 80


def shorten(text: str) -> str:
    """The beginning of a text in one line, cut between two words where it has spaces there."""
    line = " ".join(text.split())
    if len(line) <= LINE_LENGTH:
        return line
    begun = line[: LINE_LENGTH - 1]
    whole = begun.rpartition(" ")[0] if line[LINE_LENGTH - 1] != " " else begun
    return f"{(whole if len(whole) > LINE_LENGTH // 2 else begun).rstrip()}…"
