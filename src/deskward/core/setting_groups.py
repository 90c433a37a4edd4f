"""The settings in groups. What a field is set by is its alias: in upper case, a variable."""

from __future__ import annotations

import ipaddress
import unicodedata
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import DirectoryPath, Field, FilePath, SecretStr, field_validator, model_validator

from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import (
    DAY,
    DatabaseUrl,
    Few,
    Many,
    Name,
    RedisAddress,
    Seconds,
    WebAddress,
)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Server(Group):
    """The HTTP server."""

    model_config = prefixed("server_")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(9080, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that serve. More than one suits PostgreSQL."
    )
    max_connections: Many | None = Field(
        None,
        validation_alias="max_connections",
        description="Connections that one process keeps open. Unset: as many as the limit of open "
        "files leaves room for, at most 8192. When they are all in use, those whose client has "
        "been silent longest are closed for newcomers.",
    )
    allowed_hosts: str = Field(
        "",
        validation_alias="allowed_hosts",
        description="Host names, separated by commas, under which browsers and clients may reach "
        "the service (protection against DNS rebinding). Unset: this machine's own names when "
        "listening on loopback, any otherwise.",
    )
    trusted_proxies: str = Field(
        "",
        validation_alias="trusted_proxies",
        description="Addresses or networks, separated by commas, of proxies whose "
        "`X-Forwarded-For` says who the client is. Unset: the peer is the client.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        # As networks are written: others are taken for names, and nobody would be trusted.
        parts = filter(None, map(str.strip, value.split(",")))
        return ",".join(str(ipaddress.ip_network(part, strict=False)) for part in parts)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK

    @property
    def hosts(self) -> frozenset[str] | None:
        """The host names that requests may be addressed to, or None for any."""
        if self.allowed_hosts:
            return frozenset(host.strip().lower() for host in self.allowed_hosts.split(","))
        return frozenset(LOOPBACK | {"[::1]"}) if self.on_loopback else None


class Cors(Group):
    """Web pages of other hosts."""

    enabled: bool = Field(
        True,
        validation_alias="enable_cors",
        description="Whether web pages of CORS_ORIGINS may call.",
    )
    origins: str = Field(
        "",
        validation_alias="cors_origins",
        description="Origins of web pages that may call from a browser, separated by commas, for "
        "example `https://shop.example`. `*` is any page: for a laptop only. Unset: none but the "
        "service's own.",
    )

    @property
    def allowed(self) -> frozenset[str]:
        """The origins of web pages that may call; `*` stands for all."""
        if not self.enabled:
            return frozenset()
        origins = (origin.strip().rstrip("/").lower() for origin in self.origins.split(","))
        return frozenset(filter(None, origins))


class RateLimit(Group):
    """How much callers may ask for."""

    model_config = prefixed("rate_limit_")

    enabled: bool = Field(
        False, validation_alias="enable_rate_limiting", description="Whether requests are limited."
    )
    per_minute: Many = Field(100, description="Requests that one address may make in any minute.")
    per_key_per_minute: Many | None = Field(
        None,
        description="Requests that one API key may make in any minute. Unset: as many as one "
        "address.",
    )
    redis_url: RedisAddress | None = Field(
        None,
        validation_alias="redis_url",
        description="`redis://…` of a Redis that all processes share, so that rate limits hold "
        "over all of them. Unset: each process counts by itself.",
    )


class Database(Group):
    """Where records are kept."""

    model_config = prefixed("database_")

    url: DatabaseUrl | None = Field(
        None,
        description="SQLAlchemy URL: `postgresql://user:password@host/name`, or "
        "`sqlite:///path`. Unset: SQLite in DATA_DIR.",
    )
    pool_size: Few = Field(10, description="PostgreSQL connections per process for reading.")
    path: Path | None = Field(
        None,
        validation_alias="order_db_path",
        description="File of the embedded database, instead of DATA_DIR's. The orders live in the "
        "desk's one database, so that an order and its ledger row are written together.",
    )


class Log(Group):
    """What is logged, and where."""

    model_config = prefixed("log_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="The least severe level that is logged."
    )
    format: Literal["text", "json"] = Field(
        "text", description="`text`: lines for people. `json`: one object per line."
    )
    to_file: bool = Field(True, description="Whether the server also logs to a file.")
    file_path: Path = Field(Path("logs/app.log"), description="The server's log file.")
    max_size_mb: Many = Field(
        100, description="Size in megabytes at which the log file is rotated."
    )
    backup_count: int = Field(
        5,
        ge=0,
        le=1_000,
        description="Rotated log files that are kept. 0: a full file begins anew.",
    )


class Default(Group):
    """Who speaks in open mode."""

    model_config = prefixed("default_")

    user_id: Name = Field(
        "user_001", description="Who speaks in open mode where X-User-ID does not say."
    )
    tenant_id: Name = Field("default", description="The tenant of callers in open mode.")


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
        parts = (part.rpartition("=") for part in self.crisis_line.split(",") if part.strip())
        return {tenant.strip(): line.strip() for tenant, _, line in parts}

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


class McpServer(Group):
    """An outside MCP server, and the one that `deskward mcp` is."""

    model_config = prefixed("mcp_server_")

    url: WebAddress | None = Field(
        None,
        description="Address of an outside MCP server with complaint tools, for example "
        "`http://localhost:8000/mcp`. Unset: the desk serves complaints itself.",
    )
    required: bool = Field(
        False, description="Whether the desk counts as not ready while that server is away."
    )
    api_key: SecretStr | None = Field(
        None, description="Sent to that server as `Authorization: Bearer …`."
    )
    prefix: str = Field(
        "", pattern="^[a-z0-9_]*$", description="What that server's tool names are prefixed with."
    )
    timeout: Seconds = Field(10.0, description="Seconds that one request to that server may take.")
    host: str = Field(
        "127.0.0.1", description="Address that `deskward mcp --transport http` listens on."
    )
    port: int = Field(
        8000, ge=0, le=65535, description="Port that `deskward mcp --transport http` listens on."
    )


class Mail(Group):
    """Outgoing mail."""

    model_config = prefixed("smtp_")

    server: str | None = Field(
        None, description="Mail server. Unset: mails are only printed to the log, and tools say so."
    )
    port: int = Field(587, gt=0, le=65535, description="Port of the mail server.")
    security: Literal["auto", "starttls", "tls", "none"] = Field(
        "auto",
        description="`tls` from the first byte, `starttls`, or `none`. `auto`: `tls` on port 465, "
        "otherwise `starttls`; with a server on this machine whatever it offers.",
    )
    username: str | None = Field(
        None, description="Name to sign in with. Unset: SENDER_EMAIL, where there is a password."
    )
    ca_file: FilePath | None = Field(
        None, description="PEM file of the authority that signed the mail server's certificate."
    )
    sender_email: str | None = Field(
        None, validation_alias="sender_email", description="Address that mails come from."
    )
    sender_password: SecretStr | None = Field(
        None, validation_alias="sender_password", description="Password at the mail server."
    )
    sender_name: str = Field(
        "Customer Service", validation_alias="sender_name", description="Name that mails come from."
    )
    max_attachment_mb: Few = Field(
        10,
        validation_alias="email_max_attachment_mb",
        description="Size in megabytes that the attachments of one mail may have.",
    )

    @field_validator("sender_email")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from email_validator import EmailNotValidError, validate_email  # takes long to import

        try:
            found = validate_email(
                value, check_deliverability=False, globally_deliverable=False, test_environment=True
            )
        except EmailNotValidError as error:
            raise ValueError(f"{value!r} is no mail address: {error}") from None
        return f"{found.local_part}@{found.ascii_domain}"

    @field_validator("sender_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
            raise ValueError("SENDER_NAME must be one line without control characters")
        return " ".join(value.split())

    @model_validator(mode="after")
    def _mails_have_a_sender(self) -> Mail:
        if self.server and not self.sender_email:
            raise ValueError("SENDER_EMAIL is needed with SMTP_SERVER: mails come from somebody")
        if self.server and self.sender_password and self.security == "none":
            raise ValueError("SMTP_SECURITY=none would send SENDER_PASSWORD in the clear")
        return self


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
        if value not in available_timezones():
            raise ValueError(f"there is no time zone {value!r}")
        return value
