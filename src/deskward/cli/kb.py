"""`deskward kb`: the documents that answers come from, and their sources."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli import kb_review, kb_search
from deskward.cli.ending import Misused
from deskward.cli.kb_following import documents_of, followed, source_named, state_of
from deskward.cli.kb_search import indexed
from deskward.cli.operated import called, run_operated
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    print_json,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

kb = App(name="kb", help="Say which documents answers come from, see how they do, and search them.")
kb_search.add_to(kb)
kb_review.add_to(kb)

OPENS = "DESKWARD_SOURCE_SECRET"
"""The variable that holds what opens a source: a command line is seen by others."""

Kind = Literal["folder", "git", "svn", "web", "s3"]
Named = Annotated[str, Parameter(help="The source's name or id, as `deskward kb status` shows it.")]


@kb.command
def add(
    location: Annotated[
        str,
        Parameter(
            help="A folder, a repository's address, a web address, or a file of these, one a line."
        ),
    ],
    /,
    *,
    name: Annotated[
        str | None, Parameter(help="What it is called. Default: its last part.")
    ] = None,
    kind: Annotated[Kind | None, Parameter(help="What it is. Default: what it looks like.")] = None,
    audience: Annotated[
        Literal["customer", "staff"] | None,
        Parameter(help="Who may read what says nothing itself. Default: staff alone."),
    ] = None,
    product: Annotated[str, Parameter(help="The product that it is about.")] = "",
    versions: Annotated[str, Parameter(help="The versions that it holds for: `2.x`.")] = "",
    category: Annotated[str, Parameter(help="The category that it belongs to.")] = "",
    branch: Annotated[str, Parameter(help="Of Git: the branch or tag.")] = "",
    folder: Annotated[str, Parameter(help="Of a repository: only this folder of it.")] = "",
    endpoint: Annotated[str, Parameter(help="Of a bucket: its service.")] = "",
    region: Annotated[str, Parameter(help="Of a bucket: its region.")] = "",
    include: Annotated[tuple[str, ...], Parameter(help="Only these paths (`guides/*`).")] = (),
    exclude: Annotated[tuple[str, ...], Parameter(help="Not these paths.")] = (),
    every: Annotated[int | None, Parameter(help="Minutes after which it is read again.")] = None,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Add a source of documents, and read it. One that is there already is read again.

    What opens it, where something has to, stands in DESKWARD_SOURCE_SECRET. Exit code 1: it could
    not be read.

    Example: `deskward kb add ./docs --audience customer`
    """
    what, place = _place(location, kind)
    told = {"audience": audience, "product": product, "versions": versions, "category": category}
    where = {"branch": branch, "folder": folder, "endpoint": endpoint, "region": region}
    paths = {"include": list(include), "exclude": list(exclude)}
    settings = {key: value for key, value in {**told, **where, **paths}.items() if value}

    async def work(desk: Desk, caller: Principal) -> int:
        listed = (await called(desk, caller, "list_sources"))["sources"]
        same = [one for one in listed if (one["kind"], one["location"]) == (what, place)]
        if same:
            source_id = same[0]["source_id"]
            if settings or every is not None:
                changes = {"settings": settings or None, "every_minutes": every}
                await called(desk, caller, "change_source", source_id=source_id, **changes)
            else:
                await called(desk, caller, "sync_source", source_id=source_id)
        else:
            arguments = {"name": name or _name(place, listed), "kind": what, "location": place}
            secret = os.environ.get(OPENS)
            more = {"settings": settings, "every_minutes": every, "secret": secret}
            given = {key: value for key, value in more.items() if value}
            made = await called(desk, caller, "add_source", **arguments, **given)
            source_id = made["source_id"]
        code = await followed(desk, caller, [source_id], as_json=json_)
        await indexed(desk)
        return code

    run_operated(work, None, tenant, as_)


