"""Asking addresses over HTTP: status, headers, a part of the answer, how long it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urljoin

import httpx2
import jsonpath

from deskward.core.apart import apart
from deskward.core.database import now
from deskward.core.foreign_json import parts_in, read_json, steps_of
from deskward.core.outside import NotAllowed, pinned
from deskward.core.veil import veiled
from deskward.diagnostics.suites.inside import Seen, compared
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.suite import (
    MOST_REDIRECTS,
    MOST_SECONDS,
    Clock,
    Http,
    Performance,
)
from deskward.integrations.checks import tls
from deskward.integrations.checks.reaching import NotReached, Place, find, milliseconds, told_of

MOST_READ = 512 * 1024
"""Bytes of an answer that are read; one with more is `too_large`."""
MOST_HEADERS = 50
MOST_HEADER = 500
"""Characters of a header that are kept."""
MOST_ADDRESS = 8_000
"""Characters of an address to which an answer redirects."""
MOST_FOUND = 20
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        location: Where it redirects to, whole.
    """

    status: int
    location: str | None
    headers: dict[str, str]
    content: bytes
    place: Place
    took: int


async def look(test: Http, reach: Reach) -> Seen:
    """What an address answers, after redirections.

    Raises:
        NotAllowed: It may not be asked.
        NotReached: Nobody answered in order.
    """
    answer, url, redirects = await _followed(
        test.method, test.url, test.headers, test.follow, reach
    )
    seen: dict[str, Any] = {
        "reached": True,
        "problem": "",
        "address": answer.place.shown,
        "milliseconds": answer.took,
        "seconds": answer.took / 1000,
        "status": answer.status,
        "headers": answer.headers,
        "size": len(answer.content),
        "redirects": redirects,
        "url": veiled(url)[:300],
        **await _looked_up(test, answer.content),
    }
    if url.lower().startswith("https:"):
        seen["tls"] = await tls.certificate(answer.place)
    told = f"{answer.status} after {answer.took} ms"
    return seen, f"{told}, redirected {redirects} times." if redirects else f"{told}."


async def _followed(
    method: str, url: str, headers: dict[str, str], most: int, reach: Reach
) -> tuple[Answer, str, int]:
    """What an address answers in the end, the address that answers, and how often it redirected.

    What the answer took is what all of it took.

    Args:
        most: Redirections that are followed; with none a redirection is what is looked at.

    Raises:
        NotAllowed: It may not be asked.
        NotReached: Nobody answered in order, or it redirects on and on.
    """
    redirects = took = 0
    while True:
        try:
            answer = await _asked(method, url, headers if not redirects else {}, reach)
        except NotAllowed as refusal:
            if not redirects:
                raise
            told = f"It redirects to {veiled(url)[:300]}, where no test may go: {refusal}."
            raise NotReached("redirect", told) from None
        took += answer.took
        location = answer.location
        if answer.status not in _MOVED or location is None or most == 0:
            return replace(answer, took=took), url, redirects
        url, redirects = urljoin(url, location), redirects + 1
        if redirects > most:
            times = "once" if most == 1 else f"{most} times"
            told = f"There are too many redirects: it redirects more than {times}, "
            raise NotReached("redirect", f"{told}the last time to {veiled(url)[:300]}.")
        if len(url) > MOST_ADDRESS:
            told = f"It redirects to an address of more than {MOST_ADDRESS:,} characters."
            raise NotReached("redirect", told)


