"""Finding a postal address by its shape: capitalised words and numbers that stand together."""

from __future__ import annotations

import re

from deskward.accounts.postal_plain import plain_address
from deskward.text.lists import read_list

MAX_TEXT = 2_000
"""Characters in which an address is looked for."""

_TOKEN = re.compile(r"\S+")
_EDGES = "\"'“”„«»()*,;:!?…"
_CUT = re.compile(r"\d\w{0,5}\s(?:[^\W\d_]{1,30}\s){1,6}\Z")
_SMALL_IN_A_ROW = 3
"""Small words between two others: "bis boulevard de la Liberté" has four, the first read before."""
_BREAK = re.compile(r"[;:!?…)]$")
_DASHES = ("-", "–", "—")
_STATE = re.compile(r"[A-Z]{2}|\d")
"""What a dash joins to a town: "Curitiba - PR", "Lisboa – 1000-205"."""
_ORDINAL = re.compile(r"\d+[.ºª°]?|[^\W\d_]")
"""What a part of a house is named by: "piso 3", "3º andar", "bloco b"."""


class _Words:
    """The words of `text/lists/postal.yaml`."""

    def __init__(self) -> None:
        lists = read_list("postal")
        self.small = frozenset(lists["small"])
        self.streets = frozenset(lists["streets"])
        self.short = frozenset(lists["short"])
        self.never = tuple(lists["never"])
        self.after = frozenset(lists["after"])
        self.inside = frozenset(lists["inside"])
        self.units = frozenset(lists["units"])


_WORDS = _Words()


def postal_address(text: str) -> str | None:
    """The part of a text that has the shape of a postal address, or None.

    It has a number and two words with capitals at least, and begins with either. Small words
    ("de la") and kinds of street ("rue") may stand within it. Where no capitals tell it,
    `plain_address` does.
    """
    text = text[:MAX_TEXT]
    runs = [run for run in _runs(text) if _is_address(run)]
    found = max(runs, key=_weight) if runs else plain_address(text)
    # "8 xyz des Cèdres, 59000 Lille": a number in front may be its beginning; it is asked for then.
    return None if found and _CUT.search(text[: text.index(found)]) else found


def _runs(text: str) -> list[str]:
    shouts = text.isupper()
    tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    found: list[str] = []
    start = end = -1

    def close() -> None:
        nonlocal start
        if start >= 0:
            found.append(text[start:end].rstrip(".,;:!?…\"'“”«»()"))
        start = -1

    for at, (token, begin, stop) in enumerate(tokens):
        core = token.strip(_EDGES)
        word = core.rstrip(".").lower()
        following = tokens[at + 1][0].lstrip(_EDGES) if at + 1 < len(tokens) else ""
        stays = start >= 0 and _stays(core, tokens[at - 1][0].strip(_EDGES), following)
        if not stays and (not core or _is_no_part(token, word, shouts)):
            close()
            continue
        if token[0] in "\"'“„«(" or (token.startswith("-") and not stays):
            close()
            begin += 1
        # "No" is short for number, and begins no address: "no, via Verdi 16".
        street = word in _WORDS.streets and (start >= 0 or word not in _WORDS.inside)
        within = start >= 0 and (word in _WORDS.small or "'" in core)
        if stays or core[0].isupper() or core[0].isdigit():
            if start < 0:
                start = begin
            end = stop
        elif (street or within) and following[:1].isalnum():
            ahead = [one.strip(_EDGES) for one, _, _ in tokens[at + 1 : at + 2 + _SMALL_IN_A_ROW]]
            if not _goes_on(ahead, begins=start < 0 and not street):
                if not street:
                    close()
                continue
            start = begin if start < 0 else start
            end = stop
        else:
            close()
            continue
        if _BREAK.search(token) or (token.endswith(".") and not is_short(core, following)):
            close()
    close()
    return found


def _stays(core: str, before: str, following: str) -> bool:
    """Whether a word names a part of a house, or is its letter ("apto 42 b"), or a dash."""
    word = core.rstrip(".").lower()
    if core in _DASHES:
        return bool(_STATE.match(following))
    if word in _WORDS.units:
        return bool(_ORDINAL.match(before) or _ORDINAL.fullmatch(following.strip(_EDGES)))
    letter = len(core) == 1 and core.isalpha()
    return letter and before.rstrip(".").lower() in _WORDS.units


def _goes_on(ahead: list[str], *, begins: bool) -> bool:
    """Whether what follows a small word or a kind of street is part of an address."""
    if begins:
        return ahead[0][:1].isupper()
    small = _WORDS.small | _WORDS.streets
    following = next((one for one in ahead if one.lower() not in small or one[:1].isupper()), "")
    name = following.rpartition("'")[2]  # l'Église
    return name[:1].isupper() or name[:1].isdigit()


def _is_no_part(token: str, word: str, shouts: bool) -> bool:
    never = word.startswith(_WORDS.never) or (shouts and word in _WORDS.after)
    return never or "[[" in token


def is_short(core: str, following: str) -> bool:
    """Whether a full stop ends an abbreviation: "Str. 5", "1203. Sokak"."""
    word = core.rstrip(".").lower()
    if word.isdigit():
        return following.rstrip(".,").lower() in _WORDS.streets | _WORDS.units
    return word in _WORDS.short | _WORDS.units or any(
        word.endswith(end) for end in ("str", "sok", "cad")
    )


def _is_address(run: str) -> bool:
    words = [word for word in re.findall(r"[^\W\d_]{2,}", run) if word[0].isupper()]
    numbers = re.findall(r"\d+", run)
    return bool(numbers) and len(words) >= 2 and len(run) >= 8


def _weight(run: str) -> tuple[int, int]:
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", run)}
    return ("," in run) + bool(words & _WORDS.streets), len(run)
