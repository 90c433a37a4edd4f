"""The file of outside servers, in the form that MCP clients share (`mcpServers`).

Read as Claude Desktop, Claude Code and Cursor write it (`mcpServers`), and VS Code (`servers`, with
comments). What only Deskward knows of a server stands in an object `deskward` in its entry, which
other clients skip. One entry that is wrong costs that server only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deskward.hub.credentials import OAuth, Tls, ToldOAuth

Kind = Literal["stdio", "http", "sse", "ws"]
"""How a server is spoken to; `http` is streamable HTTP, `sse` what there was before it."""

_KINDS: Mapping[str, Kind] = {
    **{kind: kind for kind in get_args(Kind)},
    **dict.fromkeys(("streamable-http", "streamable_http", "streamablehttp"), "http"),
    "websocket": "ws",
}
_SCHEMES = {"http": ("http", "https"), "sse": ("http", "https"), "ws": ("ws", "wss")}
LONGEST_NAME = 32
"""Characters of a server's name, which its tools' names begin with."""
LARGEST = 1_000_000
"""Bytes of the file."""
MOST_SERVERS = 100

_LINE = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?', re.DOTALL)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)
_VARIABLE = re.compile(r"\$\{(?:(env|input):)?([A-Za-z0-9_.-]+)(?::-([^$}]*+))?\}")


class BadFile(ValueError):
    """The whole file cannot be read; says why."""


class _Own(BaseModel):
    """What only Deskward knows of a server."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    tenant: str | None = Field(None, min_length=1, max_length=64)
    timeout: float = Field(10.0, gt=0, le=3_600, allow_inf_nan=False)
    replicas: list[str] = Field(default_factory=list, max_length=50)
    required: bool = False
    oauth: ToldOAuth | None = None
    tls: Tls | None = None


class _Entry(BaseModel):
    """One server, as any client's file has it; what other clients alone know is skipped."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    type: str | None = None
    command: str | None = None
    args: list[str] = Field(default_factory=list)
    env: dict[str, str | int | float | bool] = Field(default_factory=dict)
    cwd: str | None = None
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    disabled: bool = False
    deskward: _Own = Field(default_factory=_Own)


@dataclass(frozen=True)
class Way:
    """How one process of a server is reached.

    Attributes:
        kinds: Tried one after the other until one is answered.
        command: With its arguments, where the desk starts the server itself.
        env: The environment that the child gets; of the desk's own it gets what `stdio.py` says.
        url: Where it serves otherwise.
        headers: Sent with every request.
        oauth: How the desk signs in to it.
        tls: The certificate that it shows, and whom it trusts.
    """

    kinds: tuple[Kind, ...]
    command: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    oauth: OAuth | None = None
    tls: Tls | None = None

    @property
    def place(self) -> str:
        """Where it is, for people: without what may hold a password."""
        if self.command:
            return Path(self.command[0]).name
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


@dataclass(frozen=True)
class Server:
    """An outside server of the file.

    Attributes:
        name: As the file has it.
        ways: To each of its replicas, all of which serve the same.
        tenant: Whose it is; nobody else sees its tools. None: the default tenant's.
        timeout: Seconds that one request may take.
        required: Whether the desk counts as not ready while it is away.
    """

    name: str
    ways: tuple[Way, ...]
    tenant: str | None = None
    timeout: float = 10.0
    required: bool = False

    @property
    def prefix(self) -> str:
        """What its tools' names begin with here."""
        return f"{plain(self.name)}__"


@dataclass(frozen=True)
class Servers:
    """What a file holds.

    Attributes:
        servers: By name.
        problems: Name → why that server is left out.
    """

    servers: Mapping[str, Server] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def plain(name: str) -> str:
    """A server's name as the beginning of an identifier, without two underscores in a row.

    So the first two in a tool's name end its server's, and no server can take another's names.
    """
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", name.lower())).strip("_")


def read_servers(text: str, environment: Mapping[str, str]) -> Servers:
    """What a file of servers says.

    Args:
        text: The file's.
        environment: What `${NAME}`, `${env:NAME}` and `${input:name}` (as MCP_INPUT_NAME) are
            taken from.

    Raises:
        BadFile: It is no such file.
    """
    entries = entries_of(text)[1]
    if len(entries) > MOST_SERVERS:
        raise BadFile(f"it names {len(entries)} servers; at most {MOST_SERVERS} are taken")
    servers: dict[str, Server] = {}
    problems: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name, entry in entries.items():
        try:
            found = _server(name, _filled(entry, environment))
            if found is None:
                continue
            if (other := taken.setdefault(found.prefix, name)) != name:
                raise ValueError(f"its tools would be named like those of {other!r}: rename one")
            servers[name] = found
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            problems[name] = f"{where}: {first['msg']}"
        except ValueError as error:
            problems[name] = str(error)
    return Servers(servers, problems)


