"""`deskward policy`: check, test, explain and compare policies; publish and roll back versions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.autonomy import autonomy
from deskward.cli.ending import Misused
from deskward.cli.explaining import (
    explain_imagined,
    explain_recorded,
    known_tools,
    recorded,
    within,
)
from deskward.cli.operators import allowed
from deskward.cli.session import (
    Json,
    Operator,
    print_json,
    read_settings,
    run,
    with_database,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.core.database import Database
    from deskward.gate.policy.engine import Policy
    from deskward.security.principals import Principal

policy = App(
    name="policy",
    help="Check, test, explain and compare policies; publish versions and roll them back.",
)

policy.command(autonomy)

LevelName = Literal["suggest", "safe", "routine"]
WHICH = (
    "`active` (what counts now), `files` (POLICY_DIR, or what ships), a folder, or a published "
    "version."
)
Which = Annotated[str, Parameter(help=WHICH)]


@policy.command
def check(which: Which = "files", /) -> None:
    """Check that policies are Cedar, named, and fit the tools. Exit code 1: something is wrong.

    Example: `deskward policy check my-policies`
    """

    async def work(desk: Desk) -> int:
        from deskward.gate.policy.schema import check as problems_of

        chosen = await chosen_policy(desk, which)
        problems = problems_of(chosen, known_tools(desk).values())
        for problem in problems:
            print(f"{problem.policy}: {problem.problem}")
        print(f"{len(chosen.policies)} policies, version {chosen.version}: ", end="")
        print(f"{len(problems)} problems." if problems else "sound.")
        return 1 if problems else 0

    _with_desk(work)


@policy.command
def copy(folder: Path, /) -> None:
    """Copy the policies that ship into a new folder, to be changed and named in POLICY_DIR.

    Example: `deskward policy copy my-policies`
    """
    from deskward.features import all_features
    from deskward.shipped import copy_policies

    copy_policies(folder, all_features())
    print(f"{folder} holds the policies that ship. Set POLICY_DIR={folder} once they are yours.")


@policy.command(name="test")
def run_tests(
    which: Which = "files",
    /,
    *,
    tables: Annotated[
        Path | None, Parameter(help="Folder with `tests/*.yaml`. Default: that of the policies.")
    ] = None,
) -> None:
    """Ask policies about every row of their truth tables. Exit code 1: one is not as it says.

    Example: `deskward policy test my-policies`
    """

    async def work(desk: Desk) -> int:
        from deskward.gate.policy.truth_table import read_tables, run_tables

        folder = tables or _folder(which) or desk.settings.policy.dir
        cases = read_tables(*((folder,) if folder else desk.features.policies))
        rows = list(run_tables(await chosen_policy(desk, which), cases))
        failed = [row for row in rows if not row.passed]
        for row in failed:
            said = ", ".join(row.decision.policies) or "nothing permits it"
            errors = "".join(f"\n    {error}" for error in row.decision.errors)
            verdict = row.decision.verdict.value
            print(f"{row.name}: expected {row.expected.value}, is {verdict} ({said}){errors}")
        print(f"{len(rows) - len(failed)} of {len(rows)} rows are as they say.")
        return 1 if failed or not rows else 0

    _with_desk(work)


@policy.command
def explain(
    call: Annotated[
        str,
        Parameter(
            help="A recorded call: its row's number or its request id; or one to imagine, as JSON: "
            '`{"tool": "refund_order", "as": {"kind": "staff", "roles": ["support"]}, "facts": '
            '{"record.amount": 5001, "record.currency": "USD"}}`.'
        ),
    ],
    *,
    which: Annotated[str, Parameter(name="--policy", help=WHICH)] = "active",
    tenant: Annotated[str | None, Parameter(help="Default: DEFAULT_TENANT_ID.")] = None,
) -> None:
    """Say what policies decide on a call, which of them, and what they knew.

    Example: `deskward policy explain 17`
    """

    async def work(desk: Desk) -> int:
        chosen = await chosen_policy(desk, which)
        if call.lstrip().startswith("{"):
            explain_imagined(chosen, call)
            return 0
        return await explain_recorded(desk, chosen, tenant, call)

    _with_desk(work)


@policy.command
def diff(
    old: Annotated[str, Parameter(help=f"{WHICH} Or a level of autonomy.")] = "active",
    new: Annotated[str | None, Parameter(help="The same.")] = None,
    /,
    *,
    to: Annotated[
        LevelName | None, Parameter(help="The level of autonomy that NEW is, instead of it.")
    ] = None,
    tenant: Annotated[str | None, Parameter(help="Only this tenant's calls.")] = None,
    queue: Annotated[str | None, Parameter(help="Only calls known to be of this queue.")] = None,
    product: Annotated[str | None, Parameter(help="Only calls known to be of this one.")] = None,
) -> None:
    """List the recorded calls of which NEW says something else than OLD. Exit code 1: there are.

    A level of autonomy (`suggest`, `safe`, `routine`) stands for what counts now, with that level
    for each call of an agent.

    Example: `deskward policy diff --to safe`
    """
    from deskward.gate.autonomy import LEVELS

    if (new is None) == (to is None):
        raise Misused("name what to compare with: NEW, or --to LEVEL")
    words = (old, new or str(to))
    facts = [{"autonomy": LEVELS[one]} if one in LEVELS else {} for one in words]

    async def work(desk: Desk) -> int:
        from deskward.gate.policy.diff import diff as compare

        policies = [await chosen_policy(desk, "active" if one in LEVELS else one) for one in words]
        rows = within(await recorded(desk), tenant=tenant, queue=queue, product=product)
        told = {"before": facts[0], "after": facts[1]}
        found = compare(policies[0], policies[1], known_tools(desk), rows, **told)
        for change in found.changes:
            what = f"{change.tool} by {change.by}: {_said(change.old)} -> {_said(change.new)}"
            print(f"{change.tenant} row {change.seq}  {change.at}  {what}")
        print(
            f"{len(found.changes)} of {found.judged} recorded calls would be decided otherwise"
            + (f"; of {found.unknown} the facts are not known." if found.unknown else ".")
        )
        return 1 if found.changes else 0

    _with_desk(work)


@policy.command
def versions(*, json_: Json = False) -> None:
    """List the published versions, and which of them is active or in shadow.

    Example: `deskward policy versions`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.features import all_features
        from deskward.gate.policy import versions as policy_versions
        from deskward.shipped import policy_of

        published = await policy_versions.versions(database.reader)
        if json_:
            print_json([asdict(one) for one in published])
            return 0
        for one in published:
            slots = " ".join(slot.upper() for slot in one.slots)
            print(f"{one.version}  {one.created_at:%Y-%m-%d %H:%M}  {slots:8}  {one.note}")
        if not any("active" in one.slots for one in published):
            features = all_features()
            files = policy_of(settings, features, features.tools)
            print(f"The files count: version {files.version}.")
        return 0

    with_database(work)


