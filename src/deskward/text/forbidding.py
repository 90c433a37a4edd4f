"""Whether a message forbids a deed of the desk's: "カードを止めないでください".

Then nothing is to be done, and nobody has to be called. It is found cautiously: a question, a
condition, a threat, or what is to end that goes on ("do not write to me any more") is for others.
Words are data: `lists/forbids.yaml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from deskward.text.against import sets_condition
from deskward.text.folding import folded
from deskward.text.lists import read_list
from deskward.text.risk import risks_of

LONGEST = 120
"""Characters of such a message; a longer one says more."""
_PARTED = "\u0590"
"""From here on are scripts whose words are found wherever they stand."""
_ENDS = " .!。！،؛、,;…~〜"


@dataclass(frozen=True)
class _Language:
    forms: tuple[re.Pattern[str], ...]
    things: tuple[str, ...]
    ends: tuple[str, ...]


def forbids(text: str) -> bool:
    """Whether a text does nothing but forbid a deed to one of the things that the desk knows."""
    said = folded(text).strip(_ENDS)
    if len(said) > LONGEST or any(mark in text for mark in "?？؟\n"):
        return False
    if sets_condition(said) or risks_of("", text) or _others().search(said):
        return False
    return any(_is_in(said, language) for language in _languages())


def _is_in(said: str, language: _Language) -> bool:
    return (
        any(form.search(said) for form in language.forms)
        and any(thing in said for thing in language.things)
        and not any(word in said for word in language.ends)
    )


@cache
def _others() -> re.Pattern[str]:
    """Words for another one, with which something is to be done instead."""
    lists = read_list("references").values()
    words = {folded(str(word)).rstrip("*") for own in lists for word in own.get("other", ())}
    plain = "|".join(re.escape(word) for word in words if word[0] < _PARTED)
    inside = "|".join(re.escape(word) for word in words if word[0] >= _PARTED)
    return re.compile(rf"(?<!\w)(?:{plain})|{inside}")


@cache
def _languages() -> list[_Language]:
    return [
        _Language(
            tuple(re.compile(form) for form in own["forms"]),
            tuple(folded(str(one)) for one in own["things"]),
            tuple(folded(str(one)) for one in own["ends"]),
        )
        for own in read_list("forbids").values()
    ]
