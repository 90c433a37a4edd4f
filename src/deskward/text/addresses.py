"""Addresses in texts: finding them however they are written, and telling whose they are.

What a reader's program makes a link of is decided there, by rules that differ: CommonMark, GFM's
autolinks (spec 0.29, section 6.9), linkify-it, the URL Standard of browsers. So everything counts
that any of them might take for an address, and only what all of them read alike is allowed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

import idna

LINK = "[link removed]"
ADDRESS = "[address removed]"

_FULL_STOPS = str.maketrans("。．｡", "...")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20}")
_WHOLE = re.compile(
    r"https?://(?P<host>[\w.-]{1,253})(?P<port>:[0-9]{1,5})?(?P<rest>[/?#][A-Za-z0-9_\-.%/?#&=+,;!]{0,2000})?",
    re.IGNORECASE,
)
_ODD_REST = re.compile(r"//|(?<![^\W_])_|_(?![^\W_])")
"""What parts an address, or hides a second one, for some readers: `//`, emphasis."""
_ADDRESS = re.compile(
    r"(?P<url>"
    r"(?:\b[a-z][a-z0-9+.-]{0,31}:)?[/\\]{2,9}(?=[\w\[%&.-])[^\s<>\"']*"
    r"|(?<![^\W_])(?:https?|ftps?|wss?|file|blob|javascript|vbscript|intent):[^\s<>\"']+"
    r"|(?<![^\W_])data:\w{1,40}/[^\s<>\"']+|(?<![^\W_])www[.。．｡][^\s<>\"']+)"
    r"|(?:(?<![^\W_])(?:mailto|xmpp|sips?):\s?)?"
    r"(?P<mail>[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,30})(?:\?\S*)?"
    r"|(?P<to>(?<![^\W_])(?:mailto|xmpp|sips?):[^\s<>\"']+)"
    r"|(?P<host>\d{1,3}(?:\.\d{1,3}){3}(?=[/:]\S)"
    r"|(?<!\w)(?:[\w-]{1,250}\.){1,30}(?P<last>[^\W\d_][\w-]{1,62}))(?P<rest>[/:?#][^\s<>\"']*)?",
    re.IGNORECASE,
)
_TRAIL = ".,;:!?)]}'\"*_~"
_ENDS = re.compile(r"[.,;:?)]?\s?")
_ENDS_A_PATH = re.compile(r"[.,;:!?)]*\s?")
_FILES = frozenset({"pdf", "txt", "csv", "png", "jpg", "jpeg", "doc", "docx", "xls", "xlsx"})
"""Ends of names that are files', and no top-level domains."""
_DOMAINS = frozenset(
    """com org net edu gov mil int info biz name pro web xxx aero asia coop museum shop app dev
    xyz top site online link click page cloud tech store live club blog""".split()
)
"""Top-level domains that count also where they are written like the first word of a sentence."""
_COMPATIBLE = re.compile(r"//|@|\w\.[a-z]{2}", re.IGNORECASE)
_WIDE_STOP = re.compile(r"(?<=[A-Za-z0-9])[。．｡](?=[A-Za-z])")


def host_key(host: str) -> str | None:
    """A host's name as it is compared: NFKC, then IDNA in ASCII (UTS 46, RFC 5891), lower case.

    `ß` and `ss` stay two hosts, as they are for browsers. None where it is no host's name.
    """
    name = unicodedata.normalize("NFKC", host).translate(_FULL_STOPS).lower().removesuffix(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            return None
    return name if _NAME.fullmatch(name) else None


class Known:
    """The hosts and mail addresses that a text may name."""

    def __init__(self, hosts: Collection[str], addresses: Collection[str] = ()) -> None:
        """Know these.

        Args:
            hosts: Names of hosts, or `name:port` for another port than the usual one.
            addresses: Mail addresses, in lower case, besides all those at the hosts.
        """
        self._hosts: set[str] = set()
        for host in hosts:
            name, colon, port = host.partition(":")
            if key := host_key(name):
                self._hosts.add(f"{key}{colon}{port}")
        self._addresses = frozenset(addresses)

    def url(self, url: str) -> bool:
        """Whether a web address leads to a known host, and is read alike by everybody."""
        found = _WHOLE.fullmatch(url)
        if found is None or (found["rest"] and _ODD_REST.search(found["rest"])):
            return False
        usual = (":443", "") if url[4:5] in "sS" else (":80", "")
        port = found["port"] or ""
        return f"{host_key(found['host'])}{'' if port in usual else port}" in self._hosts

    def mail(self, address: str) -> bool:
        """Whether a mail address is known, or at a known host."""
        address = unicodedata.normalize("NFKC", address).lower()
        return address in self._addresses or host_key(address.partition("@")[2]) in self._hosts

    def without_unknown(self, text: str) -> str:
        """The text with every address that is not known replaced by `LINK` or `ADDRESS`."""
        return _ADDRESS.sub(self._kept, _spelled_out(text))

    def _kept(self, match: re.Match[str]) -> str:
        if match["mail"] or match["to"]:
            return match["mail"] if match["mail"] and self.mail(match["mail"]) else ADDRESS
        found = match[0].rstrip(_TRAIL)
        after = match[0][len(found) :]
        last = (match["last"] or "").rstrip("_-")
        if last and not match["rest"] and (_is_sentence(last) or _is_file(found, last)):
            return match[0]
        scheme = "" if match["url"] and found[:3].lower() != "www" else "https://"
        if not self.url(scheme + found):
            return LINK + after
        # Some readers see an address only after white space, and end it only at some.
        before = match.string[max(0, match.start() - 1) : match.start()]
        ends = _ENDS_A_PATH if "/" in found[8:] else _ENDS
        ended = ends.fullmatch(after + match.string[match.end() : match.end() + 1])
        begun = not before or before.isspace() or before == "("
        return f"{'' if begun else ' '}{found}{'' if ended else ' '}{after}"


def _is_sentence(last: str) -> bool:
    """Whether a host's last part is rather the first word of a sentence that lacks its space."""
    return len(last) > 2 and last.istitle() and last.lower() not in _DOMAINS


def _is_file(name: str, last: str) -> bool:
    return last.lower() in _FILES and name.count(".") == 1


def _spelled_out(text: str) -> str:
    """The text with addresses in letters of another width or form written in the usual ones."""
    if text.isascii():
        return text
    words = re.split(r"(\s+)", _WIDE_STOP.sub(".", text))
    for at, word in enumerate(words):
        if not unicodedata.is_normalized("NFKC", word):
            usual = unicodedata.normalize("NFKC", word)
            if len(_COMPATIBLE.findall(usual)) > len(_COMPATIBLE.findall(word)):
                words[at] = usual
    return "".join(words)
