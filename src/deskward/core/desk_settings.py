"""The settings of what the desk does: who answers, and what customers and callers may."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from zoneinfo import available_timezones

from pydantic import DirectoryPath, Field, SecretStr, field_validator

from deskward.core.addresses import Network, networks
from deskward.core.custom_fields import CustomFields
from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import DAY, Few, Many, Seconds, WebAddress, by_tenant

_zones = cache(available_timezones)


class Agent(Group):
    """Who answers, and how long it may take."""

    model: str | None = Field(
        None,
        validation_alias="model",
        description="Which model answers, tried from left to right: `anthropic:NAME`, "
        "`openai:NAME`, `azure:DEPLOYMENT`, `http://host/v1#NAME`, `offline`. Unset: found from "
        "the providers' own variables, else `offline`.",
    )
    model_timeout: Seconds = Field(
        30.0,
        validation_alias="model_timeout",
        description="Seconds that a model may take to send its next piece.",
    )
    model_max_tokens: Many = Field(
        4096,
        validation_alias="model_max_tokens",
        description="Most tokens a model may write per step, its thinking included.",
    )
    max_steps: Few = Field(
        8, validation_alias="turn_max_steps", description="Most model calls in one turn."
    )
    max_calls: Few = Field(
        8,
        validation_alias="turn_max_calls",
        description="Most calls of tools that a model can ask for in one step.",
    )
    confirm_minutes: Few = Field(
        10,
        validation_alias="confirm_minutes",
        description="Minutes for which a customer can say yes to what they are asked before it is "
        "done for them.",
    )
    max_tokens: Many = Field(
        50_000,
        validation_alias="turn_max_tokens",
        description="Most tokens that one turn may use.",
    )
    tool_timeout: Seconds = Field(
        30.0,
        validation_alias="tool_timeout",
        description="Seconds that one tool call may take.",
    )
    link_hosts: str = Field(
        "",
        validation_alias="link_hosts",
        description="Hosts, separated by commas, that answers may link to and whose mail addresses "
        "they may name, for example `bank.example,help.bank.example`. Every other link is taken "
        "out of an answer before it is sent.",
    )
    crisis_line: str = Field(
        "",
        max_length=2_000,
        validation_alias="crisis_line",
        description="Whom somebody can call who writes of harming themselves, for example "
        "`116 123`; by tenant: `default=116 123, shop=988`. A part without a tenant is for all "
        "others. Unset: the emergency number and a crisis line are named in general.",
    )
    skills_dir: DirectoryPath | None = Field(
        None,
        validation_alias="skills_dir",
        description="Folder of offline skills. Unset: those that ship with Deskward.",
    )

    @property
    def crisis_lines(self) -> dict[str, str]:
        """Tenant → whom to call; of the empty name, for all others."""
        return dict(by_tenant(self.crisis_line))

    @property
    def linked(self) -> frozenset[str]:
        """The hosts that answers may link to."""
        return frozenset(filter(None, (host.strip() for host in self.link_hosts.split(","))))


class Stream(Group):
    """Streamed answers."""

    model_config = prefixed("stream_")

    heartbeat: Seconds = Field(
        15.0, description="Seconds of silence after which a stream sends a sign of life."
    )
    grace: float = Field(
        10.0,
        ge=0,
        le=DAY,
        allow_inf_nan=False,
        description="Seconds for which a turn goes on when its reader is gone; then it pauses "
        "and spends nothing more until somebody asks for it again.",
    )
    longest: int = Field(
        3600,
        ge=0,
        le=86400,
        description="Seconds that a stream of a conversation's events stays open. Its client then "
        "opens it again, as when it was cut. Less suits proxies that cut long connections.",
    )


class Customers(Group):
    """What is known of customers."""

    fields: str = Field(
        "",
        max_length=10_000,
        validation_alias="customer_fields",
        description="Fields that customers have besides those that all have, each with its kind, "
        "for example `contract=text, seats=number, since=date, plan=choice:basic|pro`.",
    )

    @field_validator("fields")
    @classmethod
    def _declared(cls, value: str) -> str:
        CustomFields.parse(value)
        return value


class Accounts(Group):
    """How a customer shows that it is them."""

    proof_minutes: Few = Field(
        10,
        validation_alias="second_proof_minutes",
        description="Minutes for which a customer's second proof that it is them counts as fresh. "
        "With one (`X-User-Proved-At`) they change their password without the present one.",
    )
    password_tries: Few = Field(
        10,
        validation_alias="password_tries_per_hour",
        description="How often a customer may try to change their password in any hour.",
    )


class Webhooks(Group):
    """Programs that are told of events."""

    model_config = prefixed("webhook_")

    networks: str = Field(
        "",
        description="Networks, separated by commas, that webhooks may lead to though they are not "
        "public, for example `10.1.0.0/16`; there also without TLS. Unset: public addresses only.",
    )

    @field_validator("networks")
    @classmethod
    def _as_networks(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def allowed(self) -> tuple[Network, ...]:
        """The networks."""
        return networks(self.networks)


class Tickets(Group):
    """How customers' matters are kept."""

    model_config = prefixed("ticket_")

    fields: str = Field(
        "",
        description="Fields that tickets have besides, for example `device=text, seats=number, "
        "since=date, plan=choice:basic|pro`.",
    )
    reopen_days: str = Field(
        "14",
        description="Days after its end within which a customer's answer opens a resolved ticket "
        "again; later a new one follows it up. By tenant: `default=14, shop=30`. A part without a "
        "tenant is for all others.",
    )

    handover_minutes: Few = Field(
        15,
        validation_alias="handover_minutes",
        description="Minutes after which its team is told again of a handover that nobody has "
        "taken; after as long again those who lead are told.",
    )
    due_soon_minutes: int = Field(
        60,
        ge=1,
        le=44_640,
        description="Minutes before it is to be answered or resolved that a ticket's assignee, or "
        "its team, is told.",
    )

    @property
    def declared(self) -> CustomFields:
        """The fields."""
        return CustomFields.parse(self.fields)

    @property
    def reopens(self) -> dict[str, timedelta]:
        """Tenant → how long; of the empty name, for all others."""
        return {tenant: timedelta(days=int(days)) for tenant, days in by_tenant(self.reopen_days)}

    @field_validator("fields")
    @classmethod
    def _fields(cls, value: str) -> str:
        CustomFields.parse(value)
        return value

    @field_validator("reopen_days")
    @classmethod
    def _days(cls, value: str) -> str:
        if not all(days.isdecimal() and int(days) <= 3650 for _, days in by_tenant(value)):
            raise ValueError("days are whole numbers up to 3650, for example `default=14, shop=30`")
        return value


