"""Texts of people without what tells who they are, for others to read.

What has a form (secrets, addresses, numbers, ids, links) is found by it. Names have none: those
that the desk knows are given, and what else may be one is a word that is written with a capital
inside a sentence, and that nobody writes without.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from deskward.security.masking import mask
from deskward.security.vault import PLACEHOLDER, Vault

_FORMS = (
    ("[link]", re.compile(r"\b(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)),
    ("[email]", re.compile(r"[^\s@<>\"(),;:]{1,64}@[^\s@<>\"(),;:]{1,255}")),
    ("[number]", re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")),
    ("[number]", re.compile(r"(?<!\w)\+?\d(?:[ ()/-]{0,2}\d){5,18}(?!\w)")),
    ("[id]", re.compile(r"\b[A-Za-z]{1,4}-?\d{3,18}\b")),
)
MASK = re.compile(r"\[(?:link|email|number|id|name|secret)\]")
"""What stands for what was masked."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BEGINS = re.compile(r"(?:^|[.!?:;\n\"“„»(\[-])\s{0,8}$")
_REPEATED = re.compile(r"\[name\](?:[ .,'’-]{1,3}\[name\])+")


def without_people(text: str, names: Iterable[str] = ()) -> str:
    """A text in which secrets, addresses, numbers, ids and names are masked.

    Args:
        names: Names that are known, of one word or several.
    """
    masked = PLACEHOLDER.sub("[secret]", mask(text, Vault()))
    for instead, form in _FORMS:
        masked = form.sub(instead, masked)
    known = {word.casefold() for name in names for word in _WORD.findall(name) if len(word) > 1}
    if known:
        masked = _WORD.sub(lambda m: "[name]" if _is_one(m, masked, known) else m[0], masked)
    return _REPEATED.sub("[name]", masked)


def _is_one(match: re.Match[str], text: str, names: Collection[str]) -> bool:
    inside = text[match.start() - 1 : match.start()] == "["  # a mask of ours
    return not inside and any(part.casefold() in names for part in re.split("['’-]", match[0]))


def perhaps_names(text: str) -> set[str]:
    """The words of a text that may be names: with a capital, and not at a sentence's beginning."""
    return {
        match[0]
        for match in _WORD.finditer(text)
        if match[0][0].isupper()
        and len(match[0]) > 1
        and not _BEGINS.search(text, max(0, match.start() - 8), match.start())
    }
