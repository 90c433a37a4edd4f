"""What an answer may carry out of the house: no pictures, no markup, links and addresses on a list.

A model that follows an attacker's instructions can send out what it has read without calling any
tool: in the address of a picture or a link (OWASP LLM02 and LLM05, 2025; the "markdown image"
exfiltration). So an answer is plain text, whose links lead to hosts that the operator names and
whose mail addresses the customer knows already. Everything else is taken out before it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from deskward.agent.marks import marks_of, without_marks
from deskward.agent.unsupported import Unsupportable
from deskward.text.plain import Plain

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
    r"\W{0,20}(?:yes|yeah|yep|no|nope|sure|certainly|absolutely|definitely|indeed|correct|right|exactly"
    r"|of course|ok|okay|success|good news|all)\b",
    re.IGNORECASE,
)
"""Words that claim by themselves, as the answer to a question."""
FEWEST = 4
"""Words that a clause has at the least to go before its sentence."""
_FEELING = re.compile(r"\bI(?: am|['\u2019]m) (?:sorry|afraid|glad|happy)\b", re.IGNORECASE)

_END = re.compile(r"[.!?।؟][)\"'\]»”’*_]{0,9}\s|[。！？](?=[^A-Za-z0-9])|\n")
_ENDED = re.compile(r"(?:[.!?।؟][)\"'\]»”’*_]{0,9}\s|[。！？]|\n)\s{0,9}\Z")
_FULL_STOPS = "。！？"
_FENCE = re.compile(r"\s{0,3}(?:`{3}|~{3})")


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
        self._plain = Plain(hosts, addresses)
        self._pending: list[str] = []
        self._clause: str | None = None
        """The first sentence's first clause, once it has gone; '' from the sentence's end on."""
        self._in_code = False

    @property
    def held(self) -> int:
        """Characters that are held back."""
        return sum(map(len, self._pending))

    def feed(self, piece: str) -> Iterator[str]:
        """What of the answer up to here may be sent now, sentence by sentence."""
        self._pending.append(piece)
        if self._clause is None:
            yield from self._first_clause("".join(self._pending))
        text = "".join(self._pending)
        while end := _end(text):
            yield from self._let_out(text, end, more=True)
            text = text[end:]

    def flush(self) -> Iterator[str]:
        """The rest, at the end of the answer."""
        text = "".join(self._pending)
        if text:
            yield from self._let_out(text, len(text))

    def clean(self, text: str) -> str:
        """A sentence or line without what may not go out."""
        if _FENCE.match(text):
            self._in_code = not self._in_code
            return self._plain.code(text)
        return self._plain.code(text) if self._in_code else self._plain.text(text)

    def _let_out(self, text: str, end: int, *, more: bool = False) -> list[str]:
        unit = text[:end]
        cleaned = self.clean(without_marks(unit))
        if more and cleaned and not (cleaned[-1].isspace() or cleaned[-1] in _FULL_STOPS):
            cleaned += " "  # nothing may join it to what follows
        self._check(marks_of(unit) + (self._clause or "") + cleaned)
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


def _end(text: str) -> int:
    """Where the first sentence or line ends that leaves no link or tag open; 0 where none does.

    It hangs on the text up to there alone, and not on how that came.
    """
    for match in _END.finditer(text, 0, LONGEST):
        if _is_closed(text[: match.end()]):
            return match.end()
    if len(text) < LONGEST:
        return 0
    return max(text.rfind(" ", 0, LONGEST), text.rfind("\n", 0, LONGEST)) + 1 or LONGEST


def _is_closed(text: str) -> bool:
    """Whether what began in a text has ended in it: a label, a target, a tag, or its paragraph."""
    if text.endswith("\n") and not text[:-1].rpartition("\n")[2].strip():
        return True
    label, target, tag = text.rfind("["), text.rfind("]("), text.rfind("<")
    return (
        label <= text.rfind("]")
        and target <= text.rfind(")")
        and (tag <= text.rfind(">") or not text[tag + 1 : tag + 2].strip())
    )


def _parts(pieces: list[str], end: int) -> Iterator[str]:
    """The pieces up to a place."""
    for piece in pieces:
        if end <= 0:
            return
        yield piece[:end]
        end -= len(piece)
