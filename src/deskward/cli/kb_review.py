"""`deskward kb audit|gaps|impact`: what is wrong, what is missing, and what a change would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.kb_following import documents_of, source_named
from deskward.cli.operated import called
from deskward.cli.session import (
    COUNT,
    Json,
    Operator,
    Tenant,
    operated_desk,
    print_json,
    read_settings,
    run,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

SHOWN = 20
"""Issues of a kind that are shown."""
_SAID = {
    "contradicted": "contradicts “{other_title}”, as {count} answers showed",
    "low_rated": "seldom helps: {rate} of {count}",
    "not_found": "asked for, and not found ({count} ×)",
    "stale": "unchanged since {since}",
    "never_used": "found by no search since {since}",
}
"""Kind of issue → what is said of it."""


def add_to(kb: App) -> None:
    """Add the commands to `deskward kb`."""
    kb.command(audit)
    kb.command(gaps)
    kb.command(impact)


def audit(
    source: Annotated[str | None, Parameter(help="Its name or id. Default: all.")] = None,
    /,
    *,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Show what is wrong: what cannot be read, and what people should look at, each with why.

    Exit code 1: something is.

    Example: `deskward kb audit`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        listed = (await called(desk, caller, "list_sources"))["sources"]
        only = source_named(listed, source)["source_id"] if source else None
        names = {one["source_id"]: one["name"] for one in listed}
        away = [
            one for one in listed if one["state"] == "failed" and only in (None, one["source_id"])
        ]
        odd = [
            one
            async for one in documents_of(desk, caller, source_id=only)
            if one["state"] == "failed" or one["reason"]
        ]
        issues = [] if only else await _issues(desk, caller)
        if json_:
            print_json({"sources": away, "documents": odd, "issues": issues})
        else:
            for one in away:
                print(f"{one['name']}: {one['reason']}")
            for one in odd:
                where = names.get(one["source_id"], one["source_id"])
                said = "could not be read" if one["state"] == "failed" else "is read, but"
                print(f"{where}: {one['path']}: {said}: {one['reason']}")
            _print_issues(issues)
            if not away and not odd and not issues:
                print("All is well.")
        return 1 if away or odd or issues else 0

    async def with_desk() -> int:
        settings = read_settings()
        async with operated_desk(settings, None, tenant, "support-3", as_=as_) as opened:
            return await work(*opened)

    run(with_desk())


async def _issues(desk: Desk, caller: Principal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind in _SAID:
        asked = {"kind": kind, "limit": SHOWN}
        page = await called(desk, caller, "list_content_issues", **asked)
        more = page["total"] - len(page["issues"])
        found += page["issues"]
        if more:
            found[-1] = {**found[-1], "more": more}
    return found


def _print_issues(issues: list[dict[str, Any]]) -> None:
    for one in issues:
        accuracy = one["accuracy"] or {}
        told = {**one, "since": one["since"][:10], "rate": f"{accuracy.get('accuracy') or 0:.0%}"}
        print(f"{one['title']}: {_SAID[one['kind']].format(**told)}")
        if one.get("more"):
            print(f"    and {one['more']} more: `deskward call list_content_issues`")


def gaps(
    *,
    limit: Annotated[int, Parameter(help="How many at most.", validator=COUNT)] = 20,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Show what people ask and nothing answers, what is asked most first, without who asked.

    Example: `deskward kb gaps`
    """

    async def work() -> int:
        settings = read_settings(to_file=False)
        async with operated_desk(settings, None, tenant, "support", as_=as_) as (desk, caller):
            found = await called(desk, caller, "list_knowledge_gaps", limit=min(limit, 100))
        if json_:
            print_json(found)
            return 0
        for one in found["gaps"]:
            now = " (answered by now)" if one["answered_now"] else ""
            print(f"{one['count']} × {one['question']}{now}")
            for example in one["examples"]:
                print(f"    {example}")
        if not found["gaps"]:
            print("Nothing was asked that was not found.")
        return 0

    run(work())


def impact(
    article: Annotated[str, Parameter(help="The article's id.")],
    /,
    *,
    version: Annotated[
        int | None, Parameter(help="The version to be published. Default: the newest.")
    ] = None,
    limit: Annotated[int, Parameter(help="How many answers at most.", validator=COUNT)] = 20,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Show which past answers would differ if an article were published as it is now.

    Example: `deskward kb impact faq-transfer-time`
    """

    async def work() -> int:
        settings = read_settings(to_file=False)
        asked = {"article_id": article, "version": version, "limit": min(limit, 100)}
        async with operated_desk(settings, None, tenant, "support", as_=as_) as (desk, caller):
            found = await called(desk, caller, "preview_article", **asked)
        if json_:
            print_json(found)
            return 0
        for one in found["answers"]:
            print(f"{one['count']} × {one['question']}")
            print(f"    now:  {one['before'] or 'nothing'}")
            print(f"    then: {one['after'] or 'nothing'}")
        print(
            f"Of {found['looked_at']} past questions {found['changed']} would be answered "
            f"otherwise, {found['gained']} for the first time, and {found['lost']} no more."
        )
        return 0

    run(work())
