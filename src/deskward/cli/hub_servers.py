"""`deskward hub status|add|remove`: the servers of the file."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, Operator, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database
    from deskward.hub.config import Server
    from deskward.hub.pins import Pin

Pairs = Annotated[tuple[str, ...], Parameter(negative=())]


def status(
    *,
    wait: Annotated[float, Parameter(help="Seconds that a server has to answer.")] = 10.0,
    json_: Json = False,
) -> None:
    """Connect to each outside server, and tell how it is. Exit code 1 where one is not well.

    Example: `deskward hub status`
    """

    async def show(database: Database, settings: Any) -> int:
        from deskward.hub.pins import pins
        from deskward.outside_servers import servers_of

        servers, problems = servers_of(settings)
        known = await pins(database.reader)
        rows = await asyncio.gather(*(_state(one, known, wait) for one in servers.values()))
        rows += [{"server": n, "state": "left out", "problem": p} for n, p in problems.items()]
        if json_:
            print_json(rows)
        for row in [] if json_ else rows:
            print(_line(row))
        if not rows:
            print("No outside server is named; `deskward hub add` names one.")
        return 1 if any(row["state"] != "available" for row in rows) else 0

    with_database(show)


def add(
    name: str,
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    url: str | None = None,
    type_: Annotated[str | None, Parameter(name="--type", help="http, sse or ws.")] = None,
    header: Pairs = (),
    env: Pairs = (),
    tenant: str | None = None,
    timeout: float | None = None,
    replica: Pairs = (),
    issuer: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    scope: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    ca: str | None = None,
    as_: Operator = None,
) -> None:
    """Name a server in the file of MCP_SERVERS_FILE. A running desk has it within seconds.

    One that the desk starts itself has its command after `--`: `deskward hub add files -- npx -y
    @modelcontextprotocol/server-filesystem /srv`

    Example: `deskward hub add crm --url https://crm.example/mcp --header 'X-Key=${CRM_KEY}'`

    Parameters
    ----------
    name
        Its tools are called NAME__TOOL.
    url
        Where it serves.
    header
        NAME=VALUE, sent with every request; `${VARIABLE}` is taken from the environment.
    env
        NAME=VALUE of its environment, where the desk starts it.
    tenant
        Whose it is. Default: DEFAULT_TENANT_ID's.
    timeout
        Seconds that one request may take.
    replica
        Further addresses of the same server.
    issuer
        The authorization server at which the desk signs in (OAuth, client credentials).
    client_id
        Who it is there.
    client_secret
        Its secret, as `'${VARIABLE}'`.
    scope
        What it asks for there.
    cert
        The certificate that it shows the server (mTLS), a file in PEM.
    key
        The certificate's key, where it is in another file.
    ca
        Who signs the server's certificate, a file in PEM.

    Arguments:
        What starts it, where it has no url; after `--`.
    """
    oauth = {"issuer": issuer, "clientId": client_id, "clientSecret": client_secret, "scope": scope}
    tls = {"cert": cert, "key": key, "ca": ca}
    own = {
        **{"tenant": tenant, "timeout": timeout, "replicas": list(replica)},
        **{"oauth": _given(oauth), "tls": _given(tls)},
    }
    told = {
        "type": type_,
        "url": url,
        "headers": _pairs(header),
        "command": command[0] if command else None,
        "args": list(command[1:]),
        "env": _pairs(env),
        "deskward": {key: value for key, value in own.items() if value},
    }
    entry = {key: value for key, value in told.items() if value}

    async def change(database: Database, settings: Any) -> None:
        from deskward.hub.config import read_servers

        file, whole, entries = _read(settings)
        if name in entries:
            raise Misused(f"{file} names {name!r} already: remove it first")
        entries[name] = entry
        found = read_servers(json.dumps(whole), _known(entry))
        if problem := found.problems.get(name):
            raise Misused(f"{name}: {problem}")
        async with database.transaction():
            _write(file, whole)
        place = found.servers[name].ways[0].place
        print(f"{name} ({place}) is in {file}. `deskward hub status` tells whether it answers.")

    with_database(change, ("add_server", {"server": name}), as_)


def remove(name: str, *, as_: Operator = None) -> None:
    """Take a server out of the file, and forget what was accepted of its tools.

    Example: `deskward hub remove crm`
    """

    async def change(database: Database, settings: Any) -> None:
        from deskward.hub import pins

        file, whole, entries = _read(settings)
        if name not in entries:
            raise Misused(f"{file} names no server {name!r}")
        del entries[name]
        async with database.transaction() as transaction:
            count = await pins.forget(transaction, name)
            _write(file, whole)
        print(f"{name} is out of {file}, and {count} of its tools are forgotten.")

    with_database(change, ("remove_server", {"server": name}), as_)


def _given(options: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in options.items() if value}


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in given)
    if any("=" not in pair for pair in given) or "" in found:
        raise Misused("a header or a variable has the form NAME=VALUE")
    return found


def _known(entry: Mapping[str, Any]) -> Mapping[str, str]:
    """An environment with each variable that an entry names: the desk's may be another one."""
    import re

    names = re.findall(r"\$\{(?:env:)?([A-Za-z0-9_.-]+)", json.dumps(entry))
    return {**dict.fromkeys(names, "http://localhost"), **os.environ}


