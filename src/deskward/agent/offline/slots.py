"""Finding the values that a sentence names."""

from __future__ import annotations

import re
from collections.abc import Callable

from deskward.agent.offline import mail_slots
from deskward.agent.offline.skills import SlotKind
from deskward.text.words import words

MAX_ADDRESS = 400
"""Characters in which an address is looked for; a longer one is none."""

Found = str | int | list[str] | None
Finder = Callable[[str, bool], Found]

_NUMBERS = dict(
    zip(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "fifteen",
            "twenty",
        ],
        [*range(1, 13), 15, 20],
        strict=True,
    )
)
_PASSWORD = re.compile(r"\[\[(?:password|key|code):\d+\]\]")
_CARD = re.compile(r"\[\[card:\d+\]\]")
_LAST4 = re.compile(r"(?<![\d$€£.,])(?:\*+|x+|#|\.{2,}|…)?(\d{4})(?![\d%]|[.,]\d)", re.IGNORECASE)
_USER = re.compile(r"\b(user_\w+)\b")
_COUNT = re.compile(
    r"\b(?:last|latest|recent|past|previous|newest|first|top|only|just|show(?: me)?|see|list)\s+"
    rf"(?:my\s+|the\s+)?(?:last\s+|latest\s+|recent\s+)?(\d{{1,3}}|{'|'.join(_NUMBERS)})\b"
    r"(?!\s*(?:day|week|month|year|hour))"
    rf"|\b(\d{{1,3}}|{'|'.join(_NUMBERS)})\s+(?:\w+\s+)?"
    r"(?:transactions?|purchases?|payments?|movements?|entries|charges|debits|deposits|withdrawals|orders|things|items)\b",
    re.IGNORECASE,
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
_SENTENCE_END = re.compile(
    r"(?<![A-Z])(?<!\bSt)(?<!\bRd)(?<!\bAve)(?<!\bApt)(?<!\bNo)[.!?;]\s+(?=[A-Z])"
)
_CHANGES_MIND = re.compile(
    r"^\W*(?:no\b|never\s?mind|cancel|stop|forget it|don'?t|leave it|nothing|abort|not now)",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^\W*(?:y|yes|yeah|yep|yup|sure|ok|okay|please do|go ahead|do it|correct|right|exactly|confirm"
    r"(?:ed)?|absolutely|of course|definitely|please|affirmative|that'?s right|sounds good"
    r"|proceed)\b",
    re.IGNORECASE,
)
_IS_NO_ORDER = re.compile(
    r"^\W*(?:please\s+)?(?:don'?t|do not|is|are|was|were|has|have|had|do|does|did|why|who|what|when"
    r"|where|which)\b|\bnever\b"
    r"|\b(?:don'?t|do not|not)\s+(?:\w+\s+){0,3}(?:cancel|block|deactivate|freeze|disable|stop)\b",
    re.IGNORECASE,
)
_SAYS_NO_PROBLEM = frozenset(
    """hi hello hey please i i'd like would want need have to can could may you me we let
    help for a an the my some new this another something is isn't not wrong right with
    of on in it and thanks thank report reporting raise raising open opening file
    filing create submit make register lodge start flag note down support service
    customer issue issues problem problems ticket case bug fault complaint complain
    complaining complaints grievance formal official am having trouble about there's
    there d m s t app website""".split()
)
"""Words that announce a problem without telling it."""


def find(kind: SlotKind, text: str, *, answers: bool = False) -> Found:
    """The value of a kind that a sentence names, or None.

    Args:
        kind: What is looked for.
        text: The sentence, with secrets masked.
        answers: Whether the sentence answers the question for this very value.
    """
    finders: dict[SlotKind, Finder] = {
        "password": _password,
        "card": _card,
        "number": _number,
        "ticket_id": _ticket,
        "order_id": _order,
        "complaint_id": _complaint,
        "user_id": _user,
        "address": _address,
        "description": _description,
        "message": lambda text, _: text.strip(),
        **mail_slots.FINDERS,
    }
    return finders[kind](text, answers)


def agrees(text: str) -> bool:
    """Whether a sentence says yes."""
    return bool(_YES.match(text))


def refuses(text: str) -> bool:
    """Whether a sentence says no, or leave it."""
    return bool(_CHANGES_MIND.match(text))


def only_asks(text: str) -> bool:
    """Whether a sentence may ask about a deed, or forbid it, rather than want it done."""
    return bool(_IS_NO_ORDER.search(text.replace("\u2019", "'")))


def _password(text: str, answers: bool) -> str | None:
    found = _PASSWORD.findall(text)
    return found[-1] if found else None  # "from OLD to NEW": the new one is named last


def _card(text: str, answers: bool) -> str | None:
    if whole := _CARD.search(text):
        return whole.group()
    last4 = _LAST4.search(text)
    return last4.group(1) if last4 else None


def _number(text: str, answers: bool) -> int | None:
    match = _COUNT.search(text)
    word = (
        (match.group(1) or match.group(2)).lower()
        if match
        else text.strip().lower()
        if answers
        else ""
    )
    number = _NUMBERS.get(word) or (int(word) if re.fullmatch(r"[0-9]{1,6}", word) else None)
    return min(number, 100) if number else None


def _record_id(letter: str, nouns: str, *, fewest: int = 3) -> Finder:
    """A finder of ids such as T1001, also said as "ticket 1001" or "ticket #1001"."""
    whole = re.compile(rf"\b{letter}[-#\s]?([1-9]\d{{{fewest - 1},17}})\b", re.IGNORECASE)
    named = re.compile(
        rf"\b(?:{nouns})\s{{0,3}}(?:number\b|no\b\.?|id\b)?\s{{0,3}}[:#]?\s{{0,3}}([1-9]\d{{2,17}})\b",
        re.IGNORECASE,
    )

    def find_id(text: str, answers: bool) -> str | None:
        match = whole.search(text) or named.search(text)
        if match is None and answers:
            match = re.search(r"\b([1-9]\d{2,17})\b", text)
        return f"{letter}{match.group(1)}" if match else None

    return find_id


_ticket = _record_id("T", "ticket|case|request", fewest=1)
_order = _record_id("O", "order")
_complaint = _record_id("C", "complaint")


def _user(text: str, answers: bool) -> str | None:
    match = _USER.search(text)
    return match.group(1) if match else None


def _address(text: str, answers: bool) -> str | None:
    matches = [m for m in (_ADDRESS_START.search(text), _ADDRESS_AFTER.search(text)) if m]
    for match in matches:
        address = _trimmed(match["address"])
        if re.search(r"\d", address) and re.search(r"[A-Za-z]{2}", address) and len(address) >= 5:
            return address
    bare = _trimmed(text)
    return bare if answers and len(bare) >= 5 and " " in bare else None


def _trimmed(address: str) -> str:
    address = _SENTENCE_END.split(" ".join(address[:MAX_ADDRESS].split()), maxsplit=1)[0]
    while (shorter := _ADDRESS_TAIL.sub("", address)) != address:
        address = shorter
    return address.strip(" ,;:\"'“”.!?")


def _description(text: str, answers: bool) -> str | None:
    if not answers and set(words(text)) <= _SAYS_NO_PROBLEM:
        return None
    return text.strip() or None
