"""The composition root: settings → adapters → tools → gate → agent → doors.

The only file that knows everything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from deskward.accounts import slice as accounts
from deskward.accounts.passwords import PasswordRules
from deskward.agent.claims.check import ClaimCheck
from deskward.agent.loop import Agent, Limits
from deskward.agent.model import Model
from deskward.agent.models.choose import choose_model
from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import GENERAL, Skills
from deskward.agent.writer import ModelWriter
from deskward.assist import slice as assist
from deskward.assist.handling import JOB as HANDLE
from deskward.assist.reply import Silent, Writer
from deskward.complaints import slice as complaints
from deskward.complaints.tools import tools as complaint_tools
from deskward.conversations.acts import acts as session_acts
from deskward.conversations.decisions import Decisions
from deskward.conversations.ending import EndSessions
from deskward.conversations.service import Conversations
from deskward.core.database import Database, metadata
from deskward.core.jobs import Handler, Records
from deskward.core.personal import check_declared
from deskward.core.rate_limit import RateLimiter
from deskward.core.settings import Settings
from deskward.core.worker import Jobs
from deskward.customers import slice as customers
from deskward.customers.service import is_there
from deskward.demo.load import load_demo
from deskward.email import slice as email
from deskward.email.outbox import Outbox
from deskward.files import slice as files
from deskward.files.tools import FileRules
from deskward.gate.approval_tools import JOB as APPROVAL
from deskward.gate.approval_tools import RECORD as APPROVAL_RECORD
from deskward.gate.approval_tools import tools as approval_tools
from deskward.gate.approvals import Denied
from deskward.gate.call import Gate
from deskward.gate.confirmed import run_confirmed
from deskward.gate.ledger_tools import tools as ledger_tools
from deskward.gate.policy.engine import GENERAL as GENERAL_POLICIES
from deskward.gate.policy.engine import Policy, read
from deskward.gate.policy.truth_table import TESTS
from deskward.gate.policy_watch import PolicyWatch
from deskward.gate.reading_tools import tools as reading_tools
from deskward.gate.secret import Secret, read_secret
from deskward.gate.sessions import Sessions
from deskward.gate.slice import Slice
from deskward.gate.tool import Risk, Tool, ToolGroup
from deskward.integrations.mail.choose import choose_mailer
from deskward.knowledge import slice as knowledge
from deskward.migrations import upgrade
from deskward.orders import slice as orders
from deskward.security.api_keys import ApiKeys
from deskward.security.roles import FILE as ROLES
from deskward.security.roles import Roles
from deskward.text.finding import Kind
from deskward.tickets import slice as tickets
from deskward.tickets.tools import NewTickets

if TYPE_CHECKING:
    from deskward.hub.hub import Hub

SLICES: tuple[Slice, ...] = (
    customers.SLICE,
    accounts.SLICE,
    tickets.SLICE,
    assist.SLICE,
    knowledge.SLICE,
    orders.SLICE,
    complaints.SLICE,
    files.SLICE,
    email.SLICE,
)
"""The features of the desk. Whatever goes over all of them goes over this list."""

GROUPS: tuple[ToolGroup, ...] = (
    *(part.tools for part in SLICES if part.tools is not None),
    approval_tools,
    ledger_tools,
    reading_tools,
    session_acts,
)
MB = 1_000_000
SKILLS: tuple[Path, ...] = (GENERAL, *(part.skills for part in SLICES if part.skills is not None))
"""The folders of the offline skills that ship."""
KINDS: dict[str, Kind] = {name: kind for part in SLICES for name, kind in part.kinds.items()}
POLICIES: tuple[Path, ...] = (
    GENERAL_POLICIES,
    *(part.policies for part in SLICES if part.policies is not None),
)
"""The folders of the policies that ship."""
RECORDS: Records = {
    **{kind: record for part in SLICES for kind, record in part.records.items()},
    APPROVAL: APPROVAL_RECORD,
}
"""Kind of job → the record that is told when a job of it fails, is cancelled, or tried again."""


CLAIMS = ClaimCheck(
    [part.claims for part in SLICES if part.claims is not None],
    writes=[tool.name for group in GROUPS for tool in group.tools if tool.risk is not Risk.READ],
)
"""What replies may claim. It reads and learns when the first reply is to be checked."""


@dataclass
class Desk:
    """Everything that a door needs."""

    settings: Settings
    database: Database
    keys: ApiKeys
    gate: Gate
    conversations: Conversations
    limiter: RateLimiter
    jobs: Jobs
    hub: Hub | None = None
    serves_one_group: bool = False
    """Whether it serves other programs, with the tools of one group."""


@contextlib.asynccontextmanager
async def open_desk(
    settings: Settings,
    *,
    demo: bool = False,
    model: Model | None = None,
    chat: bool = True,
    only: str | None = None,
) -> AsyncIterator[Desk]:
    """Migrate and open the database, load the policies, and put the desk together.

    Args:
        settings: The operator's choices.
        demo: Whether to load the demo desk into an empty database.
        model: Speaks instead of the model that the settings name.
        chat: Whether chat is expected at once; otherwise the offline model learns when it comes.
        only: The one group of tools to have; None for all, with those of outside servers.
    """
    check_declared(metadata.sorted_tables)
    await upgrade(settings.database_location)
    async with contextlib.AsyncExitStack() as stack:
        database = Database(settings.database_location, pool_size=settings.database.pool_size)
        stack.push_async_callback(database.close)
        secret = await read_secret(settings, database)
        limiter = RateLimiter(
            settings.rate_limit.redis_url.get_secret_value()
            if settings.rate_limit.redis_url
            else None
        )
        stack.push_async_callback(limiter.close)
        await stack.enter_async_context(limiter.keep())
        if demo:
            await load_demo(database, SLICES)
        wake = asyncio.Event()
        model = model or choose_model(
            settings, offline=lambda: OfflineModel(skills_of(settings), lazy=not chat)
        )
        stack.push_async_callback(model.close)
        ports = {
            Outbox: _outbox(settings, database, wake.set),
            Writer: _writer(settings, model, database),
            RateLimiter: limiter,
            FileRules: FileRules(
                largest=settings.mail.max_attachment_mb * MB,
                quota=settings.upload.quota_mb * MB,
                tenant_quota=settings.upload.tenant_quota_mb * MB,
                kept=timedelta(days=settings.upload.days),
            ),
            Sessions: EndSessions(),
            PasswordRules: PasswordRules(
                timedelta(minutes=settings.accounts.proof_minutes),
                settings.accounts.password_tries,
            ),
            NewTickets: NewTickets(HANDLE if settings.policy.handle_new_tickets else None),
        }
        gate = _gate(settings, database, secret, only, ports)
        await stack.enter_async_context(PolicyWatch(gate, database).keep())
        hub = None
        if settings.mcp_server.url and only is None:
            hub = _hub(settings, settings.mcp_server.url, gate, database)
            await stack.enter_async_context(hub.keep())
        conversations = _conversations(settings, database, secret, gate, model)
        await stack.enter_async_context(conversations.keep())
        jobs = Jobs(database, _handlers(gate, conversations), RECORDS, wake)
        await stack.enter_async_context(jobs.keep())
        yield Desk(
            settings=settings,
            database=database,
            keys=keys_of(settings, database, gate.policy.roles),
            gate=gate,
            conversations=conversations,
            limiter=limiter,
            jobs=jobs,
            hub=hub,
            serves_one_group=only is not None,
        )


def keys_of(settings: Settings, database: Database, roles: Roles) -> ApiKeys:
    """The API keys of a desk."""
    return ApiKeys(database, roles, is_there, timedelta(days=settings.keys.lifetime_days))


def skills_of(settings: Settings) -> Skills:
    """The offline skills: the operator's, or those that ship.

    Raises:
        ValueError: A skill is not valid.
    """
    shipped = shipped_skills()
    if settings.agent.skills_dir is None:
        return shipped
    own = Skills.load(settings.agent.skills_dir, kinds=KINDS)
    # Whoever brings no other way still has questions looked up and customers given to a person.
    for skill, missing in ((shipped.search, not own.search), (shipped.handover, not own.handover)):
        if skill is not None and missing:
            own.skills.setdefault(skill.name, skill)
    return own


def shipped_skills() -> Skills:
    """The offline skills that ship."""
    return Skills.load(*SKILLS, kinds=KINDS)


def policy_files(folder: Path | None) -> dict[str, str]:
    """The files of policies in a folder, or those that ship: name → text.

    A folder without roles has those that ship.

    Raises:
        ValueError: It holds no policies, or the roles are not of their form.
    """
    shipped = read(*POLICIES)
    return shipped if folder is None else {ROLES: shipped[ROLES], **read(folder)}


def policy_of(settings: Settings, tools: Iterable[Tool]) -> Policy:
    """The policies of POLICY_DIR, or those that ship.

    Raises:
        ValueError: They cannot be used; says which file is why.
    """
    folder = settings.policy.dir
    try:
        return Policy(policy_files(folder), tools)
    except ValueError as error:
        raise ValueError(f"POLICY_DIR={folder}: {error}" if folder else str(error)) from None


def roles_of(settings: Settings) -> Roles:
    """The roles: the operator's, or those that ship."""
    return Roles.parse(policy_files(settings.policy.dir)[ROLES])


