"""Texts of people without what tells who they are, for others to read.

What has a form (secrets, addresses, numbers, ids, links) is found by it. Names have none: those
that the desk knows are given, and what else may be one is a word that is written with a capital
inside a sentence, and that nobody writes without.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from unicodedata import category, decomposition, normalize

from deskward.security.masking import mask
from deskward.security.vault import PLACEHOLDER, Vault
from deskward.text.folding import bare

_FORMS = (
    ("[link]", re.compile(r"\b(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)),
    ("[email]", re.compile(r"[^\s@<>\"(),;:]{1,64}@[^\s@<>\"(),;:]{1,255}")),
    (
        "[email]",
        re.compile(
            r"(?<![\w.+-])[\w.+-]{1,64} ?[(\[{] ?(?:at|@) ?[)\]}] ?[\w-]{1,63}"
            r"(?: ?[(\[{]? ?(?:\.|dot) ?[)\]}]? ?[\w-]{1,63}){1,4}",
            re.IGNORECASE,
        ),
    ),
    (
        "[email]",
        re.compile(
            r"(?<![\w.+-])[\w.+-]{1,64} at [\w-]{1,63}(?: dot [\w-]{1,63}){1,4}", re.IGNORECASE
        ),
    ),
    ("[id]", re.compile(r"(?<![\w@])@[^\W\d][\w.]{1,62}")),
    ("[id]", re.compile(r"(?<!\w)[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}(?!\w)")),
    ("[number]", re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")),
    (
        "[number]",
        re.compile(r"(?<!\w)\+?\d(?:[ \u00a0\u202f()/.\-\u2010-\u2015\u2212_]{0,3}\d){5,18}(?!\w)"),
    ),
    ("[id]", re.compile(r"\b(?:[A-Za-z]{1,4}-?\d{3,18}|[A-Za-z]{5,8}-?\d{4,18})\b")),
    ("[id]", re.compile(r"\b[A-Za-z]{1,12}_\d{3,18}\b")),
)
MASK = re.compile(r"\[(?:link|email|number|id|name|secret)\]")
"""What stands for what was masked."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BEGINS = re.compile(r"(?:^|[.!?:;\n\"“„»(\[-])\s{0,8}$")
_REPEATED = re.compile(r"\[name\](?:[ .,'’-]{1,3}\[name\])+")


_UNPARTED = re.compile(r"[\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters of scripts in which names stand within words."""
_SIGNS = "\uff20\ufe6b\uff0e\uff1a\uff0f\uff3f\uff0d\uff0b\uff08\uff09"
"""Wide and small forms of the signs that addresses and numbers hold."""
_JOINERS = "\u200c\u200d"
"""Formats that words of some scripts are written with."""
LONG, JOINED = 4, 3
"""A name of so many letters is also found in a word that has so many more, at the most."""


def without_people(text: str, names: Iterable[str] = ()) -> str:
    """A text in which secrets, addresses, numbers, ids and names are masked.

    Args:
        names: Names that are known, of one word or several, and ids. What has digits and no
            spaces is an id: it is masked as a whole, and its parts are ordinary words.
    """
    masked = PLACEHOLDER.sub("[secret]", mask(_plain(text), Vault()))
    given = [_plain(name) for name in names]
    ids = sorted({name for name in given if _is_id(name)}, key=len, reverse=True)
    if ids:
        whole = "|".join(re.escape(one) for one in ids)
        masked = re.sub(rf"(?<![A-Za-z0-9])(?:{whole})(?![A-Za-z0-9])", "[id]", masked, flags=re.I)
    for instead, form in _FORMS:
        masked = form.sub(instead, masked)
    parts = {part for name in given if not _is_id(name) for part in _WORD.findall(name)}
    for part in sorted((one for one in parts if _UNPARTED.search(one)), key=len, reverse=True):
        if len(part) > 1:
            masked = masked.replace(part, "[name]")
    known = {bare(part) for part in parts if len(part) > 1}
    if known:
        masked = _WORD.sub(lambda m: "[name]" if _is_one(m, masked, known) else m[0], masked)
    return _REPEATED.sub("[name]", masked)


def _plain(text: str) -> str:
    """A text with the usual forms of its letters, digits and signs, and nothing hidden in it."""
    if text.isascii():
        return text
    seen: list[str] = []
    for sign in normalize("NFC", text):
        kind = category(sign)
        if kind == "Cf" and not (sign in _JOINERS and seen and _is_joined(seen[-1][-1:])):
            continue
        usual = sign.isdigit() or (kind[0] == "L" and _is_styled(sign)) or sign in _SIGNS
        seen.append(normalize("NFKC", sign) if usual else sign)
    return normalize("NFC", "".join(seen))


def _is_styled(letter: str) -> bool:
    """Whether a letter is another in a wide, narrow, circled or mathematical form."""
    return decomposition(letter).startswith(("<wide>", "<narrow>", "<circle>", "<font>"))


def _is_joined(sign: str) -> bool:
    """Whether a joiner may follow a sign: letters of scripts that join, and pictures."""
    return sign > "\u02ff" and not sign.isdigit()


def _is_id(name: str) -> bool:
    return len(name) > 2 and " " not in name and any(sign.isdigit() for sign in name)


def _is_one(match: re.Match[str], text: str, names: Collection[str]) -> bool:
    inside = text[match.start() - 1 : match.start()] == "["  # a mask of ours
    return not inside and any(_is_form(part, names) for part in re.split("['’-]", bare(match[0])))


def _is_form(word: str, names: Collection[str]) -> bool:
    """Whether a word is a name, or one with an ending or a small word before it that is joined."""
    if word in names:
        return True
    return any(
        len(name) >= LONG and len(word) - len(name) <= JOINED and name in word for name in names
    )


def perhaps_names(text: str) -> set[str]:
    """The words of a text that may be names: with a capital, and not at a sentence's beginning."""
    return {
        match[0]
        for match in _WORD.finditer(text)
        if match[0][0].isupper()
        and len(match[0]) > 1
        and not _BEGINS.search(text, max(0, match.start() - 8), match.start())
    }
