"""A Subversion repository, as the program `svn` reads it: one revision, in parts or whole."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from xml.etree import ElementTree

from deskward.core.outside import NotAllowed, NotReached, Outside
from deskward.core.outside_xml import parsed
from deskward.core.private import private_folder
from deskward.integrations.sources.folder import read_beneath
from deskward.integrations.sources.programs import Failed, found, run, surroundings
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import format_of
from deskward.knowledge.origins import Fetched, Item, Listing, Source, Unreachable
from deskward.knowledge.places import is_local

PORTS = {"https": 443, "http": 80, "svn": 3690, "svn+ssh": 22}
FEW = 30
"""Documents up to which they are read one by one."""


class Subversion:
    """A revision of a repository."""

    def __init__(self, source: Source, url: str, work: Path, most: int) -> None:
        """Make one.

        Args:
            url: Its address, as it is reached.
            work: A folder that is gone afterwards.
        """
        self._source = source
        self._url = url
        self._work = work
        self._most = most
        self._revision = ""
        self._left = 0
        self._whole: Path | None = None

    async def items(self, mark: str | None) -> Listing | None:
        """The documents of the newest revision; None where it is the one that was read.

        Raises:
            Unreachable: It cannot be had.
        """
        told = _parsed(await self._svn("info", "--xml", f"{self._url}@HEAD"))
        commit = told.find("./entry/commit")
        self._revision = (commit.get("revision") or "") if commit is not None else ""
        if not self._revision.isdigit():
            raise Unreachable("Subversion: the repository names no revision.")
        if mark == self._revision:
            return None
        listed = _parsed(
            await self._svn("list", "--xml", "--recursive", f"{self._url}@{self._revision}")
        )
        items = [self._item(entry) for entry in listed.iter("entry")]
        found_items = [one for one in items if one is not None]
        self._left = len(found_items)
        return Listing(found_items, self._revision)

    async def fetch(self, item: Item, known: str) -> Fetched:
        """A document's bytes.

        Raises:
            Broken: It is too large, or a link.
            Unreachable: It cannot be had.
        """
        self._left -= 1
        if not known and self._whole is None and self._left > FEW:
            await self._export()
        if self._whole is not None:
            return Fetched(
                await asyncio.to_thread(read_beneath, self._whole, item.path, self._most)
            )
        place = f"{self._url}/{quote(item.path)}@{self._revision}"
        data = await self._svn("cat", place)
        if len(data) > self._most:
            raise Broken("it is larger than it said")
        return Fetched(data)

    async def _export(self) -> None:
        """Have the whole revision, where reading file by file would ask a thousand times."""
        whole = self._work / "whole"
        words = (
            "export",
            "--quiet",
            "--ignore-externals",
            "--force",
            f"{self._url}@{self._revision}",
        )
        await self._svn(*words, str(whole), grows=self._work, silence=600.0)
        self._whole = whole

    def _item(self, entry: ElementTree.Element) -> Item | None:
        path = entry.findtext("name") or ""
        if entry.get("kind") != "file" or format_of(path) is None:
            return None
        if not self._source.settings.takes(path):
            return None
        commit = entry.find("commit")
        revision = (commit.get("revision") or "") if commit is not None else ""
        size = entry.findtext("size") or "0"
        address = f"{self._source.location.rstrip('/')}/{path}"
        return Item(path, f"r{revision}", int(size), address, revision)

    async def _svn(
        self, *words: str, grows: Path | None = None, silence: float | None = None
    ) -> bytes:
        name, parted, word = self._source.secret.partition(":")
        opens: list[str] = []
        if self._source.secret:
            user = ["--username", name] if parted else []
            opens = [*user, "--password-from-stdin"]
        command, *rest = words
        whole = (
            *(found("svn"), command, "--non-interactive", "--no-auth-cache"),
            *("--config-dir", str(self._work / "config")),
            *("--config-option", "servers:global:http-timeout=30"),
            *(*opens, *rest),
        )
        environment = surroundings(
            self._work, SVN_SSH="ssh -o BatchMode=yes -o StrictHostKeyChecking=yes"
        )
        given = (word if parted else name).encode()
        try:
            return await run(whole, environment, silence=silence, given=given, grows=grows)
        except Failed as error:
            raise Unreachable(f"Subversion: {error}") from None


@contextlib.asynccontextmanager
async def open_svn(
    source: Source, work: Path, outside: Outside, most: int
) -> AsyncIterator[Subversion]:
    """Open a Subversion repository for one sync.

    Raises:
        Unreachable: It is where nothing may be read.
    """
    private_folder(work)
    url = await _reached(source, outside)
    inside = source.settings.folder.strip("/")
    url = f"{url.rstrip('/')}/{quote(inside)}" if inside else url.rstrip("/")
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="svn-", dir=work))
    try:
        yield Subversion(source, url, folder, most)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _reached(source: Source, outside: Outside) -> str:
    """The address by which a repository is reached: of `svn://` the one that was checked."""
    if is_local(source.kind, source.location):
        return source.location
    parts = urlsplit(source.location)
    scheme, host = parts.scheme.casefold(), parts.hostname or ""
    port = parts.port or PORTS.get(scheme, 443)
    if scheme in ("http", "https") and not outside.names_hosts:
        # `svn` follows redirections, and looks names up itself.
        raise Unreachable(
            f"Subversion over HTTP is read on hosts that are named only: KNOWLEDGE_HOSTS={host}."
        )
    try:
        address = await outside.address_of(scheme, host, port)
    except (NotAllowed, NotReached) as error:
        raise Unreachable(f"{host}: {error}.") from None
    if scheme != "svn":
        return source.location
    literal = f"[{address}]" if address.version == 6 else str(address)
    return urlunsplit(parts._replace(netloc=f"{literal}:{port}"))


def _parsed(xml: bytes) -> ElementTree.Element:
    try:
        return parsed(xml)
    except ValueError as error:
        raise Unreachable(f"Subversion's answer is not read. {error}") from None
