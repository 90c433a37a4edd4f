"""`deskward articles`: the knowledge base, from files and by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import PENDING
from deskward.cli.operated import run_operated
from deskward.cli.session import (
    COUNT,
    Json,
    Operator,
    print_json,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

articles = App(name="articles", help="Bring in, list, show and publish articles.")

ArticleId = Annotated[
    str, Parameter(help="The article's id, as `deskward articles list` shows it.")
]
Key = Annotated[
    str | None,
    Parameter(
        help="API key of the member of staff who writes. Default: the system's user does, and is "
        "recorded as that.",
        env_var="DESKWARD_API_KEY",
    ),
]
Tenant = Annotated[str | None, Parameter(help="The tenant. Default: DEFAULT_TENANT_ID.")]
FORMATS = {".md": "markdown", ".markdown": "markdown", ".csv": "csv"}


@articles.command(name="import")
def import_(
    source: Annotated[Path, Parameter(help="A file, or a folder of *.md and *.csv files.")],
    /,
    *,
    language: Annotated[
        str | None,
        Parameter(
            help="The language of articles that say none. Default: what the words of each show."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        Parameter(help="The files' encoding, where it is not UTF-8 (or UTF-16 that says so)."),
    ] = None,
    publish: Annotated[bool, Parameter(help="Have customers see at once what is new.")] = False,
    dry_run: Annotated[bool, Parameter(help="Do nothing, only tell what would be done.")] = False,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Bring in articles: Markdown with a heading per question, or CSV (question, answer, …).

    The same file again changes nothing; a bad article is refused alone. Exit code 1: one was.

    Example: `deskward articles import help/ --dry-run`
    """
    files = list(_files(source))

    async def work(desk: Desk, caller: Principal) -> int:
        refused, reports = 0, {}
        for file in files:
            report = await _call(
                *(desk, caller, "import_articles"),
                text=_text_of(file, encoding),
                format=FORMATS[file.suffix.lower()],
                language=language,
                publish=publish,
                dry_run=dry_run,
            )
            refused += report["refused"]
            reports[str(file)] = report
        if json_:
            print_json(reports)
        else:
            _print_reports(reports, dry_run=dry_run)
        return 1 if refused else 0

    run_operated(work, key, tenant, as_, "support-2")


@articles.command(name="list")
def list_(
    *,
    status: Annotated[
        Literal["draft", "published", "all"], Parameter(help="Only those in this state.")
    ] = "all",
    language: Annotated[str | None, Parameter(help="Only those in this language.")] = None,
    last: Annotated[int, Parameter(help="How many at most.", validator=COUNT)] = 100,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List articles, the last changed first.

    Example: `deskward articles list --status draft`
    """
    wanted = None if status == "all" else status

    async def work(desk: Desk, caller: Principal) -> int:
        found: list[dict[str, Any]] = []
        while len(found) < last:
            page = {"limit": min(100, last - len(found)), "offset": len(found)}
            asked = {"status": wanted, "language": language, **page}
            more = (await _call(desk, caller, "list_articles", **asked))["articles"]
            found += more
            if len(more) < page["limit"]:
                break
        if json_:
            print_json(found)
            return 0
        for one in found:
            print(f"{one['id']}  {_state(one)}  {one['language']}  {one['author']}")
            print(f"    {one['question']}")
        return 0

    run_operated(work, key, tenant, as_, "support-2")


@articles.command
def show(
    article_id: ArticleId,
    /,
    *,
    version: Annotated[int | None, Parameter(help="Which version. Default: the newest.")] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Show an article, and who wrote its versions.

    Example: `deskward articles show opening-hours --version 2`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        named = {"article_id": article_id, "version": version}
        one = await _call(desk, caller, "get_article", **named)
        if json_:
            print_json(one)
            return 0
        print(f"{one['id']}  version {one['version']}  {_state(one)}  {one['language']}")
        print(f"{one['question']}\n\n{one['answer']}\n")
        for each in one["versions"]:
            print(f"version {each['version']}  {each['created_at'][:16]}  {each['author']}")
        return 0

    run_operated(work, key, tenant, as_, "support-2")


@articles.command
def publish(
    article_id: ArticleId,
    /,
    *,
    version: Annotated[int | None, Parameter(help="Which version. Default: the newest.")] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Have customers see an article.

    Example: `deskward articles publish opening-hours`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        named = {"article_id": article_id, "version": version}
        one = await _call(desk, caller, "publish_article", **named)
        print(f"Customers see version {one['published']} of {one['id']}.")
        return 0

    run_operated(work, key, tenant, as_, "support-2")


@articles.command
def unpublish(
    article_id: ArticleId, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Take an article away from customers, at once.

    Example: `deskward articles unpublish opening-hours`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        one = await _call(desk, caller, "unpublish_article", article_id=article_id)
        print(f"No customer sees {one['id']} any more.")
        return 0

    run_operated(work, key, tenant, as_, "support-2")


def _files(source: Path) -> Iterable[Path]:
    if not source.is_dir():
        if source.suffix.lower() not in FORMATS:
            raise ValueError(f"{source} is neither Markdown (*.md) nor CSV (*.csv)")
        return [source]
    files = [file for file in sorted(source.rglob("*")) if file.suffix.lower() in FORMATS]
    if not files:
        raise ValueError(f"{source} holds no *.md or *.csv file")
    return files


def _text_of(file: Path, encoding: str | None) -> str:
    """What is in a file.

    Raises:
        InvalidInput: It is not in the encoding in which it is read.
    """
    from deskward.core.errors import InvalidInput
    from deskward.core.line_files import not_in, opened

    with file.open("rb") as bytes_of:
        text, _ = opened(bytes_of, encoding)
        try:
            return text.read()
        except UnicodeError:
            raise InvalidInput(f"{file}: {not_in(text).message}") from None


def _print_reports(reports: dict[str, dict[str, Any]], *, dry_run: bool) -> None:
    for file, report in reports.items():
        for one in report["articles"]:
            if one["outcome"] != "unchanged":
                why = f" ({one['reason']})" if one["reason"] else ""
                print(f"{file}:{one['line']}: {one['outcome']} {one['id'] or ''}{why}")
    names = ("created", "changed", "unchanged", "refused")
    counts = {name: sum(report[name] for report in reports.values()) for name in names}
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{said}{'; nothing was done yet' if dry_run else ''}.")


def _state(one: dict[str, Any]) -> str:
    if one["published"] is None:
        return "draft"
    return "published" if one["published"] == one["latest"] else f"published {one['published']}"


async def _call(desk: Desk, caller: Principal, tool: str, **arguments: Any) -> Any:
    from deskward.gate.context import Context

    outcome = await desk.gate.call(tool, arguments, Context(caller, "cli"))
    if outcome.error is not None:
        raise outcome.error
    if outcome.status == "pending":
        waits = outcome.value["approval_id"]
        print(f"A colleague has to look: deskward approvals approve {waits}", file=sys.stderr)
        sys.exit(PENDING)
    return outcome.value
