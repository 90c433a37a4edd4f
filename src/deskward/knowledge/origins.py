"""The port of what sources are: a folder, a repository, web addresses, and what else there will be.

`deskward/integrations/sources` has the adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from deskward.knowledge.facts import Settings

SourceKind = Literal["folder", "git", "svn", "web", "s3"]
KINDS: tuple[SourceKind, ...] = get_args(SourceKind)


class Unreachable(Exception):
    """A source cannot be read now; the message says why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source, as an adapter needs it.

    Attributes:
        location: A path or an address; of `web` one address a line.
        secret: What opens it (a token, `name:password`), where something does.
    """

    tenant: str
    id: str
    name: str
    kind: SourceKind
    location: str
    settings: Settings = field(default_factory=Settings)
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A document that a source has.

    Attributes:
        path: Its place in the source, with `/` between folders: the same at every look.
        stamp: Changes with its content; empty where only fetching tells.
        size: In bytes, where that is known.
        address: Where a reader finds it.
        commit: Which commit or revision it was read of.
        problem: Why it is not to be read, where that is known already.
    """

    path: str
    stamp: str
    size: int = 0
    address: str = ""
    commit: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source has now.

    Attributes:
        mark: Up to where it was read, as a commit does; the same mark says that nothing changed.
    """

    items: list[Item]
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document's bytes.

    Attributes:
        stamp: Its stamp, where that is only known now.
        form: Its form, where the source knows better than the path's ending.
    """

    data: bytes
    stamp: str = ""
    form: str | None = None


class Origin(Protocol):
    """A source that is open for one sync."""

    async def items(self, mark: str | None) -> Listing | None:
        """What the source has now; None where nothing changed since `mark`.

        Raises:
            Unreachable: It cannot be read.
        """
        ...

    async def fetch(self, item: Item, known: str) -> Fetched | None:
        """A document's bytes; None where it still has the stamp that is known of it.

        Raises:
            Broken: It cannot be had, and trying again would not help.
            Unreachable: It cannot be had now.
        """
        ...


Origins = Callable[[Source], AbstractAsyncContextManager[Origin]]
"""Opens a source. Raises `Unreachable` where that cannot be."""
