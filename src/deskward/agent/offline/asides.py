"""What a customer says that asks for nothing, and a short answer to it: no ticket is made of it.

The whole message has to be of such words (`text/lists/asides.yaml`): with one unknown word it is
none, and neither with a word that turns it over ("thanks, but …").
"""

from __future__ import annotations

from functools import cache

from deskward.agent.offline.lookup import Hit, Lookup, plain, tokens_of
from deskward.agent.offline.replies import texts_of
from deskward.text.lists import read_list

LONGEST = 80
"""Characters of such a message; a longer one says more."""
LOOKED_AT = 400
KINDS = ("thinks", "leaves", "chats", "laughs", "content")
"""In the order in which they count where a message has several."""


def aside_of(text: str) -> tuple[str, str] | None:
    """Which kind of aside a message is as a whole, and in which language; None where it is none."""
    if len(text) > LONGEST:
        return None
    tokens = tokens_of(plain(text))
    if not tokens:
        return None
    best: tuple[int, str, str] | None = None
    for language, lookup in _lookups().items():
        hits = lookup.find(tokens)
        if "turns" in hits:
            return None
        kind = next((kind for kind in KINDS if kind in hits), None)
        known = {at for some in hits.values() for hit in some for at in _places(hit)}
        if kind is None or len(known) < len(tokens):
            continue
        said = {at for kind in KINDS for hit in hits.get(kind, ()) for at in _places(hit)}
        if best is None or len(said) > best[0]:
            best = len(said), kind, language
    return None if best is None else (best[1], best[2])


def turns(text: str) -> bool:
    """Whether a text has a word that turns over what is said beside it: "but", "still not"."""
    tokens = tokens_of(plain(text[:LOOKED_AT]))
    return any("turns" in lookup.find(tokens) for lookup in _lookups().values())


def gives_no_value(text: str) -> bool:
    """Whether a text points to a value instead of giving it: "you know, the new one"."""
    tokens = tokens_of(plain(text[:LOOKED_AT]))
    return not any(token.text[:1].isdigit() for token in tokens) and bool(_pointing().find(tokens))


def answer_to(kind: str, language: str) -> str:
    """The answer to an aside, in a language or else in English."""
    texts = texts_of("asides")[kind]
    return texts.get(language, texts["en"])


def _places(hit: Hit) -> range:
    return range(hit.start, hit.end)


@cache
def _lookups() -> dict[str, Lookup]:
    """A language's phrases; a message is of one language."""
    return {language: Lookup(own.items()) for language, own in read_list("asides").items()}


@cache
def _pointing() -> Lookup:
    return Lookup(read_list("no_value").items())
