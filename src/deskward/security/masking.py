"""Keeps secrets out of what is stored and out of what a model reads.

Passwords, card numbers, one-time codes and keys in a message are replaced by placeholders like
`[[password:1]]` before the message is stored or shown to any model. The gate puts a secret back
only into a `SecretStr` argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from deskward.security.cards import card_numbers
from deskward.security.vault import PLACEHOLDER, Vault
from deskward.text.lists import any_of, word_lists
from deskward.text.spacing import ALONE

_KEYS = re.compile(
    r"""-----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?                      # JSON Web Token, RFC 7519
    | \b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}                        # OpenAI, Anthropic, Stripe
    | \bdw_[0-9a-f]{8}_[\w-]{20,}                                 # Deskward
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                               # AWS
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,}         # GitHub
    | \bxox[abposr]-[\w-]{10,} | \bglpat-[\w-]{16,} | \bAIza[\w-]{30,}
    | (?<=bearer[ ])[\w.~+/=-]{16,}
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_NAMED_KEY = re.compile(
    r"\b(?:(?:api|secret|access|private|auth|bearer)[ _-]?(?:key|token)|(?:client|api|app)[ _-]?"
    r"secret|token)\b\s{0,9}(?:is|:|=|was)?\s{0,9}"
    r"[\"'`]?(?P<secret>[A-Za-z0-9_\-./+=]{12,})",
    re.IGNORECASE,
)
_CODE_WORD = (
    r"(?:otp|one[ -]?time[ -]?(?:code|pass(?:word|code)?|pin)|verification[ -]?code"
    r"|security[ -]?code|auth(?:entication|enticator)?[ -]?code|confirmation[ -]?code"
    r"|sign[ -]?in[ -]?code|log[ -]?in[ -]?code|passcode|(?:2fa|mfa|sms|text|two-factor)[ -]?code"
    r"|2fa|mfa|cvv2?|cvc|pin(?:[ ](?:code|number))?|(?<!zip )(?<!error )(?<!post )(?<!postal )"
    r"(?<!area )(?<!country )(?<!sort )(?<!promo )(?<!discount )(?<!coupon )(?<!status )(?<!bank )"
    r"(?<!booking )(?<!reference )(?<!product )(?<!swift )code)"
)
_CODE = re.compile(
    rf"\b{_CODE_WORD}\b[^.\d\n]{{0,40}}?(?<![\d$€£.,-])"
    r"(?P<secret>\d{3}[ -]?\d{3}|\d{2} \d{2} \d{2}|\d{3,8})(?![\d%]|[.,-]\d)"
    r"|(?<![\d$€£.,#-])\b(?P<before>\d{3}[ -]\d{3}|\d{4,8})\b"
    rf"[^.\d\n]{{0,25}}?\b{_CODE_WORD}\b",
    re.IGNORECASE,
)

ASKED_BY = 500
"""How many of the last characters of what we said are looked at for a question."""

REACH = 300
"""How many characters before and after a word for a password are looked at for the password."""

_LISTS = word_lists("masking")
_PASSWORD_WORD = re.compile(
    r"\b(?:pass[ -]?(?:word|phrase|code)s?|pwd|passwd|pw|log-?in[ ]secret"
    rf"|{'|'.join(_LISTS['password'])})\b|\bpass(?=\s*[:=])|{'|'.join(_LISTS['password_within'])}",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"(?<!\w)[\"“”'‘’`](?P<secret>[^\"“”'‘’`\n]{3,128})[\"“”'‘’`](?!\w)")
_SET_TO = re.compile(
    r"(?:\b(?:to(?:\s+be)?|is|be|becomes?|as|into|with|use|using|try)\s+|[:=]\s*|->\s*|→\s*)"
    r"(?P<secret>\S+)(?P<rest>(?:[ ]\w+){0,5}$)?",
    re.IGNORECASE,
)
_SET_AS = re.compile(
    r"\b(?:set|make|use|have|want|put|choose|pick|with|like|need)\s+(?P<secret>\S+)\s+"
    r"(?:as|to be|be|become|for|my|the|instead)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\S+")
