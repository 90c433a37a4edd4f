"""Web addresses, one document each: those that are listed, on their own hosts, as robots.txt says.

Each is asked for with what is known of it (`If-None-Match`, `If-Modified-Since`), so that what is
unchanged is not sent again (RFC 9110, section 13). robots.txt is obeyed as RFC 9309 says.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from deskward.core.outside import Got, NotAllowed, NotReached, Outside, TooMuch
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import format_of
from deskward.knowledge.origins import Fetched, Item, Listing, Source, Unreachable

AGENT = "Deskward"
REDIRECTS = 5
"""As RFC 9309 wants them followed."""
SECONDS = 60.0
ROBOTS = 500_000
"""Bytes of a robots.txt that are read."""
FORMS = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/plain": "text",
    "text/x-rst": "rst",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word",
}
"""Media type → form."""
_MOVED = (301, 302, 303, 307, 308)


class Web:
    """Web addresses that are read once."""

    def __init__(self, source: Source, outside: Outside, most: int) -> None:
        """Make one."""
        self._addresses = source.location.split()
        self._hosts = {urlsplit(one).netloc.casefold() for one in self._addresses}
        self._outside = outside
        self._most = most
        self._robots: dict[str, RobotFileParser] = {}

    async def items(self, mark: str | None) -> Listing:
        """The addresses; only asking each tells whether it has changed."""
        return Listing([Item(one, "", address=one) for one in self._addresses])

    async def fetch(self, item: Item, known: str) -> Fetched | None:
        """A page, if it has changed.

        Raises:
            Broken: It is not there, may not be read, or is too large.
            Unreachable: Its host does not answer.
        """
        got, address = await self._got(item.path, _conditions(known))
        if got.status == 304:
            return None
        if got.status in (404, 410):
            raise Broken(f"the server answers {got.status}: it is not there")
        if got.status != 200:
            raise Unreachable(f"the server answers {got.status}")
        hashed = hashlib.sha256(got.content).hexdigest()
        stamp = _stamp(got.headers) or f"sha:{hashed}"
        if stamp == known:
            return None
        kind = got.headers.get("content-type", "").partition(";")[0].strip().lower()
        form = FORMS.get(kind) or format_of(urlsplit(address).path)
        if form == "text":
            form = format_of(urlsplit(address).path) or form
        if form is None:
            raise Broken(f"it is of the kind {kind or 'unknown'}, which is not read")
        return Fetched(got.content, stamp, form)

    async def _got(self, address: str, headers: Mapping[str, str]) -> tuple[Got, str]:
        """What is at an address in the end, and at which."""
        for _ in range(REDIRECTS + 1):
            await self._check_robots(address)
            got = await self._asked(address, headers, self._most)
            if got.status not in _MOVED:
                return got, address
            address = urljoin(address, got.headers.get("location", ""))
            if urlsplit(address).netloc.casefold() not in self._hosts:
                host = urlsplit(address).hostname or "nowhere"
                raise Broken(f"it leads to {host[:100]}, which is none of the source's hosts")
        raise Broken(f"it leads from one address to the next more than {REDIRECTS} times")

    async def _check_robots(self, address: str) -> None:
        parts = urlsplit(address)
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._robots:
            self._robots[place] = await self._rules(f"{place}/robots.txt")
        if not self._robots[place].can_fetch(AGENT, address):
            raise Broken("its host's robots.txt does not allow to read it")

    async def _rules(self, address: str) -> RobotFileParser:
        rules = RobotFileParser()
        try:
            got = await self._asked(address, {}, ROBOTS)
        except Broken:
            got = Got(404, {}, b"")
        if got.status >= 500:  # then nothing is allowed (RFC 9309, section 2.3.1.4)
            raise Unreachable(f"its host's robots.txt answers {got.status}")
        text = got.content.decode("utf-8", "replace") if got.status == 200 else ""
        rules.parse(text.splitlines())
        return rules

    async def _asked(self, address: str, headers: Mapping[str, str], most: int) -> Got:
        named = {"user-agent": AGENT, "accept": "*/*", **headers}
        try:
            return await self._outside.get(address, named, most=most, seconds=SECONDS)
        except NotAllowed as error:
            raise Broken(f"it may not be read: {error}") from None
        except NotReached as error:
            raise Unreachable(f"its host does not answer: {error}") from None
        except TooMuch:
            raise Broken(
                f"it is larger than {most / 1_000_000:,.1f} MB (KNOWLEDGE_MAX_MB)"
            ) from None


@contextlib.asynccontextmanager
async def open_web(source: Source, outside: Outside, most: int) -> AsyncIterator[Web]:
    """Open web addresses for one sync."""
    yield Web(source, outside, most)


def _stamp(headers: Mapping[str, str]) -> str:
    if tag := headers.get("etag", ""):
        return f"etag:{tag[:200]}"
    return f"date:{date[:100]}" if (date := headers.get("last-modified", "")) else ""


def _conditions(known: str) -> dict[str, str]:
    """Headers by which a server tells that what is known is still so."""
    kind, _, value = known.partition(":")
    if not value or not value.isprintable() or not value.isascii():
        return {}
    return {"etag": {"if-none-match": value}, "date": {"if-modified-since": value}}.get(kind, {})
