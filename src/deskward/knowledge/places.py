"""Where sources are: the form of their locations, and whether they may be there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Protocol

from deskward.core.errors import Unfit
from deskward.core.outside import NotAllowed
from deskward.knowledge.origins import SourceKind

MOST_ADDRESSES = 500
"""Web addresses that one source may have."""
_SCP = re.compile(r"(?<![\w.-])(?:[\w.-]+@)?[\w.-]+:(?!/)[\w./~@%+-]+")
"""`git@host:path`, as ssh is often written."""
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\s?#]*)?")
_SCHEMES = {
    "git": ("https", "http", "ssh", "git"),
    "svn": ("https", "http", "svn", "svn+ssh"),
    "web": ("https", "http"),
}


class Hosts(Protocol):
    """Says which hosts may be reached."""

    def check_host(self, scheme: str, host: str) -> None:
        """See that a host may be reached in this way.

        Raises:
            NotAllowed: It may not.
        """
        ...


def is_local(kind: str, location: str) -> bool:
    """Whether a source is on this machine: then only its operator may name it."""
    if kind == "folder":
        return True
    if kind in ("git", "svn"):
        remote = "://" in location and not location.casefold().startswith("file:")
        return not remote and not (kind == "git" and _SCP.fullmatch(location))
    return False


def place_of(kind: SourceKind, location: str, hosts: Hosts) -> str:
    """A source's location as it is kept.

    Raises:
        Unfit: It is none, or may not be read.
    """
    location = location.strip()
    if not location or location.startswith("-") or "\0" in location:
        raise Unfit("That is no location of a source.")
    if kind == "web":
        return "\n".join(_addresses(location.split(), hosts))
    if "\n" in location or "\r" in location:
        raise Unfit("A location is one line.")
    if kind == "s3":
        if not _BUCKET.fullmatch(location):
            raise Unfit("A bucket is named as s3://bucket/prefix.")
        return location
    if is_local(kind, location):
        return _on_this_machine(kind, location)
    if kind == "git" and (_SCP.fullmatch(location)):
        host = location.partition(":")[0].rpartition("@")[2]
        _check_host("ssh", host, hosts)
        return location
    _check_address(kind, location, hosts)
    return location


def host_of(location: str) -> tuple[str, str]:
    """Scheme and host of an address."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(location)
        return parts.scheme.casefold(), parts.hostname or ""
    except ValueError:
        return "", ""


def _on_this_machine(kind: SourceKind, location: str) -> str:
    path = location.removeprefix("file://")
    if not os.path.isabs(path):
        raise Unfit("A folder is named by its whole path, which begins with /.")
    if not os.path.isdir(path):
        raise Unfit(f"There is no folder {path}.")
    real = os.path.realpath(path)
    return f"file://{real}" if kind == "svn" else real


def _addresses(words: Sequence[str], hosts: Hosts) -> list[str]:
    if len(words) > MOST_ADDRESSES:
        raise Unfit(f"There are {len(words)} addresses; a source has up to {MOST_ADDRESSES}.")
    for word in words:
        _check_address("web", word, hosts)
    return list(dict.fromkeys(words))


def _check_address(kind: SourceKind, location: str, hosts: Hosts) -> None:
    scheme, host = host_of(location)
    if scheme not in _SCHEMES[kind] or not host or not location.isprintable():
        raise Unfit(f"{location[:200]} is no address of the form {_SCHEMES[kind][0]}://host/path.")
    if "@" in location.partition("://")[2].partition("/")[0] and scheme in ("http", "https"):
        raise Unfit("Leave the password out of the address, and give it as `secret`.")
    _check_host(scheme, host, hosts)


def _check_host(scheme: str, host: str, hosts: Hosts) -> None:
    try:
        hosts.check_host(scheme, host)
    except NotAllowed as error:
        raise Unfit(f"The source cannot be read there: {error}.") from None