_WITHIN = re.compile(rf"[^{ALONE}\s、。，！？「」『』（）：]{{8,128}}")
"""What stands among letters of a script without spaces and is long enough to be a password."""
_ASKS_FOR_SECRET = re.compile(
    r"\b(?:what|which|tell|enter|provide|give|type|send|choose|pick|say|need)\b[^?!.]{0,200}"
    r"\b(?:password|passphrase|passcode|one-time code|verification code|pin)\b[^?!.]{0,200}[?:.]",
    re.IGNORECASE,
)
_ASKS = any_of(_LISTS["asks"])
_SIGN_IN = any_of(_LISTS["sign_in"])
_PASSWORDS = re.compile(
    rf"{any_of(_LISTS['password']).pattern}|{'|'.join(_LISTS['password_within'])}", re.IGNORECASE
)
_SENTENCE = re.compile(r"[?!.]")
_REFERENCE = re.compile(
    r"(?:user|staff|card|txn|ord|order|inv|faq|case|ref|sku|acct)[-_]?#?\d+|[A-Z]\d{3,7}|[A-Z]{2,4}-\d{2,8}"
    r"|#\d+|\d{1,2}(?:st|nd|rd|th)|\d+(?:[./:-]\d+)*(?:am|pm|%|[kKmM])?|[$€£]\d[\d.,]*"
    r"|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{1,255}|https?://\S+|\d+-?(?:day|hour|digit|minute|factor|character)s?|2fa",
    re.IGNORECASE,
)
_ORDINARY = frozenset(_LISTS["ordinary"])
_DECLINES = frozenset(_LISTS["declines"])
_SMALL = frozenset(
    word for words in word_lists("languages").values() for word in " ".join(words).split()
)
"""Words that answers in sentences have, in eight languages."""


def mask(text: str, vault: Vault, *, asked_by: str = "") -> str:
    """The text with every secret replaced by a placeholder that the vault can resolve.

    Args:
        asked_by: What the customer answers to. Where it asked for a password or a code, an answer
            of few words is taken for it: as a `phrase`, if it may be ordinary words as well.
    """
    if _asks_for_secret(asked_by[-ASKED_BY:]) and (bare := _bare_answer(text)):
        kind = "password" if " " not in bare and _looks_secret(bare) else "phrase"
        return text.replace(bare, vault.hide(kind, bare))
    text = text.replace("[[", "[ [")  # nobody but the vault writes placeholders
    for kind, find in (
        ("key", _find_keys),
        ("card", card_numbers),
        ("password", _find_passwords),
        ("code", _find_codes),
    ):
        for secret in sorted(set(find(text)), key=len, reverse=True):
            text = _outside_placeholders(text, secret, vault.hide(kind, secret))
    return text


def _outside_placeholders(text: str, secret: str, placeholder: str) -> str:
    parts = re.split(f"({PLACEHOLDER.pattern})", text)
    return "".join(
        part if index % 2 else part.replace(secret, placeholder) for index, part in enumerate(parts)
    )


def _find_keys(text: str) -> Iterator[str]:
    for match in _KEYS.finditer(text):
        yield match.group()
    for match in _NAMED_KEY.finditer(text):
        if re.search(r"\d", match["secret"]):
            yield match["secret"]


def _find_codes(text: str) -> Iterator[str]:
    for match in _CODE.finditer(text):
        yield match["secret"] or match["before"]


def _find_passwords(text: str) -> Iterator[str]:
    if not _PASSWORD_WORD.search(text):
        if _is_a_password(alone := text.strip()):
            yield alone
        if _SIGN_IN.search(text):
            yield from filter(_is_a_password, map(_bare, _TOKEN.findall(text)))
        return
    quoted = [m["secret"] for m in _QUOTED.finditer(text) if not PLACEHOLDER.search(m["secret"])]
    if quoted:
        yield from quoted
        return
    unlabelled = re.sub(r"\b(?:pass\w*|pwd|pw)\s*[:=]", " ", text, flags=re.IGNORECASE)
    tokens = [_bare(part) for token in _TOKEN.findall(unlabelled) for part in _apart(token)]
    strong = [token for token in tokens if _looks_secret(token)]
    yield from strong
    if not strong:
        yield from _named_by_grammar(text)


def _apart(token: str) -> list[str]:
    """A word, or what is made like a password within one of a script without spaces."""
    if token.isascii():
        return [token]
    return [part for part in _WITHIN.findall(token) if _looks_secret(_bare(part))] or [token]


