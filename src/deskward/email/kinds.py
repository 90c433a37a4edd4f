"""The parts of a mail in a sentence such as "mail a@x.example, bcc b@x.example, …"."""

from __future__ import annotations

import re
from collections.abc import Callable

from deskward.text.finding import Kind

_ADDRESS = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_LIST = rf"{_ADDRESS}(?:(?:\s*,\s*|\s*;\s*|\s+and\s+|\s+){_ADDRESS}){{0,49}}"
_COPY = {
    kind: re.compile(
        rf"\b{names}\b\s{{0,3}}:?\s{{0,3}}(?:of it\s+)?(?:to\s+)?({_LIST})", re.IGNORECASE
    )
    for kind, names in {
        "bcc": r"(?:bcc|blind(?: carbon)? copy)",
        "cc": r"(?<!blind )(?<!carbon )(?:cc|copy|copies)",
    }.items()
}
_QUOTED = r"[\"“'](?P<quoted>[^\"”]{1,5000})[\"”']"
_NEXT = (
    r"(?=,?\s+(?:and\s+)?(?:with\s+)?(?:the\s+)?(?:saying|says?|body|text|message|that\s+says|cc|bcc"
    r"|subject|attach\w*|attachments?)\b|[.,;]\s*$|$)"
)
_SUBJECT = re.compile(
    rf"\bsubject(?:\s+line)?\b\s*(?:is\s+|of\s+)?[:=]?\s*(?:{_QUOTED}|(?P<bare>.{{1,200}}?){_NEXT})",
    re.IGNORECASE | re.DOTALL,
)
_BODY = re.compile(
    r"\b(?:saying|that\s+says|says|(?:with\s+)?(?:the\s+)?(?:body|text|message))\b\s*(?:that\s+)?"
    rf"[:=]?\s*(?:{_QUOTED}|(?P<bare>.{{1,5000}}?)"
    r"(?=,?\s+(?:and\s+)?(?:cc|bcc|attach\w*|attachments?)\b|$))",
    re.IGNORECASE | re.DOTALL,
)
_FILE = re.compile(r"\b[0-9a-f]{32}\b")


def _addresses(text: str) -> list[str] | None:
    return list(dict.fromkeys(re.findall(_ADDRESS, text))) or None


def _copies(kind: str) -> Callable[[str, bool], list[str] | None]:
    def find(text: str, answers: bool) -> list[str] | None:
        match = _COPY[kind].search(_unsaid(text))
        return _addresses(match[1]) if match else None

    return find


def _to(text: str, answers: bool) -> list[str] | None:
    text = _unsaid(text)
    for copy in _COPY.values():
        text = copy.sub(" ", text)
    return _addresses(text)


def _unsaid(text: str) -> str:
    """The sentence without what the mail is to say, in which an address is only mentioned."""
    return _BODY.sub(" ", _SUBJECT.sub(" ", text))


def _named(pattern: re.Pattern[str]) -> Callable[[str, bool], str | None]:
    def find(text: str, answers: bool) -> str | None:
        match = pattern.search(text)
        found = (match["quoted"] or match["bare"]) if match else text if answers else ""
        return found.strip(" \t\n,;") or None

    return find


def _files(text: str, answers: bool) -> list[str] | None:
    return _FILE.findall(text) or None


KINDS: dict[str, Kind] = {
    "to": Kind(_to),
    "cc": Kind(_copies("cc")),
    "bcc": Kind(_copies("bcc")),
    "subject": Kind(_named(_SUBJECT)),
    "body": Kind(_named(_BODY)),
    "files": Kind(_files),
}
