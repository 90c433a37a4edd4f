"""An answer with something else behind it: "yes, what is my balance?".

The question behind it takes nothing back of the answer where it is about something of the
speaker's own, points at nothing that was said, and has no word of what was asked. Anything else
may doubt the answer ("yes, is that right?", "yes, where is the spam folder?"). Words are data:
`text/lists/options.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from deskward.text.folding import folded
from deskward.text.joins import ands
from deskward.text.lists import read_list

LONGEST = 400
"""Characters of such an answer."""
TELLING = 4
"""Letters of a word that tells what a question is about."""
ROOT = 5
"""So many letters of two words are the same where they are forms of one."""

_WORD = re.compile(r"[^\W_]+")


def without_besides(said: str, asked: str) -> str:
    """What was said without a question behind it that is about something else.

    Args:
        asked: What it answers.
    """
    if len(said) > LONGEST or not said.rstrip().endswith(("?", "？", "؟")):
        return said
    for cut in _cut().finditer(said):
        answer, behind = said[: cut.start()].strip(), said[cut.end() :]
        if answer and behind and not any(mark in answer for mark in "?？؟"):
            return answer.rstrip(",;،、–—") if _is_of_its_own(behind, asked) else said
    return said


def _is_of_its_own(question: str, asked: str) -> bool:
    words = set(_WORD.findall(folded(question)))
    own, points = _words("own"), _words("points")
    languages = [name for name, some in own.items() if words & some]
    if not languages or any(words & points.get(name, frozenset()) for name in languages):
        return False
    known = {word for word in _WORD.findall(folded(asked)) if len(word) >= TELLING}
    telling = (word for word in words if len(word) >= TELLING)
    return not any(word[:ROOT] == one[:ROOT] for word in telling for one in known)


@cache
def _cut() -> re.Pattern[str]:
    return re.compile(rf"(?<=[,.:;!。、，；！،؛–—])\s*|\s+(?=(?:{ands()})\s)")


@cache
def _words(name: str) -> Mapping[str, frozenset[str]]:
    lists = read_list("options")[name]
    return {language: frozenset(map(folded, own)) for language, own in lists.items()}
