"""Documents of a bucket: listed and fetched over S3's REST API, signed where there is a key.

Signatures are AWS's version 4 ("Authenticating Requests: Using the Authorization Header" in the
reference of Amazon S3's API). Requests go the way of all that leads outside (`core/outside.py`),
which those of no client library do.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from deskward.core.database import now
from deskward.core.outside import Got, NotAllowed, NotReached, Outside, TooMuch
from deskward.core.outside_xml import parsed
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import format_of
from deskward.knowledge.origins import Fetched, Item, Listing, Source, Unreachable

SECONDS = 120.0
LISTING = 16_000_000
"""Bytes of one page of a listing, which names up to 1,000 objects."""
MOST = 1_000_000
"""Objects that are looked at."""
EMPTY = hashlib.sha256(b"").hexdigest()


class Key(NamedTuple):
    """What requests are signed with."""

    id: str
    secret: str
    session: str = ""


class Bucket:
    """A bucket's objects below a prefix."""

    def __init__(self, source: Source, outside: Outside, most: int) -> None:
        """Make one.

        Raises:
            Unreachable: Its secret is not of the form of a key.
        """
        parts = urlsplit(source.location)
        self._source = source
        self._outside = outside
        self._most = most
        self._bucket = parts.netloc
        # A prefix is a folder: with `docs` nobody means `docs-internal`, which S3 would list too.
        folder = parts.path.strip("/")
        self._prefix = f"{folder}/" if folder else ""
        self._region = source.settings.region or "us-east-1"
        self._key: Key | None = None
        if source.secret:
            words = source.secret.split(":")
            if len(words) not in (2, 3):
                raise Unreachable("A bucket's secret is ID:SECRET, or ID:SECRET:SESSION.")
            self._key = Key(*words)

    async def items(self, mark: str | None) -> Listing:
        """The objects that are documents.

        Raises:
            Unreachable: The bucket cannot be listed.
        """
        found: list[Item] = []
        token, seen = "", 0
        while True:
            asked = {"list-type": "2", "prefix": self._prefix}
            if token:
                asked["continuation-token"] = token
            page = _parsed(await self._got("", asked, LISTING))
            for node in page.iter():
                if node.tag.rpartition("}")[2] == "Contents":
                    seen += 1
                    found += [one for one in [self._item(node)] if one is not None]
            token = _text(page, "NextContinuationToken")
            if not token:
                return Listing(found)
            if seen > MOST:
                raise Unreachable(f"The bucket has more than {MOST:,} objects.")

    async def fetch(self, item: Item, known: str) -> Fetched:
        """An object's bytes.

        Raises:
            Broken: It is too large.
            Unreachable: It cannot be had.
        """
        return Fetched(await self._got(self._prefix + item.path, {}, self._most))

    def _item(self, node: ElementTree.Element) -> Item | None:
        key = _text(node, "Key")
        path = key.removeprefix(self._prefix)
        if format_of(path) is None or not self._source.settings.takes(path):
            return None
        size = _text(node, "Size") or "0"
        stamp = f"{_text(node, 'ETag')}-{size}"[:200]
        return Item(path, stamp, int(size), f"s3://{self._bucket}/{key}")

    async def _got(self, key: str, query: Mapping[str, str], most: int) -> bytes:
        url, path = self._address(key)
        host = urlsplit(url).netloc
        headers = {"x-amz-content-sha256": EMPTY}
        if self._key is not None:
            headers = signed(self._key, self._region, host, path, query, now())
        asked = f"{url}{path}{'?' if query else ''}{_query(query)}"
        try:
            got = await self._outside.get(asked, headers, most=most, seconds=SECONDS)
        except NotAllowed as error:
            raise Unreachable(f"The bucket may not be read: {error}.") from None
        except NotReached as error:
            raise Unreachable(f"The bucket does not answer: {error}.") from None
        except TooMuch:
            raise Broken(f"it is larger than {most / 1_000_000:,.0f} MB") from None
        if got.status != 200:
            raise Unreachable(f"The bucket answers {got.status}{_code(got)}.")
        return got.content

    def _address(self, key: str) -> tuple[str, str]:
        """Scheme with host, and path, of an object; of the bucket itself without a key."""
        endpoint = self._source.settings.endpoint.rstrip("/")
        name = quote(key, safe="/-_.~")
        if endpoint:
            return endpoint, f"/{self._bucket}/{name}" if key else f"/{self._bucket}"
        if "." in self._bucket:
            return f"https://s3.{self._region}.amazonaws.com", f"/{self._bucket}/{name}"
        return f"https://{self._bucket}.s3.{self._region}.amazonaws.com", f"/{name}"


def signed(
    key: Key, region: str, host: str, path: str, query: Mapping[str, str], moment: datetime
) -> dict[str, str]:
    """The headers of a signed GET.

    Args:
        path: As it is sent, escaped.
    """
    stamp = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    headers = {"host": host, "x-amz-content-sha256": EMPTY, "x-amz-date": stamp}
    if key.session:
        headers["x-amz-security-token"] = key.session
    names = ";".join(sorted(headers))
    told = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    asked = "\n".join(["GET", path, _query(query), told, names, EMPTY])
    digest = hashlib.sha256(asked.encode()).hexdigest()
    made = f"AWS4{key.secret}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        made = hmac.digest(made, part.encode(), "sha256")
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.new(made, to_sign.encode(), hashlib.sha256).hexdigest()
    headers.pop("host")
    return {
        **headers,
        "authorization": f"AWS4-HMAC-SHA256 Credential={key.id}/{scope},SignedHeaders={names},"
        f"Signature={signature}",
    }


@contextlib.asynccontextmanager
async def open_bucket(source: Source, outside: Outside, most: int) -> AsyncIterator[Bucket]:
    """Open a bucket for one sync."""
    yield Bucket(source, outside, most)


def _query(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _code(got: Got) -> str:
    """What the service calls the error, in its XML."""
    with contextlib.suppress(Unreachable):
        if code := _text(_parsed(got.content[:10_000]), "Code"):
            return f": {code[:60]}"
    return ""


def _parsed(xml: bytes) -> ElementTree.Element:
    try:
        return parsed(xml)
    except ValueError as error:
        raise Unreachable(f"The bucket's answer is not read. {error}") from None


def _text(node: ElementTree.Element, name: str) -> str:
    """The text of a child, whatever its namespace."""
    return next((one.text or "" for one in node if one.tag.rpartition("}")[2] == name), "")