@policy.command
def publish(
    folder: Annotated[
        Path, Parameter(help="Folder of *.cedar files, tests/*.yaml and perhaps roles.yaml.")
    ],
    /,
    *,
    note: Annotated[str, Parameter(help="What is new in it.")] = "",
    shadow: Annotated[
        bool, Parameter(help="Only watch what it would say; it is recorded in the ledger.")
    ] = False,
    as_: Operator = None,
) -> None:
    """Publish policies: running desks have them within about a second.

    They must pass `check` and their truth tables. Calls that wait are void where these say
    something else of them.

    Example: `deskward policy publish my-policies --note "Refunds up to 50" --shadow`
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; to go back to what was published, `rollback`")

    async def work(desk: Desk) -> int:
        from deskward.gate.policy import versions as policy_versions
        from deskward.gate.policy.schema import check as problems_of
        from deskward.gate.policy.truth_table import read_tables, run_tables

        chosen = await chosen_policy(desk, str(folder))
        problems = problems_of(chosen, known_tools(desk).values())
        rows = list(run_tables(chosen, read_tables(folder)))
        if not rows:
            raise ValueError(f"{folder} has no truth table (tests/*.yaml) to publish it by")
        if problems or not all(row.passed for row in rows):
            raise ValueError("it does not pass `deskward policy check` and `test`; see there")
        slot: policy_versions.Slot = "shadow" if shadow else "active"
        caller = await allowed(desk.database.reader, desk.settings, "publish_policy", None, as_)
        async with desk.database.transaction() as transaction:
            await policy_versions.publish(transaction, chosen, note=note)
        await _put(desk.database, desk.settings, slot, chosen.version, caller)
        print(f"{chosen.version} is {'in shadow' if shadow else 'active'}.")
        return 0

    _with_desk(work)


@policy.command
def rollback(
    version: Annotated[
        str | None, Parameter(help="A published version, or `files`. Default: the one before.")
    ] = None,
    /,
    *,
    as_: Operator = None,
) -> None:
    """Go back to an earlier version, or to the files. It needs no desk that can start.

    Example: `deskward policy rollback files`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.features import all_features
        from deskward.gate.policy import versions as policy_versions
        from deskward.shipped import policy_of

        wanted = version or await policy_versions.previous(database.reader) or "files"
        if wanted == "files":
            policy_of(settings, all_features(), all_features().tools)  # can they be used?
            target = None
        else:
            target = (await _stored(database, settings, wanted)).version
        caller = await allowed(database.reader, settings, "rollback_policy", None, as_)
        await _put(database, settings, "active", target, caller)
        print(f"{target or 'The files'} {'is' if target else 'are'} active.")
        return 0

    with_database(work)