def _read(settings: Any) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """The file, its whole value and the entries in it, which can be written anew."""
    from deskward.hub.config import entries_of, text_of

    file = settings.mcp_server.servers_file
    if file is None:
        raise Misused("set MCP_SERVERS_FILE: it names the file that servers stand in")
    text = text_of(file)
    if text is None:
        text = '{"mcpServers": {}}'
    try:
        json.loads(text)
    except ValueError:
        entries_of(text)  # which says so where it is no such file at all
        raise Misused(f"{file} has comments, which would be lost: change it by hand") from None
    return (file, *entries_of(text))


def _write(file: Path, whole: Mapping[str, Any]) -> None:
    """Write the file in one step; a new one for its owner alone, as it may hold secrets."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    target = file.resolve()
    fresh = target.with_name(f".{target.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as out:
        json.dump(whole, out, indent=2, ensure_ascii=False)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(target)


async def _state(server: Server, known: list[Pin], wait: float) -> dict[str, Any]:
    from deskward.hub import pins
    from deskward.hub.replicas import Replicas

    shapes: dict[str, str] = {}

    async def listing(tools: list[dict[str, Any]]) -> None:
        shapes.update({str(tool["name"]): pins.shape_of(tool) for tool in tools})

    replicas = Replicas(server)
    replicas.start([listing] * len(server.ways))
    try:
        await replicas.tried(wait)
    finally:
        await replicas.stop()
    accepted = {pin.name: pin.fingerprint for pin in known if pin.server == server.name}
    met = bool(accepted)
    waiting = [n for n, s in shapes.items() if met and accepted.get(n) != pins.fingerprint(s)]
    answering = sum(bool(each.answered) for each in replicas.connections)
    return {
        "server": server.name,
        "state": "available" if answering == len(server.ways) else "away",
        "place": server.ways[0].place,
        "transport": replicas.connections[0].way.kinds[0],
        "replicas": f"{answering}/{len(server.ways)}",
        "tools": len(shapes),
        "quarantined": sorted(waiting),
        "problem": next((each.problem for each in replicas.connections if each.problem), ""),
    }


def _line(row: Mapping[str, Any]) -> str:
    if "place" not in row:
        return f"{row['server']}  LEFT OUT: {row['problem']}"
    line = f"{row['server']}  {row['state']}  {row['transport']} {row['place']}"
    if row["state"] != "available":
        return f"{line}  {row['replicas']} answer  {row['problem']}"
    quarantined = f", {len(row['quarantined'])} quarantined" if row["quarantined"] else ""
    return f"{line}  {row['tools']} tools{quarantined}"