def _is_a_password(text: str) -> bool:
    """Whether a text is one word, of a make that words of no language have."""
    kinds = (r"[a-z]", r"[A-Z]", r"\d")
    word = 8 <= len(text) <= 128 and not re.search(r"\s|@\w+\.|://", text)
    return word and all(re.search(kind, text) for kind in kinds) and _looks_secret(text)


def _named_by_grammar(text: str) -> Iterator[str]:
    """What stands where a password is named, though it is a mere word: `password to sunshine`."""
    next_name = -1
    for word in _PASSWORD_WORD.finditer(text):
        start = max(0, word.start() - REACH)
        before = _SET_AS.search(text, start, word.start())
        if before and _may_be(_bare(before["secret"])):
            yield _bare(before["secret"])
        if next_name < word.end():  # else it is still the next one
            found = _SET_TO.search(text, word.end())
            next_name = found.start() if found else len(text) + REACH
        if next_name - word.end() > REACH:
            continue
        for match in _SET_TO.finditer(text, word.end()):
            between = text[word.end() : match.start()]
            if re.search(r"[.?!]\s", between) or len(between.split()) > 4:
                break
            secret = _bare(match["secret"])
            describes = match.group().lower().startswith(("is", "be")) and re.search(
                r"(?:ed|ing|able|ful)$", secret
            )
            if _may_be(secret) and not describes:
                rest = (match["rest"] or "").split()
                phrase = not {part.lower() for part in rest} & (_ORDINARY | {"please"})
                yield " ".join([match["secret"], *rest]) if rest and phrase else secret
                break


def _may_be(secret: str) -> bool:
    """Whether a word in a password's place can be one."""
    return (
        len(secret) >= 4
        and secret.lower() not in _ORDINARY
        and not PLACEHOLDER.search(secret)
        and not _REFERENCE.fullmatch(secret)
    )


def _looks_secret(token: str) -> bool:
    """Whether a word is of a password's make: mixed kinds of characters, and no known reference."""
    if len(token) < 5 or PLACEHOLDER.search(token) or _REFERENCE.fullmatch(token):
        return False
    kinds = sum(
        bool(re.search(pattern, token)) for pattern in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w\s'’-]")
    )
    inner_capital = bool(re.search(r"[a-z][A-Z]", token))
    inner_symbol = bool(re.search(r"\w[^\w\s'’.,/-]+\w|[^\w\s'’.,?!:;)\"-]", token))
    letters_and_digits = bool(re.search(r"[A-Za-z]", token) and re.search(r"\d", token))
    return letters_and_digits or inner_capital or (inner_symbol and kinds >= 2)


def _bare(token: str) -> str:
    """A word without the punctuation of the sentence around it."""
    token = token.strip("\"“”„«»‘’`'()<>,;¿¡")
    return token.rstrip(".?,;:") if len(token.rstrip(".?,;:")) >= 3 else token


_LEAD_IN = re.compile(
    r"^\s*(?:(?:please|ok|okay|sure|yes|it'?s|it is|it should be|use|make it|set it to|change it to"
    r"|let'?s use|how about|try|i want|i'?d like|to)[,:]?\s+)+",
    re.IGNORECASE,
)


_TITLES = re.compile(r"[\"“„«「][^\"“”„«»「」]{1,200}[?？؟][\"“”»」](?=\s?\(|\s[a-zß-ÿ])")
"""Questions that nobody is asked: the title of a source ("…?" (version, date)), and what is named
in the middle of a sentence (choose "Forgot password?" on the sign-in page). Any other one in quotes
may be what the customer answers."""


def _asks_for_secret(asked_by: str) -> bool:
    """Whether what the customer answers to asked for a password or a code, in eight languages."""
    asked_by = _TITLES.sub(" ", asked_by)
    return bool(_ASKS_FOR_SECRET.search(asked_by)) or any(
        _ASKS.search(sentence) and _PASSWORDS.search(sentence)
        for sentence in _SENTENCE.split(asked_by)
    )


def _bare_answer(text: str) -> str | None:
    """The secret in an answer that is little else: one word, perhaps after `it's` or `use`."""
    rest = _bare(_LEAD_IN.sub("", text).strip())
    parts = {part.lower() for part in rest.split()}
    refuses = parts & _DECLINES
    ordinary = _ORDINARY | _SMALL
    if rest.count(" ") > 4 or len(rest) < 4 or refuses or (parts & ordinary and " " in rest):
        return None
    return None if parts <= ordinary else rest
