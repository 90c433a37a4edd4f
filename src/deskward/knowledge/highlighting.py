"""Which part of a passage answers a question, and which of its words were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deskward.text.analysis import spans_of

LONGEST = 300
"""Characters of the part that is shown."""
_ENDS = (". ", "! ", "? ", "\n", "。", "！", "？")


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of a text, and where in it the words stand that were asked for."""

    text: str
    marks: tuple[tuple[int, int], ...]
    """Start and end of each, in characters of `text`; none overlap."""


def shown(text: str, language: str, asked: Sequence[tuple[str, ...]]) -> Shown:
    """The part of a text with most of the words that were asked for.

    Args:
        asked: As `words_asked` gives them.
    """
    wanted = {form: place for place, forms in enumerate(asked) for form in forms}
    found = [
        (start, end, wanted[form])
        for start, end, forms in spans_of(text, language)
        for form in forms
        if form in wanted
    ]
    best, most = 0, 0
    for at, (start, _, _) in enumerate(found):
        within = {word for begin, end, word in found[at:] if end <= start + LONGEST}
        if len(within) > most:
            best, most = at, len(within)
    start = _beginning(text, found[best][0]) if found else 0
    end = _ending(text, start)
    marks: list[tuple[int, int]] = []
    for begin, finish, _ in found:
        if begin < start or finish > end:
            continue
        if marks and begin - start < marks[-1][1]:  # pairs of syllables overlap
            marks[-1] = (marks[-1][0], max(marks[-1][1], finish - start))
        else:
            marks.append((begin - start, finish - start))
    return Shown(text[start:end], tuple(marks))


def _beginning(text: str, place: int) -> int:
    """The beginning of the sentence that a place is in, if it is near."""
    if place <= LONGEST // 2:
        return 0
    near = text[place - LONGEST // 2 : place]
    cut = max(near.rfind(end) + len(end) if end in near else 0 for end in _ENDS)
    return place - LONGEST // 2 + (cut or near.find(" ") + 1)


def _ending(text: str, start: int) -> int:
    end = start + LONGEST
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", start + LONGEST // 2, end)
    return space if space > 0 else end