def copy_policies(folder: Path) -> None:
    """Write the policies that ship, with their roles and truth tables, into a new folder.

    Raises:
        OSError: The folder exists, or cannot be made.
    """
    folder.mkdir(parents=True)
    for name, text in policy_files(None).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / TESTS).mkdir()
    for table in (file for shipped in POLICIES for file in (shipped / TESTS).glob("*.yaml")):
        (folder / TESTS / table.name).write_text(table.read_text("utf-8"), encoding="utf-8")


def _handlers(gate: Gate, conversations: Conversations) -> dict[str, Handler]:
    """What does the jobs, by their kind."""
    handlers: dict[str, Handler] = {}
    denied: dict[str, Denied] = {}
    for part in SLICES:
        handlers |= part.jobs(gate)
        denied |= part.denied(gate)
    decisions = Decisions(gate, conversations, gate.database, denied)
    return {**handlers, APPROVAL: decisions.carry_out}


def _writer(settings: Settings, model: Model, database: Database) -> Writer:
    if isinstance(model, OfflineModel):
        return Silent()
    # The tool has to have time left to answer without the model.
    return ModelWriter(
        model,
        database,
        timeout=min(settings.agent.model_timeout, 0.6 * settings.agent.tool_timeout),
        hosts=settings.agent.linked,
    )