@policy.command
def unshadow(*, as_: Operator = None) -> None:
    """Stop watching what the version in shadow would say.

    Example: `deskward policy unshadow`
    """

    async def work(database: Database, settings: Any) -> int:
        caller = await allowed(database.reader, settings, "unshadow_policy", None, as_)
        await _put(database, settings, "shadow", None, caller)
        print("No version is in shadow.")
        return 0

    with_database(work)


async def _put(
    database: Database, settings: Any, slot: Any, version: str | None, caller: Principal
) -> None:
    from deskward.gate.policy import versions as policy_versions

    by = caller.label
    entry = policy_versions.entry(settings.default.tenant_id, slot, version, by=by)
    async with database.transaction([entry]) as transaction:
        await policy_versions.put(transaction, slot, version, by=by)


async def chosen_policy(desk: Desk, which: str) -> Policy:
    """The policies that a word names."""
    from deskward.gate.policy.engine import Policy
    from deskward.shipped import policy_files, policy_of

    tools = known_tools(desk).values()
    if which == "active":
        return desk.gate.policy
    if which == "files":
        return policy_of(desk.settings, desk.features, tools)
    if folder := _folder(which):
        return Policy(policy_files(folder, desk.features), tools)
    return await _stored(desk.database, desk.settings, which)


async def _stored(database: Database, settings: Any, version: str) -> Policy:
    """A published version's policies; no desk has to be able to start for that."""
    from deskward.features import all_features
    from deskward.gate.policy import versions as policy_versions
    from deskward.gate.policy.engine import Policy
    from deskward.security.roles import FILE as ROLES
    from deskward.shipped import policy_files

    features = all_features()
    stored = await policy_versions.files_of(database.reader, version)
    roles = policy_files(settings.policy.dir, features)[ROLES]
    return Policy(stored, features.tools, roles=roles)


def _folder(which: str) -> Path | None:
    return Path(which) if Path(which).is_dir() else None


def _said(decision: Any) -> str:
    return f"{decision.verdict.value} ({', '.join(decision.policies) or 'nothing permits it'})"


def _with_desk(work: Any) -> None:
    from deskward.app import open_desk

    settings = read_settings()

    async def with_desk() -> int:
        async with open_desk(settings, chat=False, as_recorded=True) as desk:
            code: int = await work(desk)
            return code

    run(with_desk())
