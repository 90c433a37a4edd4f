"""How words are made equal before they are looked up: case, forms of letters, and Turkish i."""

from __future__ import annotations

import unicodedata

_SAME = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'", "\u0307": None, "ı": "i"})
"""Apostrophes; and both Turkish letters i as one, since casefolding makes an i of the capital I."""


def folded(text: str) -> str:
    """The text in NFKC (Unicode Annex 15), without case, and with one letter for I, İ, ı and i.

    Whoever looks up must fold both the text and what it is compared with.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    return unicodedata.normalize("NFKC", text).casefold().translate(_SAME)


def bare(text: str) -> str:
    """The text in lower case and without accents: names are often written so in records."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