def text_of(path: Path) -> str | None:
    """The file's text; None where there is no file.

    Raises:
        BadFile: It cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BadFile(f"it has more than {LARGEST:,} bytes")
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeError:
        raise BadFile("it is not UTF-8 text") from None
    except OSError as error:
        raise BadFile(f"it cannot be read: {error.strerror}") from None


def entries_of(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The whole value of a file's text, and in it the servers' entries by their names.

    Raises:
        BadFile: It holds none.
    """
    bare = _TRAILING.sub(lambda m: m[1] or "", _LINE.sub(lambda m: m[1] or " ", text))
    if not bare.strip():
        raise BadFile('it is empty; `{"mcpServers": {}}` names no server')
    try:
        whole = json.loads(bare, object_pairs_hook=_once)
    except RecursionError:
        raise BadFile("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BadFile(f"it is no JSON (line {error.lineno}: {error.msg})") from None
    inner = whole
    if isinstance(whole, dict) and isinstance(whole.get("mcp"), dict):
        inner = whole["mcp"]  # as VS Code's settings.json has it
    for key in ("mcpServers", "servers"):
        if isinstance(inner, dict) and isinstance(inner.get(key), dict):
            return whole, inner[key]
    raise BadFile('it has no object "mcpServers" (or "servers") of names and servers')


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadFile(f"{name[:64]!r} stands twice in one object")
        found[name] = value
    return found


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    """A value with its variables put in.

    Raises:
        ValueError: One is not set.
    """

    def one(match: re.Match[str]) -> str:
        kind, name, otherwise = match.groups()
        if kind == "input":
            name = "MCP_INPUT_" + re.sub(r"\W", "_", name).upper()
        found = environment.get(name, otherwise)
        if found is None:
            raise ValueError(f"the variable {name}, which it names, is not set")
        return found

    if isinstance(value, str):
        return _VARIABLE.sub(one, value)
    if isinstance(value, dict):
        return {name: _filled(part, environment) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, environment) for part in value]
    return value


def _server(name: str, entry: Any) -> Server | None:
    """One server; None where it is switched off.

    Raises:
        ValueError: The entry is not right.
    """
    if not plain(name) or len(plain(name)) > LONGEST_NAME or len(name) > 64:
        raise ValueError(f"a name needs Latin letters or digits, at most {LONGEST_NAME}")
    told = _Entry.model_validate(entry)
    if told.disabled:
        return None
    kind = told.type.lower() if told.type is not None else None
    if kind is not None and kind not in _KINDS:
        raise ValueError(f"type {kind[:32]!r} is none of stdio, http, sse, ws")
    if (told.command is None) == (told.url is None):
        raise ValueError("it needs a command or a url, and not both")
    own = told.deskward
    if told.command is not None:
        if kind not in (None, "stdio"):
            raise ValueError(f"a command is spoken to over stdio, not {kind}")
        if own.replicas:
            raise ValueError("replicas are addresses of a server with a url; it has a command")
        if own.oauth or own.tls:
            raise ValueError("oauth and tls are for a server with a url; it has a command")
        way = Way(
            ("stdio",),
            (told.command, *told.args),
            {key: _text(value) for key, value in told.env.items()},
            told.cwd,
        )
        if any("\0" in part for part in (*way.command, *way.env, *way.env.values())):
            raise ValueError("its command or environment holds a NUL character")
        ways: tuple[Way, ...] = (way,)
    else:
        if any("\n" in part or "\r" in part for pair in told.headers.items() for part in pair):
            raise ValueError("a header holds a line break")
        urls = dict.fromkeys((told.url or "", *own.replicas))
        ways = tuple(_secured(_over_net(url, kind, told.headers), own) for url in urls)
    return Server(name, ways, own.tenant, own.timeout, own.required)


def _over_net(url: str, kind: str | None, headers: Mapping[str, str]) -> Way:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("its url is no address") from None
    if kind is None:
        # Who says no type may mean a server from before streamable HTTP.
        kinds: tuple[Kind, ...] = ("ws",) if parts.scheme in _SCHEMES["ws"] else ("http", "sse")
    else:
        kinds = (_KINDS[kind],)
    if kinds[0] == "stdio":
        raise ValueError("a url is not spoken to over stdio")
    schemes = _SCHEMES[kinds[0]]
    if parts.scheme not in schemes or not parts.hostname or any(map(str.isspace, url)):
        raise ValueError(f"its url is no address of the form {schemes[0]}://host/path")
    return Way(kinds, url=url, headers=dict(headers))


def _secured(way: Way, own: _Own) -> Way:
    """A way with what the desk shows of itself on it.

    Raises:
        ValueError: It has no place for that.
    """
    if own.tls is not None and urlsplit(way.url).scheme not in ("https", "wss"):
        raise ValueError("tls is for an address that begins with https:// or wss://")
    if own.oauth is None:
        return replace(way, tls=own.tls)
    if "ws" in way.kinds:
        raise ValueError("oauth is for http and sse; a WebSocket takes a header")
    if any(name.lower() == "authorization" for name in way.headers):
        raise ValueError("it has both oauth and a header Authorization: leave one out")
    return replace(way, tls=own.tls, oauth=own.oauth.of(way.url))


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
