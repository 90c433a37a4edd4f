"""Which language a document is in."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from deskward.text.language import language_of

LOOKED_AT = 20
"""Passages that are asked; the first ones."""
UNKNOWN = "und"
"""As BCP 47 says that a language is not known."""

_SCRIPTS = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "zh",
    "THAI": "th",
    "ARABIC": "ar",
    "HEBREW": "he",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "CYRILLIC": "ru",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
"""Script, as Unicode's names of its letters begin → the language that most texts in it are in."""
_FORM = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,4}")
_UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
_PERSIAN = re.compile("[پچژگ]")


def tagged(text: str) -> str:
    """A language as BCP 47 writes it, if this is one; else nothing."""
    text = text.strip()
    if not _FORM.fullmatch(text):
        return ""
    first, *more = text.replace("_", "-").split("-")
    named = [first.lower()]
    for part in more:
        named.append(part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part)
    return "-".join(named)


def detected(texts: Sequence[str]) -> str:
    """The language of some texts: by their script, or by their commonest small words."""
    sample = " ".join(texts[:LOOKED_AT])[:20_000]
    scripts: Counter[str] = Counter()
    for letter, count in Counter(sample[:4_000]).items():
        if letter.isalpha():
            script = unicodedata.name(letter, "?").partition(" ")[0].partition("-")[0]
            scripts[script] += count
    if not scripts:
        return UNKNOWN
    script, count = scripts.most_common(1)[0]
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > sum(scripts.values()) / 20:
        return "ja"
    if script == "CYRILLIC" and _UKRAINIAN.search(sample):
        return "uk"
    if script == "ARABIC" and len(_PERSIAN.findall(sample)) * 50 > count:
        return "fa"
    if script in _SCRIPTS:
        return _SCRIPTS[script]
    votes: Counter[str] = Counter(language_of([text], UNKNOWN) for text in texts[:LOOKED_AT])
    del votes[UNKNOWN]
    return votes.most_common(1)[0][0] if votes else UNKNOWN
