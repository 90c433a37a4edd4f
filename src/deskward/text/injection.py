"""Texts that look like orders to an assistant, or lead somewhere.

"Indirect prompt injection" (Greshake et al., 2023) cannot be told from honest text for sure. These
are signs of it: what shows any is never used in a summary or a reply, nor answered unattended.
"""

from __future__ import annotations

import re
import unicodedata

_WHO = r"(?:assistants?|agents?|ai|bots?|chatbots?|llms?|language models?|models?)"
_INJECTED = re.compile(
    rf"""\b(?:ignore|disregard|forget|override|bypass|skip)\b.{{0,50}}\b(?:instruct|rule|polic
        |prompt|guideline|previous|prior|above|restrict|check|approval)
    | (?:^|[\[(<{{*\#\n-])\s{{0,9}}(?:system|developer|admin\w*|root|tool|function|{_WHO})\b
        [^.?!]{{0,30}}[:>\]]
    | \b(?:dear|note\ (?:to|for)|attention|hey|hello|to\ (?:the|all|any)|for\ (?:the|all|any)
        |every|as|as\ an)\s{{1,9}}(?:\w{{1,30}}\s{{1,9}}){{0,2}}{_WHO}\b(?!\s{{1,9}}(?:of|number))
    | \b{_WHO}\b.{{0,40}}\b(?:must|should|shall|has\ to|have\ to|now|needs?\ to|calls?|mails?
        |sends?)\b
    | \bassistants?\ ?[,:] | \buser_\d | &\#x?[0-9a-f]+; | \#{{2,}}
    | \bword\ for\ word\b | \bobey\b
    | \b(?:all|each|every)\ (?:later|future|answer|repl(?:y|ies)|customers?)\b
    | \byou\ are\ (?:now|no\ longer)\b | \b(?:developer|debug|admin|god|maintenance)\ mode\b
    | \bjailbreak
    | (?<![\w@./])[a-z]{{2,}}(?:_[a-z]{{2,}})+\b(?!@|\.\w|\w) | \w\s?=\s?['"\w]
    | \bconfidence\b.{{0,30}}(?:\d|high|maxim|full) | \b(?:set|raise|mark)\b.{{0,20}}\bconfidence
    | \b(?:reply|respond|answer|say|output|write)\ (?:only|exactly|just|nothing\ but)\b
    | \btell\ the\ (?:customer|user|caller)\b | \brepeat\ after\ me\b
    | \b(?:base64|rot13|decode\ (?:this|the)|in\ reverse)\b
    | </?[a-z!][^>]{{0,200}}> | \]\( | \{{\{{ | <\| | \[/?inst\] | ``` | ^begin:\w
    | \bjavascript: | \bdata:\w+/
    | \b(?:do\ not|don't|never|without)\ (?:(?:tell|inform|mention|reveal|log|asking)\b
        |approv|confirm)
    | \b(?:system|hidden|secret|new|following)\ (?:prompt|instruction|order|command)s?\b
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_MIXED = re.compile(r"[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]", re.IGNORECASE)
"""Letters of two scripts in one word: look-alikes."""
_UNREADABLE = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
_LINK = re.compile(
    r"(?:https?|ftp|mailto|javascript|data|file):|//\w|\bwww\.|\S@\S|!\[|\]\("
    r"|\b[a-z0-9-]+(?:\s?\[\.\]|\.)(?:com|net|org|example|info|biz|xyz|co|io|me|ru|cn|top|site"
    r"|online|link|click|app|dev|ly|gg|shop|uk|de|eu|us)\b",
    re.IGNORECASE,
)


def injected(text: str) -> bool:
    """Whether a text looks like orders to an assistant, or hides something."""
    if any(unicodedata.category(char) in ("Cf", "Co") and char != "\u00ad" for char in text):
        return True  # invisible characters hide text from people
    plain = unicodedata.normalize("NFKC", text)
    if sum(char.isalpha() and char not in plain for char in text) > 3:
        return True  # letters of another width or form
    return bool(_INJECTED.search(plain) or _UNREADABLE.search(plain) or _MIXED.search(plain))


def has_link(text: str) -> bool:
    """Whether a text leads anywhere: an address on the web or for mail, or markup for one."""
    return bool(_LINK.search(unicodedata.normalize("NFKC", text)))
