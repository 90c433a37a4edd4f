"""By what a text of others is known to speak of a customer."""

from __future__ import annotations

import html
import ipaddress
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

ERASED = "[erased]"

Told = Literal["name", "email", "phone", "address", "id", "number"]
"""What of a customer a text is; a `number` is their id in another system."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}\.\w{2,63}")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f:]{2,39}(?![\w:])")
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that put no space between words."""
_LONGEST_DOCUMENT = 2_000_000


@dataclass(frozen=True)
class Person:
    """What is told of a customer, and could be told of them elsewhere."""

    customer_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    also: tuple[tuple[Told, str], ...] = ()
    """More of the same kinds: further addresses, and how they were called before a merger."""
    hosts: tuple[str, ...] = ()
    """Those that are theirs alone, as far as the desk knows; in texts they are no marks."""

    @property
    def ids(self) -> list[str]:
        """Their id, and those of customers who turned out to be them."""
        return [self.customer_id, *(text for told, text in self.also if told == "id")]

    @property
    def marks(self) -> list[str]:
        """Those texts by which they are told from anybody else, wherever they stand.

        A name such as `staff`, or an address such as `a`, is a word like any other: it is known
        only where a record says whose it is.
        """
        told: list[tuple[Told, str]] = [
            ("name", self.name),
            ("email", self.email),
            ("phone", self.phone),
            ("address", self.address),
            ("id", self.customer_id),
            *self.also,
        ]
        found = [_plain(text) for kind, text in told if _TELLS[kind](text)]
        return list(dict.fromkeys(text for text in found if text))


class Signs:
    """Finds a person in texts and documents."""

    def __init__(
        self, person: Person, *, own: Iterable[str] = (), others: Iterable[str] = ()
    ) -> None:
        """Make them.

        Args:
            own: Texts that are somebody else's too, and do not count.
            others: Texts of other customers that contain a mark of the person, such as a longer
                name: where one of these stands, the person does not.
        """
        not_theirs = {_plain(text).casefold() for text in own}
        marks = [mark for mark in person.marks if mark.casefold() not in not_theirs]
        same = {mark.casefold() for mark in person.marks}
        self._ids = frozenset(person.ids)
        self._labels = frozenset(f"customer:{known}" for known in person.ids)
        longer = {plain for plain in map(_plain, others) if plain.casefold() not in same}
        kept = [_bounded(text) for text in sorted(longer, key=len, reverse=True) if text]
        sought = [
            _bounded(form)
            for text in sorted(marks, key=len, reverse=True)
            for form in dict.fromkeys((text, html.escape(text)))
        ]
        self._addresses = frozenset(one for one in person.hosts if ":" in one)
        names = sorted(set(person.hosts) - self._addresses, key=len, reverse=True)
        hosts = "|".join(map(re.escape, names))
        self._hosts = re.compile(rf"(?<![\w-])(?:{hosts or '(?!)'})(?![\w-]|\.\w)")
        self._pattern = re.compile(f"({'|'.join(kept) or '(?!)'})|{'|'.join(sought) or '(?!)'}")

    def names_host(self, text: str) -> bool:
        """Whether a text names a host of the person's, or one below it."""
        plain = text.casefold()
        if self._addresses and any(map(self._is_theirs, _IPV6.findall(plain))):
            return True
        return self._hosts.search(plain) is not None

    def _is_theirs(self, address: str) -> bool:
        """Whether an IPv6 address is one of theirs, at whatever length it is written."""
        try:
            return str(ipaddress.IPv6Address(address)) in self._addresses
        except ValueError:
            return False

    def without(self, text: str) -> str:
        """The text with the person taken out; the very same where they are not in it."""
        plain = _plain(text)
        changed = self._pattern.sub(lambda found: found[1] or ERASED, plain)
        return text if changed == plain else changed

    def in_text(self, text: str) -> bool:
        """Whether a text speaks of the person."""
        return any(found[1] is None for found in self._pattern.finditer(_plain(text)))

    def in_document(self, value: Any, keys: frozenset[str]) -> bool:
        """Whether a JSON value, or text that may be JSON, tells of the person.

        Args:
            keys: Names under which a customer's id stands.
        """
        if isinstance(value, str):
            parsed = _parsed(value)
            if parsed is None:
                return value in self._labels or self.in_text(value)
            value = parsed
        if isinstance(value, Mapping):
            if value.get("kind") == "customer" and _is_one(value.get("id"), self._ids):
                return True
            return any(
                (name in keys and _is_one(item, self._ids))
                or self.in_document(name, keys)
                or self.in_document(item, keys)
                for name, item in value.items()
            )
        return isinstance(value, list) and any(self.in_document(item, keys) for item in value)


def _is_one(value: Any, ids: frozenset[str]) -> bool:
    return isinstance(value, str) and value in ids


def _parsed(text: str) -> Any:
    if text[:1] not in ("{", "[", '"') or len(text) > _LONGEST_DOCUMENT:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if isinstance(found, str) else found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _names(name: str) -> bool:
    words = name.split()
    if len(words) > 1:
        return sum(map(str.isalnum, name)) > 3
    word = words[0] if words else ""
    if not word.isalpha():
        return False
    if _NO_SPACES.match(word) or word[:1].lower() == word[:1].upper():
        return len(word) >= 2
    return len(word) >= 3 and word[:1].isupper()


def _places(address: str) -> bool:
    words = address.split()
    return len(words) > 1 and any(word[:1].isupper() or word[:1].isdigit() for word in words)


def _numbers(customer_id: str) -> bool:
    return len(customer_id) >= 5 and any(map(str.isdigit, customer_id))


_TELLS: dict[Told, Callable[[str], bool]] = {
    "name": _names,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "phone": lambda text: sum(map(str.isdigit, text)) >= 7,
    "address": _places,
    "id": _numbers,
    "number": _numbers,
}
"""Whether a text of that kind tells somebody from anybody else."""


def _bounded(text: str) -> str:
    """A pattern for a whole word, name or address, in any case if there is more than one word."""
    inner = r"\s+".join(map(re.escape, text.split()))
    if not (text.isalpha() or _NO_SPACES.search(text)):
        inner = f"(?i:{inner})"
    if _NO_SPACES.search(text):
        return inner
    mail = "@" in text
    before = r"(?<![\w.+-])" if mail else r"(?<!\w)"
    after = r"(?![\w-]|\.\w)" if mail else r"(?!\w)"
    return f"{before}{inner}{after}"
