"""Words as they are looked up in texts of any language: folded, and in pairs without spaces.

Chinese, Japanese, Thai and others write words without spaces: a run of such letters becomes its
pairs (bigrams) and its last letter, so that any part of it is found.
"""

from __future__ import annotations

import re

from deskward.text.folding import folded

LONGEST = 64
"""Letters of a word that are kept."""
MOST = 5_000
"""Different words of a text that are kept."""

_MARKS = "\u0300-\u036f\u0610-\u065f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_WORD = re.compile(f"[\\w{_MARKS}]+")
_UNPARTED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_PART = re.compile(f"[{_UNPARTED}]+|[^{_UNPARTED}]+")
_IS_UNPARTED = re.compile(f"[{_UNPARTED}]")


def words_to_keep(text: str) -> str:
    """The words of a text by which it is found, parted by spaces; none where it has none."""
    kept: dict[str, None] = {}
    for part in _parts(text):
        if not part.isascii() and _IS_UNPARTED.match(part):
            kept.update(dict.fromkeys(part[at : at + 2] for at in range(len(part))))
        else:
            kept[part[:LONGEST]] = None
        if len(kept) >= MOST:
            break
    return " ".join(list(kept)[:MOST])


def words_to_find(text: str) -> list[tuple[str, bool]]:
    """The words that a text must have to be found, and whether they may be the beginning of one."""
    found: list[tuple[str, bool]] = []
    for part in _parts(text):
        if _IS_UNPARTED.match(part) and len(part) > 1:
            found += [(part[at : at + 2], False) for at in range(len(part) - 1)]
        else:
            found.append((part[:LONGEST], bool(_IS_UNPARTED.match(part))))
    if found and text.endswith("*"):
        found[-1] = (found[-1][0], True)
    return found


def _parts(text: str) -> list[str]:
    whole = folded(text)
    words: list[str] = _WORD.findall(whole)
    if _IS_UNPARTED.search(whole) is None:
        return words
    return [part for word in words for part in _PART.findall(word)]
