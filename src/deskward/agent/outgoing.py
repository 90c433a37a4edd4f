"""What an answer may carry out of the house: no pictures, no markup, links and addresses on a list.

A model that follows an attacker's instructions can send out what it has read without calling any
tool: in the address of a picture or a link (OWASP LLM02 and LLM05, 2025; the "markdown image"
exfiltration). So an answer is plain text, whose links lead to hosts that the operator names and
whose mail addresses the customer knows already. Everything else is taken out before it is sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from urllib.parse import urlsplit

from deskward.agent.claims.check import Unsupportable

LINK = "[link removed]"
ADDRESS = "[address removed]"
LONGEST = 2_000
"""Characters that are held back at the most while a sentence has no end."""

_CLAUSE = re.compile(r"[,;](?=\s)\s+|\s[–—]\s+")
_CODE = frozenset("<>[](){}@/\\|`*_!")
"""Characters that may begin what is more than plain text: a clause with one is held back."""
_OPEN = re.compile(
    r"\b(?:have|has|had|having|am|is|are|was|were|be|been|being|will|would|shall|do|does|did|done|get"
    r"|gets|got|can|could|may|might|must|should)\b|['\u2019](?:ve|s|re|m|d|ll)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
"""Verbs that what follows may complete to a claim."""
_ASSENT = re.compile(
    r"\W*(?:yes|yeah|yep|no|nope|sure|certainly|absolutely|definitely|indeed|correct|right|exactly"
    r"|of course|ok|okay|success|good news|all)\b",
    re.IGNORECASE,
)
"""Words that claim by themselves, as the answer to a question."""
FEWEST = 4
"""Words that a clause has at the least to go before its sentence."""
_FEELING = re.compile(r"\bI(?: am|['\u2019]m) (?:sorry|afraid|glad|happy)\b", re.IGNORECASE)

_END = re.compile(r"(?:[.!?][)\"'\]]*\s+|\n+)")
_ENDED = re.compile(_END.pattern + r"\Z")
_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\](?:\([^)\n]{0,2000}\)?|\[[^\]\n]{0,200}\])")
_LINK = re.compile(r"\[([^\]\n]{1,500})\]\(\s*([^)\n]{0,2000}?)\s*\)")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]{1,2000})>", re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z/!?][^>]{0,4000}(?:>|\Z)")
_MAIL = re.compile(
    r"(?:\bmailto:\s*)?[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?:\?\S*)?", re.IGNORECASE
)
_URL = re.compile(
    r"\b(?:https?|ftp|wss?|file|javascript|vbscript)\s?:\s?[^\s<>\"']+|\bdata:\w+/\S+",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?<![\w@./-])(?:[\w-]{1,63}\.){1,8}([a-z]{2,24})(?:[/:?#][^\s<>\"']*)?(?![\w@])"
)
_FILES = frozenset({"pdf", "txt", "csv", "png", "jpg", "jpeg", "doc", "docx", "xls", "xlsx", "zip"})
_TRAIL = ".,;:!?)]}'\""


def is_ended(text: str) -> bool:
    """Whether another text can follow at once: a sentence or a line has ended, with white space.

    A clause that was let out early ends in white space too, and its sentence may never come.
    """
    return _ENDED.search(text[-LONGEST:]) is not None


class Outgoing:
    """Lets an answer out sentence by sentence, each of them looked at as a whole.

    Of the first sentence the first clause goes before, where it is plain text, holds nothing that
    what follows could make a claim of, and passes the check by itself: a slow model's answer shall
    begin soon. The sentence is checked with it. It is told by the text alone, not by time, so that
    a replay lets out the same.
    """

    def __init__(
        self,
        hosts: Collection[str],
        addresses: Collection[str],
        check: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make one for one answer.

        Args:
            hosts: Hosts that may be linked to, and whose mail addresses may be named.
            addresses: Mail addresses that the customer knows, in lower case.
            check: Raises where a part of the answer must not go out; so then do `feed` and `flush`.
        """
        self._check = check
        self._hosts = frozenset(host.lower() for host in hosts)
        self._addresses = frozenset(addresses)
        self._pending: list[str] = []
        self._clause: str | None = None
        """The first sentence's first clause, once it has gone; '' from the sentence's end on."""

    def feed(self, piece: str) -> list[str]:
        """What of the answer up to here may be sent now."""
        self._pending.append(piece)
        early = self._first_clause("".join(self._pending)) if self._clause is None else []
        text = "".join(self._pending)
        end = max((match.end() for match in _END.finditer(text)), default=0)
        if end == 0 and len(text) > LONGEST:
            end = max(text.rfind(" "), text.rfind("\n")) + 1 or len(text)
        return [*early, *self._let_out(text, end)] if end else early

    def flush(self) -> list[str]:
        """The rest, at the end of the answer."""
        text = "".join(self._pending)
        return self._let_out(text, len(text)) if text else []

    def clean(self, text: str) -> str:
        """The text without what may not go out."""
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
        text = _IMAGE.sub(lambda match: match[1], text)
        text = _LINK.sub(self._link, text)
        text = _AUTOLINK.sub(lambda match: match[1], text)
        text = _TAG.sub("", text)
        text = _URL.sub(self._url, text)
        text = _MAIL.sub(self._mail, text)
        return _HOST.sub(self._host, text)

    def _let_out(self, text: str, end: int) -> list[str]:
        unit = text[:end]
        cleaned = self.clean(unit)
        self._check((self._clause or "") + cleaned)
        self._clause = ""
        pieces = self._take(text, end)
        if cleaned == unit:
            return pieces
        return [cleaned] if cleaned else []

    def _first_clause(self, text: str) -> list[str]:
        clause, sentence = _CLAUSE.search(text), _END.search(text)
        if (
            clause is None
            or clause.end() == len(text)
            or (sentence and sentence.end() < clause.end())
        ):
            return []
        end = clause.end()
        self._clause = ""
        plain = _FEELING.sub("", text[:end])
        if len(text[:end].split()) < FEWEST or _ASSENT.match(text) or _OPEN.search(plain):
            return []
        if _CODE & set(plain) or self.clean(text[:end]) != text[:end]:
            return []
        try:
            self._check(text[:end])
        except Unsupportable:
            return []
        self._clause = text[:end]
        return self._take(text, end)

    def _take(self, text: str, end: int) -> list[str]:
        """The pieces up to a place, which are pending no more."""
        pieces = [piece for piece in _parts(self._pending, end) if piece]
        self._pending = [text[end:]] if text[end:] else []
        return pieces

    def _link(self, match: re.Match[str]) -> str:
        label, target = match[1], match[2]
        return match[0] if self._allowed(target) else label

    def _url(self, match: re.Match[str]) -> str:
        url = match[0].rstrip(_TRAIL)
        return match[0] if self._allowed(url) else LINK + match[0][len(url) :]

    def _mail(self, match: re.Match[str]) -> str:
        address = match[0].removeprefix("mailto:").lower()
        known = address in self._addresses or address.partition("@")[2] in self._hosts
        return match[0] if known else ADDRESS

    def _host(self, match: re.Match[str]) -> str:
        host = re.split(r"[/:?#]", match[0].rstrip(_TRAIL))[0].lower()
        if host in self._hosts or (match[1] in _FILES and host == match[0].lower()):
            return match[0]
        # A host within an allowed link stands behind `//` and is not met here.
        return LINK + match[0][len(match[0].rstrip(_TRAIL)) :]

    def _allowed(self, url: str) -> bool:
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            return False
        at_home = (parts.hostname or "") in self._hosts and "@" not in parts.netloc
        return parts.scheme.lower() in ("http", "https") and at_home


def _parts(pieces: list[str], end: int) -> Iterator[str]:
    """The pieces up to a place."""
    for piece in pieces:
        if end <= 0:
            return
        yield piece[:end]
        end -= len(piece)
