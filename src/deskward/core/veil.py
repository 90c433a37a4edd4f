"""Secrets that stand in what was said and seen: under their names, and in addresses.

People put a password into an address, servers set cookies, and a configuration holds keys. Where
such things are kept to be read later, or shown, what is secret by its name is masked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "**********"
"""What stands for a secret."""
SHORTEST = 4
"""Characters of a secret that is looked for by itself; a shorter one stands in many words."""
_ONE_OF = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private|signing|encryption)_?key|"
    r"credentials?|authori[sz]ation|cookie|jwt|bearer"
)
_NAME = re.compile(rf"(?:^|_)(?:{_ONE_OF})s?(?:_|$)")
_IN_A_QUERY = re.compile(rf"(?:^|_)(?:{_ONE_OF}|key|sig|signature|auth|session|sid|code)s?(?:_|$)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PARTED = re.compile(r"[^a-z0-9]+")
_USER = re.compile(r"(?<=://)[^\s/?#@\"'<>]{1,500}@")
_GIVEN = re.compile(r"([?&;#])([A-Za-z0-9_.%\[\]-]{1,100})=([^&;\s#\"'<>]+)")


def veiled(value: Any, secrets: Collection[str] = (), names: Collection[str] = ()) -> Any:
    """A value as JSON has it, with its secrets masked.

    Args:
        secrets: Texts that are masked wherever they stand.
        names: Names whose values are masked, besides those that say it themselves.
    """
    if isinstance(value, str):
        return _text(value, secrets)
    if isinstance(value, dict):
        return {
            _text(str(name), secrets): MASK
            if _masks(str(name), part, names)
            else veiled(part, secrets, names)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [veiled(part, secrets, names) for part in value]
    return value


@lru_cache(maxsize=4_096)
def is_secret(name: str) -> bool:
    """Whether what is called so is a secret."""
    return _NAME.search(_plain(name)) is not None


def unveiled(given: Any, before: Any) -> Any:
    """A value that is written again by who read it with its secrets masked: those stay as before.

    Args:
        before: What it was, unmasked.
    """
    if given == MASK:
        return given if before is None else before
    if isinstance(given, dict):
        known = before if isinstance(before, dict) else {}
        return {name: unveiled(part, known.get(name)) for name, part in given.items()}
    if isinstance(given, list):
        same = isinstance(before, list) and len(before) == len(given)
        return [unveiled(part, before[at] if same else None) for at, part in enumerate(given)]
    return given


def secrets_in(value: Any, inside: bool = False) -> Iterator[str]:
    """The texts that stand under names of secrets."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from secrets_in(part, inside or is_secret(str(name)))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from secrets_in(part, inside)
    elif inside and isinstance(value, str):
        yield value


def _text(text: str, secrets: Collection[str]) -> str:
    for one in sorted(secrets, key=len, reverse=True):  # what holds another one goes first
        if len(one) >= SHORTEST:
            for written in (quote(one, safe=""), quote_plus(one), quote(one), one):
                text = text.replace(written, MASK)
    if "@" in text:
        text = _USER.sub(f"{MASK}@", text)
    return _GIVEN.sub(_masked, text) if "=" in text else text


def _masked(found: re.Match[str]) -> str:
    secret = _IN_A_QUERY.search(_plain(found[2])) is not None
    return f"{found[1]}{found[2]}={MASK}" if secret else found[0]


def _plain(name: str) -> str:
    return _PARTED.sub("_", _HUMP.sub("_", name[:200]).lower())


def _masks(name: str, value: Any, names: Collection[str]) -> bool:
    """Whether a value is masked by its name. Nothing, a truth, and a count of tokens are none."""
    if isinstance(value, bool) or value in (None, "", [], {}):
        return False
    counted = isinstance(value, int | float) and "token" in name.lower()
    return name in names or (is_secret(name) and not counted)
