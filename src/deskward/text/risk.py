"""What in a ticket speaks against answering it without a person, by its words.

Lists of words miss much; that is why these are signals among others, whose weight is learned from
labelled tickets (`confidence.py`). The grave ones are rules: such a ticket is never sure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from deskward.text.sentences import Sentence, all_texts, injected

_ANGER = re.compile(
    r"(?i:\b(?:furious|angry|outrag\w*|disgrac\w*|disgust\w*|unacceptable|ridiculous"
    r"|scandal\w*|terrible"
    r"|horrible|appalling|incompeten\w*|rip-?off|sick (?:and tired|of)|fed up|worst|shame\w*|rude"
    r"|unbelievable|lied|liars?|thie(?:f|ves)|heaven's sake|demand|complain\w*|manager|supervisor"
    r"|cheat\w*|robb\w*|hopeless|never again|insult\w*|last warning)\b)|!{2,}"
    r"|\b[A-Z]{4,}\s+[A-Z]{4,}\b"
)
_LEGAL = re.compile(
    r"\b(?:lawyers?|attorneys?|solicitors?|legal (?:action|notice|step\w*)|sue|suing|court"
    r"|ombudsman"
    r"|regulator|cfpb|police|gdpr|article \d+|data protection|my rights|journalist|press office"
    r"|newspaper|consumer protection|personal data)\b",
    re.IGNORECASE,
)
_SECURITY = re.compile(
    r"\b(?:stolen|stole|theft|hack\w*|phish\w*|scam\w*|compromised|intruder|identity theft"
    r"|took over"
    r"|not me\b|wasn't me|did not make|didn't make|never made|someone (?:is|else|signed|used"
    r"|has|got)"
    r"|somebody (?:is|else|signed|used|has|got|turned|asked)|emptying|gave (?:him|her|them)"
    r"|typed in everything|never asked for|suspicious|fraud (?:on|alert)|lost my card"
    r"|my lost card|unauthori[sz]ed|(?:not|n't|never)"
    r" (?:recogni[sz]e|authori[sz]e\w*|withdraw|approve)"
    r"|(?:card|phone|wallet|purse|bag|handbag|mobile) (?:is|was|has been|have been|got|were)"
    r" (?:lost|gone|missing|snatched|pinched|nicked|robbed|cloned|grabbed)|mugged|robbed|robber\w*"
    r"|pickpocket\w*|burgl\w*|snatched|cloned|skimm\w*|knows my (?:password|pin|code)|impost\w*"
    r"|impersonat\w*"
    r"|identity|blackmail\w*|extort\w*|safe account|remote access|anydesk|teamviewer)\b",
    re.IGNORECASE,
)
_VULNERABLE = re.compile(
    r"\b(?:(?:has|have|had|just|who|recently) (?:died|passed away)|passed away|deceased|my late \w+"
    r"|death|bereave\w*|funeral|widow\w*|probate|suicid\w*|kill myself|end (?:my life|it all)"
    r"|hurt(?:ing)? myself|self-harm|dementia|alzheimer\w*|terminal(?:ly)?|cancer|hospital"
    r"|blackmail\w*|extort\w*|threaten\w*|forc(?:es|ed|ing) me|abus(?:e|es|ed|ive)|stalk\w*"
    r"|divorc\w*|bankrupt\w*|evict\w*|homeless|cannot cope|can't cope|desperate"
    r"|in (?:deep )?debt|gambl\w*|lost my job|power of attorney)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"\b(?:(?:speak|talk|chat) (?:to|with) (?:a|an|some|the|your|any)\w*\W+(?:\w+\W+){0,2}"
    r"(?:human|person|people|agent|advis[eo]r|colleague|manager|someone|somebody|employee|staff)"
    r"|(?:speak|talk) (?:to|with) (?:someone|somebody|anyone|anybody)"
    r"|(?:a|an|real|actual|living|human) (?:human|person|being)\b(?! (?:who|that) )"
    r"|call me(?: back)?|ring me|phone me|give me a (?:call|ring)|callback|call-back"
    r"|no (?:robots?|bots?)|not a (?:robot|bot|machine|computer))\b",
    re.IGNORECASE,
)
_ACTIONS = (
    r"(?:close|cancel|block|unblock|unlock|refund|raise|increase|lower|set|change|update|reset"
    r"|delete"
    r"|erase|remove|reverse|stop|issue|replace|order|send|give|pay|return|open|reopen|add|turn|call"
    r"|correct|check|look into|look|trace|confirm|transfer|switch|waive|help me in|book|reactivate"
    r"|freeze|explain this|put|release|credit|recall|investigate)"
)
_WANTED = re.compile(
    rf"\b(?:please|kindly|pls|i want you to|i need you to|can you|could you|would you|will you"
    rf"|can somebody|can someone|just)\s+(?:please\s+|also\s+|just\s+|immediately\s+|now\s+)*"
    rf"{_ACTIONS}\b"
    rf"|^\W*(?:also\s+)?{_ACTIONS}\s+(?:me|my|the|this|it|all|that)\b",
    re.IGNORECASE,
)
_HOW_TO = re.compile(
    r"\b(?:how (?:do|can|could|to|is|are|does|would|long|much|many|fast|quick\w*|about)"
    r"|what (?:\w+ )?"
    r"(?:is|are|do|does|shall|would|if|can)|what's|whats|where (?:do|can|is|are|in)|when (?:do"
    r"|does|can|will|is|are"
    r"|must)|until (?:what|when)|which|is there|are there|is it|do you|does \w+"
    r"|do i|can i|may i|am i|is (?:the|a|anyone)|are you|within how|on (?:what|which))\b",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:still (?:has|have|not|nothing|waiting|no)|(?:has|have|had|is|was|were|does|did|do"
    r"|are)(?: not"
    r"|n't)|never (?:came|got|received|arriv\w*)|nothing (?:has|came)|nobody (?:answer\w*"
    r"|picked|told"
    r"|called)|no (?:answer|reply|reaction)|missing|gone|wrong(?:ly)?|errors?|refused|rejected"
    r"|declined"
    r"|blocked|frozen|fails?|failed|crash\w*|by mistake|mistyped|not (?:there|arriv\w*"
    r"|credited|come)"
    r"|no longer|too (?:low|little|much|high)|insolvent|your fault|owe me|status|why (?:is|was"
    r"|did|has)"
    r"|locked out|goes nowhere|happened|already|ago|anyway)\b",
    re.IGNORECASE,
)
_MONEY = (
    r"[$€£¥]\s?\d[\d,]*(?:\.\d{1,2})?"
    r"|\b\d[\d,]*(?:\.\d{2})? ?(?:USD|EUR|GBP|JPY|dollars|euros?|yen|pounds)\b"
)
_RECORD = r"\b[OTC]\d{4,18}\b|\b(?:txn|card|user|ord|inv)_\d{1,18}\b"
_DATE = (
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?\b|\b(?:mon|tues|wednes|thurs"
    r"|fri|satur"
    r"|sun)days?\b|\b(?:january|february|march|april|june|july|august|september|october|november"
    r"|december)\b(?: \d{1,2}\b)?|\b(?:yesterday|today|tomorrow)\b|\bon the \d{1,2}(?:st|nd|rd"
    r"|th)\b"
)
RECORDS = re.compile(rf"{_MONEY}|{_RECORD}")
"""Amounts and ids: of a form that holds nothing but themselves, so they may be repeated."""
DATES = re.compile(_DATE, re.IGNORECASE)
PRODUCTS = re.compile(
    r"\b(?:(?:savings|checking|joint|student) account|(?:debit|credit|replacement) card|visa"
    r"|mastercard"
    r"|(?:domestic|international|foreign) (?:transfer|wire|transaction)s?|authenticator app"
    r"|statement"
    r"|keyboard|mouse|headphones|monitor|tablet|charger|cable|lamp)\b",
    re.IGNORECASE,
)
URGENT = re.compile(
    r"\b(?:urgent(?:ly)?|asap|immediately|right (?:now|away)|at once|emergency"
    r"|as soon as possible|now)\b",
    re.IGNORECASE,
)


_GRAVE = {
    "anger": _ANGER,
    "legal": _LEGAL,
    "security": _SECURITY,
    "vulnerable": _VULNERABLE,
    "person": _PERSON,
}


def risks_of(subject: str, body: str) -> list[str]:
    """The grave risks of a ticket: those above, and `injection`, orders to the assistant.

    `vulnerable` is somebody in distress, and `person` the wish to speak to one.

    All of the text counts, also what is quoted, stands below a signature, or greets.
    """
    text = unicodedata.normalize("NFKC", f"{subject}\n{body}")
    risks = [name for name, pattern in _GRAVE.items() if pattern.search(text)]
    if injected(subject) or any(map(injected, all_texts(body))):
        risks.append("injection")
    return risks


def emotions(text: str) -> list[str]:
    """The words of a text that show urgency or anger."""
    found = [match[0] for pattern in (URGENT, _ANGER) for match in pattern.finditer(text)]
    return [word for word in dict.fromkeys(found) if word[0].isalpha()]


def wants_action(said: Sequence[Sentence]) -> bool:
    """Whether somebody is asked to do something, rather than to tell something."""
    return any(_WANTED.search(sentence.text) for sentence in said)


def asks_in_general(said: Sequence[Sentence]) -> bool:
    """Whether there is a question of the kind that an article answers."""
    return any(_HOW_TO.search(sentence.text) for sentence in said)


def trouble(said: Sequence[Sentence]) -> int:
    """How many sentences tell that something went wrong."""
    return sum(bool(_TROUBLE.search(sentence.text)) for sentence in said)


def specifics(text: str) -> int:
    """How many amounts, ids and dates there are: signs of one case, not of a general question."""
    return len({match[0] for pattern in (RECORDS, DATES) for match in pattern.finditer(text)})
