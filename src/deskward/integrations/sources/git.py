"""A Git repository, as the program `git` fetches it: one commit, without a working tree.

What is fetched is never checked out, so no filter, hook or submodule of the repository comes into
play; only the transports that are named may be used, and the host is reached at the address that
was checked.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from deskward.core.outside import NotAllowed, NotReached, Outside
from deskward.core.private import private_folder
from deskward.integrations.sources.programs import Failed, found, run, surroundings
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import format_of
from deskward.knowledge.origins import Fetched, Item, Listing, Source, Unreachable
from deskward.knowledge.parsing.pool import too_large
from deskward.knowledge.places import is_local

HEAD = "refs/deskward/head"
PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+-]{0,199}")
_POINTER = b"version https://git-lfs.github.com/"
_LINK, _FILES = "120000", ("100644", "100755", "100664")


class Git:
    """A commit that was fetched."""

    def __init__(self, source: Source, folder: Path, commit: str, most: int) -> None:
        """Make one."""
        self._source = source
        self._folder = folder
        self._commit = commit
        self._most = most
        self._child: asyncio.subprocess.Process | None = None

    async def items(self, mark: str | None) -> Listing | None:
        """The documents of the commit; None where it is the one that was read."""
        if mark == self._commit:
            return None
        words = ["ls-tree", "-r", "-l", "-z", "--full-tree", self._commit]
        inside = self._source.settings.folder.strip("/")
        tree = await _git(self._folder, *words, "--", *([f"{inside}/"] if inside else []))
        listed = (self._item(line) for line in tree.split(b"\0") if line)
        return Listing([one for one in listed if one is not None], self._commit)

    async def fetch(self, item: Item, known: str) -> Fetched:
        """A document's bytes.

        Raises:
            Broken: It is too large, or not in the repository itself.
        """
        data = await self._blob(item.stamp)
        if data.startswith(_POINTER):
            raise Broken("it is kept by Git LFS, which is not read")
        return Fetched(data)

    async def aclose(self) -> None:
        """End what reads."""
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    def _item(self, line: bytes) -> Item | None:
        facts, _, name = line.partition(b"\t")
        mode, kind, blob, size = facts.decode("ascii").split()
        path = name.decode("utf-8", "replace")
        if kind != "blob" or format_of(path) is None or not self._source.settings.takes(path):
            return None
        problem = "" if mode in _FILES else "it is no regular file"
        if mode == _LINK:
            problem = "it is a symbolic link, which is not followed in a repository"
        place = self._source.location.removesuffix(".git")
        address = f"{place}#{path}"
        return Item(path, blob, int(size), address, self._commit[:40], problem)

    async def _blob(self, blob: str) -> bytes:
        if self._child is None:
            self._child = await asyncio.create_subprocess_exec(
                *(found("git"), "--git-dir", str(self._folder), *HARDENED, "cat-file", "--batch"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(self._folder),
                start_new_session=True,
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(f"{blob}\n".encode())
            await self._child.stdin.drain()
            head = (await self._child.stdout.readline()).split()
            if len(head) != 3:
                raise Unreachable("The repository's copy is damaged; it is fetched anew next time.")
            size = int(head[2])
            if size > self._most:
                await self.aclose()
                raise too_large(size, self._most)
            data = await self._child.stdout.readexactly(size + 1)
        except (ConnectionError, asyncio.IncompleteReadError):
            raise Unreachable("The program `git` ended.") from None
        return data[:-1]


HARDENED = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "http.followRedirects=false"),
    *("-c", "http.lowSpeedLimit=100"),
    *("-c", "http.lowSpeedTime=60"),
    *("-c", "fetch.fsckObjects=true"),
    *("-c", "submodule.recurse=false"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "gc.auto=0"),
    *("-c", "credential.helper="),
)


@contextlib.asynccontextmanager
async def open_git(source: Source, work: Path, outside: Outside, most: int) -> AsyncIterator[Git]:
    """Fetch a repository's commit.

    Raises:
        Unreachable: It cannot be had.
    """
    branch = source.settings.branch or "HEAD"
    if not _REF.fullmatch(branch) or ".." in branch or "@{" in branch:
        raise Unreachable(f"{branch} is no name of a branch or tag.")
    folder = work / f"{source.id}.git"
    private_folder(work)
    environment, more = await _reached(source, outside, folder)
    try:
        await _fetch(source, folder, branch, environment, more)
    except Failed as error:
        if "lock" in str(error) or "corrupt" in str(error) or "bad object" in str(error):
            # Another process was killed in the middle of it.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            try:
                await _fetch(source, folder, branch, environment, more)
            except Failed as again:
                raise Unreachable(_words(str(again), branch)) from None
        else:
            raise Unreachable(_words(str(error), branch)) from None
    told = await _git(folder, "rev-parse", "--verify", f"{HEAD}^{{commit}}")
    opened = Git(source, folder, told.decode("ascii").strip(), most)
    try:
        yield opened
    finally:
        await opened.aclose()


async def _fetch(
    source: Source, folder: Path, branch: str, environment: dict[str, str], more: list[str]
) -> None:
    git = found("git")
    if not await asyncio.to_thread((folder / "HEAD").exists):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        words = (git, *HARDENED, "init", "--quiet", "--bare", "--template=", str(folder))
        await run(words, environment)
    await run(
        (
            *(git, "--git-dir", str(folder), *HARDENED, *more, "fetch", "--progress"),
            *(
                "--depth=1",
                "--no-tags",
                "--no-recurse-submodules",
                "--force",
                "--no-auto-maintenance",
            ),
            *("--", source.location, f"+{branch}:{HEAD}"),
        ),
        environment,
        grows=folder,
    )


async def _reached(
    source: Source, outside: Outside, folder: Path
) -> tuple[dict[str, str], list[str]]:
    """Environment and options with which a repository is reached, and no other one is.

    Raises:
        Unreachable: It is where nothing may be read.
    """
    if is_local(source.kind, source.location):
        return _environment(folder, GIT_ALLOW_PROTOCOL="file"), ["-c", "safe.directory=*"]
    scheme, host, port = _host(source.location)
    try:
        address = await outside.address_of(scheme, host, port)
    except (NotAllowed, NotReached) as error:
        raise Unreachable(f"{host}: {error}.") from None
    more: list[str] = []
    told = {"GIT_ALLOW_PROTOCOL": scheme}
    if scheme in ("https", "http"):
        literal = f"[{address}]" if address.version == 6 else str(address)
        more = ["-c", f"http.curloptResolve={host}:{port}:{literal}"]
    elif scheme == "ssh":
        told["GIT_SSH_COMMAND"] = (
            f"ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15 "
            f"-o HostName={address} -o HostKeyAlias={host} -o ProxyCommand=none"
        )
    if source.secret and scheme in ("https", "http"):
        name, parted, word = source.secret.partition(":")
        pair = source.secret if parted else f"x-access-token:{name}{word}"
        basic = base64.b64encode(pair.encode()).decode()
        told |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    return _environment(folder, **told), more


def _host(location: str) -> tuple[str, str, int]:
    if "://" not in location:  # git@host:path
        return "ssh", location.partition(":")[0].rpartition("@")[2], PORTS["ssh"]
    parts = urlsplit(location)
    scheme = parts.scheme.casefold()
    return scheme, parts.hostname or "", parts.port or PORTS.get(scheme, 443)


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return surroundings(
        folder.parent,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL="/dev/null",
        GIT_TERMINAL_PROMPT="0",
        GIT_ASKPASS="/bin/false",
        GIT_PROTOCOL_FROM_USER="0",
        GIT_OPTIONAL_LOCKS="0",
        **more,
    )


async def _git(folder: Path, *words: str) -> bytes:
    whole = (found("git"), "--git-dir", str(folder), *HARDENED, *words)
    try:
        return await run(whole, _environment(folder))
    except Failed as error:
        raise Unreachable(f"Git: {error}") from None


def _words(said: str, branch: str) -> str:
    if "couldn't find remote ref" in said:
        return f"It has no branch or tag {branch}."
    if "uthentication failed" in said or "could not read Username" in said:
        return "It does not open: give a token that may read it as the source's secret."
    return f"Git: {said}"
