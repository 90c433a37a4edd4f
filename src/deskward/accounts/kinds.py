"""The kinds of value of accounts that a sentence may name."""

from __future__ import annotations

import re

from deskward.accounts.postal import is_short, postal_address
from deskward.text.excluding import without_excluded
from deskward.text.finding import Kind
from deskward.text.lists import read_list
from deskward.text.spacing import ALONE

MAX_ADDRESS = 400
"""Characters in which an address is looked for; a longer one is none."""

_PASSWORD = re.compile(r"\[\[(?:password|phrase|key|code):\d+\]\]")
_PHRASE = re.compile(r"\[\[phrase:\d+\]\]")
_CARD = re.compile(r"\[\[card:\d+\]\]")
_MAKES = {
    name: make for make, names in read_list("makes").items() for name in (make.lower(), *names)
}
"""How makes of cards are called → the make, as accounts have it."""
_MAKE = re.compile(
    rf"(?<![^\W{ALONE}])(?:[وفبل]{{0,2}}ال)?({'|'.join(sorted(_MAKES, key=len, reverse=True))})"
    r"(?:s|-?card|-?karte|-?kaart|kart\w{0,6}|[yn]?[ıi]|[ıi]?m[ıi]?|n[ıi]n|m[ıi]n)?"
    rf"(?![^\W{ALONE}])",
    re.IGNORECASE,
)
"""A make, also with what languages put before and behind it."""
_LAST4 = re.compile(
    r"(?<![\d$€£.,])(?:\*{1,20}|x{1,20}|#|\.{2,20}|…)?(\d{4})(?![\d%]|[.,]\d)", re.IGNORECASE
)
_ADDRESS_AFTER = re.compile(
    r"(?:\b(?:address|residence|home|place|mail|letters|post)\b[^,:\n]{0,30}?"
    r"\s*(?:\b(?:to|is|be|at|as|with|now)\b|[:=]|->)\s+"
    r"|\b(?:moved|moving|relocated|relocating|relocate|move)\b[^,\n]{0,30}?\s(?:to|at|into)\s+"
    r"|\b(?:live|living|reside|residing|based|staying)\s+(?:now\s+)?(?:at|in|on)\s+"
    r"|\b(?:to|at|as|is|put|use|down|into)\s+(?=\d|P\.?O\.?\s|Flat\b|Apt\b|Apartment\b|Unit\b|Suite\b))"
    r"(?P<address>.+)",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS_START = re.compile(
    r"(?P<address>(?:\b\d{1,5}[A-Za-z]?(?:[-/]\d+)?\s+[A-Z\d]|\bP\.?\s?O\.?\s+Box\b|\b(?:Flat|Apt\.?|Apartment|Unit|Suite)"
    r"\s+\w+).+)",
    re.DOTALL,
)
_ADDRESS_TAIL = re.compile(
    r"(?<![\s,])[\s,]+(?:please|pls|thanks|thank you|thx|from now on|from today|starting \w+"
    r"|as of \w+|now|instead|as my (?:new )?(?:\w+ )?address|for my (?:\w+ )?address|effective \w+"
    r"|asap|today|next (?:week|month)|on (?:my|the) (?:account|file|profile|records?)"
    r"|if (?:you|that).*|tomorrow|ok\??|okay\??|last (?:week|month)|down as my address"
    r"|is my (?:new )?address|will be my (?:new )?(?:home )?address)"
    r"[\s.!?]*$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<![^\s.!?;])(?P<last>[^\s.!?;]*)[.!?;]\s+(?=(?P<next>[^\W\d_]\S*))")


def _password(text: str, answers: bool) -> str | None:
    found = _PASSWORD.findall(text)
    return found[0] if len(set(found)) == 1 else None  # of two, it is not known which is the new


def _last_password(text: str) -> str | None:
    found = _PASSWORD.findall(text)
    return found[-1] if found else None


def _current_password(text: str, answers: bool) -> str | None:
    found = _PASSWORD.findall(text)
    return found[0] if len(found) > 1 or (answers and found) else None


def _card(text: str, answers: bool) -> str | None:
    if whole := _CARD.search(text):
        return whole.group()
    text = without_excluded(text)
    last4 = _LAST4.search(text)
    makes = {_MAKES[make.lower()] for make in _MAKE.findall(text)}
    if last4:
        return f"{int(last4.group(1)):04d}"  # of whatever digits: ４２４２
    return makes.pop() if len(makes) == 1 else None


def _address(text: str, answers: bool) -> str | None:
    matches = [m for m in (_ADDRESS_START.search(text), _ADDRESS_AFTER.search(text)) if m]
    for match in matches:
        address = _trimmed(match["address"])
        if re.search(r"\d", address) and re.search(r"[A-Za-z]{2}", address) and len(address) >= 5:
            return address
    bare = _trimmed(text)
    if answers and " " not in bare:  # in scripts that part no words
        return postal_address(text)
    return bare if answers and len(bare) >= 5 and " " in bare else None


def _trimmed(address: str) -> str:
    address = " ".join(address[:MAX_ADDRESS].split())
    ends = (end for end in _SENTENCE_END.finditer(address) if _is_end(end["last"], end["next"]))
    if end := next(ends, None):
        address = address[: end.end("last")]
    while (shorter := _ADDRESS_TAIL.sub("", address)) != address:
        address = shorter
    return address.strip(" ,;:\"'“”.!?")


def _is_end(last: str, following: str) -> bool:
    """Whether a sentence ends behind a word, and no abbreviation: "Rua Dr. Flores"."""
    initial = len(last) == 1 and last.isupper()
    return following[0].isupper() and not (initial or is_short(last, following))


KINDS: dict[str, Kind] = {
    "password": Kind(
        _password,
        looks=_PASSWORD,
        reads_as="xpassword",
        secret=True,
        anywhere=_last_password,
        doubtful=_PHRASE,
    ),
    "current_password": Kind(_current_password, secret=True),
    "card": Kind(_card, looks=_CARD, reads_as="xcard", called=_MAKE),
    "address": Kind(
        _address,
        looks=re.compile(r"\b\d+[a-z]?\s+(?:[A-Z][\w.]*\s+){1,4}[^.?!]*"),
        reads_as="xaddress",
        loose=True,
        free=True,
        anywhere=postal_address,
    ),
}
