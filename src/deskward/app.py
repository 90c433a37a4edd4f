"""The composition root: settings → adapters → tools → gate → agent → doors.

The only file that knows everything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from deskward.accounts.passwords import PasswordRules
from deskward.agent.loop import Agent
from deskward.agent.model import Model
from deskward.agent.models.choose import choose_model
from deskward.agent.offering import Offering
from deskward.agent.offline.model import OfflineModel
from deskward.agent.prompt import brand_of
from deskward.agent.turn import Limits
from deskward.agent.writer import ModelWriter
from deskward.assist.handling import JOB as HANDLE
from deskward.complaints.tools import tools as complaint_tools
from deskward.conversations.archive import heard
from deskward.conversations.decisions import Decisions
from deskward.conversations.ending import EndSessions
from deskward.conversations.from_topics import Lanes
from deskward.conversations.leaving import free
from deskward.conversations.service import Conversations
from deskward.conversations.takeover import still_waits
from deskward.conversations.telling import CHATS
from deskward.core import clocks
from deskward.core.custom_fields import CustomFields
from deskward.core.database import Database, metadata
from deskward.core.jobs import Handler
from deskward.core.outside import Outside as OutsideWorld
from deskward.core.personal import check_declared
from deskward.core.rate_limit import RateLimiter
from deskward.core.settings import Settings
from deskward.core.tasks import background
from deskward.core.worker import Jobs
from deskward.customers.service import is_there
from deskward.customers.tools import CustomerRules
from deskward.demo.load import load_demo
from deskward.diagnostics.handed import investigated
from deskward.email.outbox import Outbox
from deskward.escalation.opening import open_escalating
from deskward.features import Features, features_of, left_out, served
from deskward.files.tools import FileRules
from deskward.gate.approval_tools import JOB as APPROVAL
from deskward.gate.approvals import Denied
from deskward.gate.call import Gate
from deskward.gate.catalogue import Catalogue
from deskward.gate.confirmed import run_confirmed
from deskward.gate.policy_watch import PolicyWatch
from deskward.gate.sealing import Sealing
from deskward.gate.secret import Secret, read_secret
from deskward.gate.sessions import Sessions
from deskward.gate.views import View
from deskward.gate.writer import Silent, Writer
from deskward.inbox.boxes import BoxVault
from deskward.inbox.filing import Inbox
from deskward.integrations.aws.choose import open_aws
from deskward.integrations.diagnosing import open_diagnosing
from deskward.integrations.embeddings.choose import choose_embedder, for_sentences
from deskward.integrations.embeddings.kept import Kept
from deskward.integrations.kafka.choose import open_kafka
from deskward.integrations.mail.choose import check_ways_in
from deskward.integrations.payments.choose import choose_payments
from deskward.integrations.search.choose import open_search
from deskward.integrations.sources.choose import choose_origins
from deskward.integrations.sources.watching import watch_folders
from deskward.kafka.sending import ANSWER
from deskward.knowledge.parsing import pool as parsing
from deskward.knowledge.syncing import Syncs
from deskward.mailing import channels_of, inbox_rules, outbox_of
from deskward.migrations import upgrade
from deskward.notices.models import USUAL
from deskward.notices.service import NoticeRules, listen_to_the_usual
from deskward.orders.payouts import Payouts
from deskward.outside_servers import hub_of, views_of
from deskward.queries.running import Queries
from deskward.security import tenants
from deskward.security.api_keys import ApiKeys
from deskward.security.members import LEFT
from deskward.security.roles import Roles
from deskward.shipped import offline_model, policy_of
from deskward.text.vectors import Embedder
from deskward.tickets.channels import Channels
from deskward.tickets.chats import Chats
from deskward.tickets.handover import Conversations as HandoverConversations
from deskward.tickets.investigated import Investigations
from deskward.tickets.timers import STILL_WAITS
from deskward.tickets.tools import NewTickets, TicketRules
from deskward.webhooks.delivery import Teller

if TYPE_CHECKING:
    from deskward.hub.hub import Hub

MB = 1_000_000


@dataclass(repr=False)  # thousands of lines, in every report of a failed test
class Desk:
    """Everything that a door needs."""

    settings: Settings
    database: Database
    keys: ApiKeys
    gate: Gate
    conversations: Conversations
    limiter: RateLimiter
    jobs: Jobs
    features: Features
    embedder: Embedder | None = None
    """What makes vectors of texts; None where nothing does."""
    left_out: Sequence[str] = ()
    """The domains of which the database holds records, and that are off."""
    hub: Hub | None = None
    views: Mapping[str, View] = field(default_factory=dict)
    """The sets of tools that are served at an address of their own."""
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
    as_recorded: bool = False,
) -> AsyncIterator[Desk]:
    """Migrate and open the database, load the policies, and put the desk together.

    Args:
        settings: The operator's choices.
        demo: Whether it is the demo desk: with all domains, its data loaded into an empty database.
        model: Speaks instead of the model that the settings name.
        chat: Whether chat is expected at once; otherwise the offline model learns when it comes.
        only: The one group of tools to have; None for all, with those of outside servers.
        as_recorded: Whether domains of which the database holds records are on, too: for whoever
            looks at what is on record, and offers nothing.

    Raises:
        ValueError: A setting is not valid that only the whole can judge.
    """
    features = features_of(settings, demo=demo, only=only)
    check_declared(metadata.sorted_tables)
    check_ways_in(settings)
    await upgrade(settings.database_location)
    async with contextlib.AsyncExitStack() as stack:
        database = Database(settings.database_location, pool_size=settings.database.pool_size)
        stack.push_async_callback(database.close)
        await stack.enter_async_context(clocks.kept(database))
        secret = await read_secret(settings, database)
        await _own_tenant(settings, database)
        limiter = RateLimiter(
            settings.rate_limit.redis_url.get_secret_value()
            if settings.rate_limit.redis_url
            else None
        )
        stack.push_async_callback(limiter.close)
        await stack.enter_async_context(limiter.keep())
        if demo:
            await load_demo(database, features.slices)
        off = await left_out(database.reader, features)
        if off and as_recorded:
            features, off = features_of(settings, only=only, also=off), []
        embedder = choose_embedder(settings, check=chat)
        if embedder is not None:
            embedder = Kept(embedder, settings.data_dir / "vectors.db")
            stack.callback(embedder.close)
        wake = asyncio.Event()
        model = model or choose_model(
            settings,
            offline=lambda: offline_model(
                settings, features, for_sentences(settings, embedder), chat=chat
            ),
        )
        stack.push_async_callback(model.close)
        mails = outbox_of(settings, database, wake.set)
        notices = NoticeRules(USUAL if settings.mail.sends_notices else frozenset())
        await listen_to_the_usual(database, notices)
        ports = {
            Outbox: mails,
            Catalogue: _catalogue(settings, embedder, stack),
            Writer: _writer(settings, model, database),
            RateLimiter: limiter,
            FileRules: FileRules(
                largest=settings.mail.max_attachment_mb * MB,
                quota=settings.upload.quota_mb * MB,
                tenant_quota=settings.upload.tenant_quota_mb * MB,
                kept=timedelta(days=settings.upload.days),
            ),
            Sessions: EndSessions(),
            CustomerRules: CustomerRules(CustomFields.parse(settings.customers.fields)),
            PasswordRules: PasswordRules(
                timedelta(minutes=settings.accounts.proof_minutes),
                settings.accounts.password_tries,
            ),
            Teller: Teller(
                database, OutsideWorld(settings.webhooks.allowed), Sealing(secret.key, "webhooks")
            ),
            Channels: channels_of(settings, mails, secret),
            TicketRules: TicketRules(
                settings.tickets.declared,
                settings.tickets.reopens,
                timedelta(minutes=settings.tickets.handover_minutes),
                timedelta(minutes=settings.tickets.due_soon_minutes),
            ),
            HandoverConversations: HandoverConversations(heard),
            Chats: CHATS,
            **open_diagnosing(settings, embedder, stack, secret.key),
            Investigations: Investigations(investigated),
            **await open_escalating(settings, database),
            Payouts: Payouts(database, choose_payments(settings)),
            NoticeRules: notices,
            Queries: Queries(database, settings.queries, features.readable),
            NewTickets: NewTickets(HANDLE if settings.policy.handle_new_tickets else None),
            Inbox: Inbox(database, inbox_rules(settings, secret)),
            BoxVault: BoxVault(secret.key),
            Syncs: _syncs(settings, database, secret, stack),
            **open_search(settings, database, embedder, stack),
            **open_kafka(settings, secret.key, database, wake.set, stack),
            **open_aws(settings, stack),
        }
        gate = _gate(settings, features, database, secret, only, ports)
        await stack.enter_async_context(PolicyWatch(gate, database).keep())
        hub = hub_of(settings, gate, database) if only is None else None
        if hub is not None:
            await stack.enter_async_context(hub.keep())
        conversations = _conversations(settings, features, database, secret, gate, model)
        await stack.enter_async_context(conversations.keep())
        if chat and not getattr(model, "reads_all_tools", False):
            ahead = gate.port(Catalogue).prepare(list(gate.tools.values()))
            await stack.enter_async_context(background(ahead))
        handlers = _handlers(features, gate, conversations)
        looks = [look for part in features.slices for look in part.looks(gate)]
        jobs = Jobs(database, handlers, features.records, wake, looks, features.times)
        await stack.enter_async_context(jobs.keep())
        if chat and settings.knowledge.watch:
            await stack.enter_async_context(background(watch_folders(database, wake.set)))
        yield Desk(
            settings=settings,
            database=database,
            keys=keys_of(settings, database, gate.policy.roles),
            gate=gate,
            conversations=conversations,
            limiter=limiter,
            jobs=jobs,
            features=features,
            embedder=embedder,
            left_out=off,
            hub=hub,
            views=views_of(settings, gate),
            serves_one_group=only is not None,
        )


async def _own_tenant(settings: Settings, database: Database) -> None:
    """Have the tenant of the settings, which needs nobody to make it."""
    if await tenants.find(database.reader, settings.default.tenant_id) is None:
        async with database.transaction() as transaction:
            await tenants.ensure(transaction, settings.default.tenant_id)


def keys_of(settings: Settings, database: Database, roles: Roles) -> ApiKeys:
    """The API keys of a desk."""
    return ApiKeys(database, roles, is_there, timedelta(days=settings.keys.lifetime_days))


def _handlers(features: Features, gate: Gate, conversations: Conversations) -> dict[str, Handler]:
    """What does the jobs, by their kind."""
    handlers: dict[str, Handler] = {}
    denied: dict[str, Denied] = {}
    for part in features.slices:
        handlers |= part.jobs(gate)
        denied |= part.denied(gate)
    decisions = Decisions(gate, conversations, gate.database, denied)
    handlers[STILL_WAITS] = partial(still_waits, gate.database)
    handlers[ANSWER] = Lanes(gate.database, conversations).answer
    handlers[LEFT] = partial(free, gate.database, gate.port(TicketRules).handover_waits)
    return {**handlers, APPROVAL: decisions.carry_out}


def _catalogue(
    settings: Settings, embedder: Embedder | None, stack: contextlib.AsyncExitStack
) -> Catalogue:
    quick = for_sentences(settings, embedder)
    if quick is None:
        return Catalogue()
    kept = Kept(quick, settings.data_dir / "vectors.db", shared=True)
    stack.callback(kept.close)
    return Catalogue(kept)


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


def _syncs(
    settings: Settings, database: Database, secret: Secret, stack: contextlib.AsyncExitStack
) -> Syncs:
    """What reads the documents that answers come from."""
    knowledge = settings.knowledge
    outside = OutsideWorld(
        knowledge.allowed, setting="KNOWLEDGE_NETWORKS", hosts=knowledge.known_hosts
    )
    most = knowledge.max_mb * MB
    limits = parsing.Limits(most, knowledge.memory_mb, knowledge.seconds)
    origins = choose_origins(settings.data_dir / "sources", outside, most)
    parser = parsing.Parser(limits)
    stack.push_async_callback(parser.aclose)
    return Syncs(database, parser, outside, origins, Sealing(secret.key, "knowledge"))


def _gate(
    settings: Settings,
    features: Features,
    database: Database,
    secret: Secret,
    only: str | None,
    ports: Mapping[type, Any],
) -> Gate:
    tools = [
        tool
        for group in features.groups
        if only is not None or not settings.mcp_server.url or group is not complaint_tools
        for tool in group.tools
        if only is None or served(only, group.name, tool.name)
    ]
    return Gate(
        tools,
        database=database,
        policy=policy_of(settings, features, tools),
        key=secret.key,
        names=secret.names,
        generation=secret.generation,
        time_limit=settings.agent.tool_timeout,
        ports=ports,
        zone=ZoneInfo(settings.policy.timezone),
        confirm_within=timedelta(minutes=settings.agent.confirm_minutes),
    )


def _conversations(
    settings: Settings,
    features: Features,
    database: Database,
    secret: Secret,
    gate: Gate,
    model: Model,
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
            claims=features.claims,
            hosts=settings.agent.linked,
            confirmed=partial(run_confirmed, gate),
            crisis_lines=settings.agent.crisis_lines,
            brand=partial(brand_of, database.reader),
            choosing=Offering(gate.port(Catalogue)),
        ),
        confirmations=gate.confirmations,
        key=secret.names,
        ledger=gate.ledger,
        grace=settings.stream.grace,
    )