class Payments(Group):
    """Paying refunds out."""

    model_config = prefixed("payments_")

    url: WebAddress | None = Field(
        None,
        description="Address of a payment provider, or of a program in front of one, that "
        "takes `POST …/refunds` (docs/operating.md). Unset: refunds are recorded, and paid out "
        "elsewhere.",
    )
    key: SecretStr | None = Field(None, description="Sent to it as `Authorization: Bearer …`.")
    timeout: Seconds = Field(20.0, description="Seconds that one request to it may take.")


class Uploads(Group):
    """Files that callers upload."""

    model_config = prefixed("upload_")

    quota_mb: Many = Field(
        100, description="Megabytes of files that one caller may have at the desk."
    )
    tenant_quota_mb: Many = Field(
        10_000, description="Megabytes of files that all callers of a tenant together may have."
    )
    days: Few = Field(30, description="Days after which an uploaded file is deleted.")


class Keys(Group):
    """API keys."""

    lifetime_days: int = Field(
        90,
        ge=1,
        le=3650,
        validation_alias="api_key_days",
        description="Days for which a new API key counts, where `--expires` says nothing else.",
    )


class Policy(Group):
    """What policies are, and what they see."""

    dir: DirectoryPath | None = Field(
        None,
        validation_alias="policy_dir",
        description="Folder of Cedar policies and roles. Unset: those that ship with Deskward.",
    )
    timezone: str = Field(
        "UTC",
        validation_alias="business_timezone",
        description="Time zone by whose clock policies know the hour and the day, for example "
        "`Europe/Berlin`.",
    )
    handle_new_tickets: bool = Field(
        False,
        validation_alias="handle_new_tickets",
        description="Whether the desk handles every new ticket at once, as `deskward handle` does: "
        "it replies and resolves, asks a person, or hands over, as policies say.",
    )

    @field_validator("timezone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"there is no time zone {value!r}")
        return value