def _outbox(settings: Settings, database: Database, wake: Callable[[], None]) -> Outbox:
    return Outbox(
        database,
        choose_mailer(settings),
        sender_name=settings.mail.sender_name,
        sender_email=settings.mail.sender_email or "desk@localhost",
        max_attachments=settings.mail.max_attachment_mb * 1_000_000,
        kept=timedelta(days=settings.upload.days),
        hosts=settings.agent.linked,
        wake=wake,
    )


def _gate(
    settings: Settings,
    database: Database,
    secret: Secret,
    only: str | None,
    ports: Mapping[type, Any],
) -> Gate:
    groups = [group for group in GROUPS if only in (None, "all", group.name)]
    if only is None and settings.mcp_server.url:
        groups.remove(complaint_tools)
    tools = [tool for group in groups for tool in group.tools]
    return Gate(
        tools,
        database=database,
        policy=policy_of(settings, tools),
        key=secret.key,
        names=secret.names,
        generation=secret.generation,
        time_limit=settings.agent.tool_timeout,
        ports=ports,
        zone=ZoneInfo(settings.policy.timezone),
        confirm_within=timedelta(minutes=settings.agent.confirm_minutes),
    )


def _conversations(
    settings: Settings, database: Database, secret: Secret, gate: Gate, model: Model
) -> Conversations:
    limits = Limits(
        steps=settings.agent.max_steps,
        calls=settings.agent.max_calls,
        tokens=settings.agent.max_tokens,
        step_tokens=settings.agent.model_max_tokens,
        timeout=settings.agent.model_timeout,
    )
    return Conversations(
        database,
        Agent(
            gate,
            model,
            limits,
            claims=CLAIMS,
            hosts=settings.agent.linked,
            confirmed=partial(run_confirmed, gate),
            crisis_lines=settings.agent.crisis_lines,
        ),
        confirmations=gate.confirmations,
        key=secret.names,
        ledger=gate.ledger,
        grace=settings.stream.grace,
    )


def _hub(settings: Settings, url: str, gate: Gate, database: Database) -> Hub:
    """The server at MCP_SERVER_URL, whose tools take the place of the built-in complaints."""
    # With the libraries that check foreign schemas, which only this needs.
    from deskward.hub.hub import Hub, Outside

    key = settings.mcp_server.api_key
    server = Outside(
        name=complaint_tools.name,
        url=url,
        tenant=settings.default.tenant_id,
        key=key.get_secret_value() if key else None,
        prefix=settings.mcp_server.prefix,
        timeout=settings.mcp_server.timeout,
        twins={tool.name: tool for tool in complaint_tools.tools},
        lookup=("get_complaint", "complaint_id", "customer_id"),
    )
    return Hub(server, gate, database)