@kb.command
def sync(
    source: Annotated[str | None, Parameter(help="Its name or id. Default: all of them.")] = None,
    /,
    *,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Read sources again: what changed is found from then on, and what is gone is not.

    Exit code 1: one could not be read; what was read of it before goes on being found.

    Example: `deskward kb sync Handbook`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        listed = (await called(desk, caller, "list_sources"))["sources"]
        wanted = [source_named(listed, source)] if source else listed
        if not wanted:
            raise Misused("there is no source yet: `deskward kb add ./docs`")
        ids = [one["source_id"] for one in wanted]
        for one in ids:
            await called(desk, caller, "sync_source", source_id=one)
        code = await followed(desk, caller, ids, as_json=json_)
        await indexed(desk)
        return code

    run_operated(work, None, tenant, as_)


@kb.command
def status(*, as_: Operator = None, tenant: Tenant = None, json_: Json = False) -> None:
    """Show the sources, and how they do.

    Example: `deskward kb status`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        listed = await called(desk, caller, "list_sources")
        if json_:
            print_json(listed)
            return 0
        for one in listed["sources"]:
            print(state_of(one))
        for name in ("articles", "uploads"):
            asked = {"source_id": name, "limit": 1}
            total = (await called(desk, caller, "list_documents", **asked))["total"]
            print(f"{name}: {total} documents")
        return 0

    run_operated(work, None, tenant, as_)


@kb.command
def export(
    file: Annotated[Path, Parameter(help="Where to write them, a line of JSON each.")],
    /,
    *,
    source: Annotated[str | None, Parameter(help="Only this one's. Default: all.")] = None,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Write all documents with their passages into a file.

    Example: `deskward kb export documents.jsonl`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        from deskward.cli.session import as_json
        from deskward.core.files import write_whole

        listed = (await called(desk, caller, "list_sources"))["sources"]
        only = source_named(listed, source)["source_id"] if source else None
        count = 0
        with write_whole(file) as out:
            async for one in documents_of(desk, caller, source_id=only, state="ready"):
                whole = await _whole(desk, caller, one["document_id"])
                out.write(as_json(whole) + "\n")
                count += 1
        print(f"Documents written: {count}.")
        return 0

    run_operated(work, None, tenant, as_)


@kb.command
def hook(source: Named, /, *, as_: Operator = None, tenant: Tenant = None) -> None:
    """Have a source be read whenever its repository's host says that it changed.

    Prints the address and the secret to set there; the secret is shown this once.

    Example: `deskward kb hook Handbook`
    """
    secret = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"

    async def work(desk: Desk, caller: Principal) -> int:
        listed = (await called(desk, caller, "list_sources"))["sources"]
        source_id = source_named(listed, source)["source_id"]
        await called(desk, caller, "set_source_hook", source_id=source_id, secret=secret)
        print(f"POST /hooks/knowledge/{source_id}")
        print(f"It is signed with {secret}")
        print("Keep it; it is not shown again.")
        return 0

    run_operated(work, None, tenant, as_)


@kb.command
def remove(source: Named, /, *, as_: Operator = None, tenant: Tenant = None) -> None:
    """Forget a source, and find its documents no more.

    Example: `deskward kb remove Handbook`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        listed = (await called(desk, caller, "list_sources"))["sources"]
        source_id = source_named(listed, source)["source_id"]
        print((await called(desk, caller, "remove_source", source_id=source_id))["message"])
        return 0

    run_operated(work, None, tenant, as_)


def _place(location: str, kind: Kind | None) -> tuple[str, str]:
    """What a source is, and where."""
    path = Path(location).expanduser()
    if kind in (None, "web") and path.is_file():
        return "web", path.read_text(encoding="utf-8").strip()
    if "://" not in location and path.is_dir():
        return kind or "folder", os.path.realpath(path)
    if kind is not None:
        return kind, location
    scheme = location.partition("://")[0].casefold() if "://" in location else ""
    if scheme in ("svn", "svn+ssh"):
        return "svn", location
    if scheme == "s3":
        return "s3", location
    if scheme in ("ssh", "git", "file") or location.endswith(".git") or "@" in location:
        return "git", location
    if scheme in ("http", "https"):
        return "web", location
    raise Misused(
        f"there is no folder {location}, and it is no address: name a folder, "
        "`https://…/docs.git`, `svn://…`, or a web address"
    )


def _name(place: str, listed: list[dict[str, Any]]) -> str:
    """A name that no other source has: the last part of its place."""
    last = place.split("\n")[0].rstrip("/").rpartition("/")[2].removesuffix(".git")
    plain = "".join(c if c.isalnum() or c in "_ .-" else "-" for c in last).strip(" .-") or "source"
    taken = {one["name"] for one in listed}
    number = 2
    name = plain = plain[:70]
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


async def _whole(desk: Desk, caller: Principal, document_id: str) -> dict[str, Any]:
    """A document with all its passages."""
    named = {"document_id": document_id, "limit": 100}
    whole = await called(desk, caller, "get_document", **named)
    while len(whole["parts"]) < whole["passages"]:
        more = await called(desk, caller, "get_document", **named, offset=len(whole["parts"]))
        if not more["parts"]:
            break
        whole["parts"] += more["parts"]
    return whole