async def measure(test: Performance, reach: Reach) -> Seen:
    """How an address does that is asked several times.

    Raises:
        NotAllowed: It may not be asked.
        NotReached: Nobody answered in order, not once.
    """
    at_once = asyncio.Semaphore(test.at_once)
    last: NotReached | None = None

    async def one() -> int | None:
        nonlocal last
        async with at_once:
            try:
                answer, _, _ = await _followed("GET", test.url, {}, MOST_REDIRECTS, reach)
            except NotReached as error:
                last = error
                return None
            return answer.took if answer.status < 400 else -1

    begun = time.monotonic()
    found = await asyncio.gather(*(one() for _ in range(test.requests)))
    seconds = time.monotonic() - begun
    if last is not None and all(took is None for took in found):
        raise last
    times = sorted(took for took in found if took is not None and took >= 0)
    seen: dict[str, Any] = {
        "reached": True,
        "problem": "",
        "requests": len(found),
        "failed": len(found) - len(times),
        "per_second": round(len(found) / seconds, 1),
    }
    if times:
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("slowest", 1.0)):
            seen[name] = times[max(0, -int(-part * len(times) // 1) - 1)]
    told = f"{len(times)} of {len(found)} requests succeeded"
    return seen, f"{told}; p50 {seen['p50']} ms, p95 {seen['p95']} ms." if times else f"{told}."


async def clock(test: Clock, reach: Reach) -> Seen:
    """How far a server's clock is off ours, by the header Date.

    Raises:
        NotAllowed: It may not be asked.
        NotReached: Nobody answered in order, or without a date.
    """
    assert test.url is not None
    answer = await _asked("HEAD", test.url, {}, reach)
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        raise NotReached("broken", "Its answer says no time.") from None
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    seen, said = compared(told, now(), test.most)
    return {"reached": True, "problem": "", "milliseconds": answer.took, **seen}, said


async def _asked(method: str, url: str, headers: dict[str, str], reach: Reach) -> Answer:
    parts = _parsed(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.raw_host.decode("ascii").strip("[]")
    place = await find(host, port, reach)
    trusted = tls.verifying()
    begun = time.monotonic()
    # What is packed could become a thousand times as much before it is counted.
    asked = {"user-agent": "deskward-tests", **headers, "accept-encoding": "identity"}
    try:
        with told_of(place):
            async with pinned(
                method, parts, place.address, asked, verify=trusted, seconds=MOST_SECONDS
            ) as response:
                content = bytearray()
                async for piece in response.aiter_raw():
                    content += piece
                    if len(content) > MOST_READ:
                        told = f"Its answer has more than {MOST_READ // 1024} KB."
                        raise NotReached("too_large", told)
                took = milliseconds(begun)
                return Answer(
                    response.status_code,
                    response.headers.get("location"),
                    _headers(response),
                    bytes(content),
                    place,
                    took,
                )
    except httpx2.ConnectError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, OSError):
                with told_of(place):
                    raise cause from None
            cause = cause.__cause__ or cause.__context__
        raise NotReached("refused", f"{place.shown} is not reached: {error}."[:300]) from None
    except httpx2.HTTPError as error:
        raise NotReached("broken", f"It answers no HTTP: {error}."[:300]) from None
    raise AssertionError("not reached")


def _parsed(url: str) -> httpx2.URL:
    odd = not url.isprintable() or any(map(str.isspace, url))
    told = f"{veiled(url)[:300]} is no address of the form https://host/path"
    try:
        parts = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise NotAllowed(
            f"{veiled(url)[:300]} is no address of the form https://host/path"
        ) from None
    if odd or parts.scheme not in ("http", "https") or not parts.host or b"%" in parts.raw_host:
        raise NotAllowed(told)
    if parts.userinfo:
        raise NotAllowed("the address holds a password, which is not sent")
    return parts


def _headers(response: httpx2.Response) -> dict[str, str]:
    found = list(response.headers.items())[:MOST_HEADERS]
    return {name.lower()[:100]: value[:MOST_HEADER] for name, value in found}


async def _looked_up(test: Http, content: bytes) -> dict[str, Any]:
    """The answer as JSON, `json`, and what the test's paths find in it, `found`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    parts = parts_in(text) if text.lstrip()[:1] in ("[", "{") else 1
    given = {"text": text, "paths": test.paths}
    looked: dict[str, Any] = await apart(
        read_answer, given, steps_of(test.paths.values(), parts), limit=test.seconds
    )
    return looked


def read_answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """A `text` as JSON, and what some `paths` find in it; None where it is none, or too much."""
    try:
        data = read_json(given["text"])
    except ValueError:
        data = None
    return {
        "json": data,
        "found": {name: _found(path, data) for name, path in given["paths"].items()},
    }


def _found(path: str, data: Any) -> Any:
    """What a path finds: the value; where it can find several, a list of them."""
    compiled = _compiled(path)
    found = [node.value for node in islice(compiled.finditer(data), MOST_FOUND)] if data else []
    return (found[0] if found else None) if compiled.singular_query() else found


@lru_cache(maxsize=256)
def _compiled(path: str) -> jsonpath.JSONPath:
    compiled = jsonpath.compile(path)
    assert isinstance(compiled, jsonpath.JSONPath)
    return compiled
