"""The settings in groups. What a field is set by is its alias: in upper case, a variable."""

from __future__ import annotations

import ipaddress
import unicodedata
from pathlib import Path
from typing import Literal

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import (
    DatabaseUrl,
    Few,
    Many,
    Name,
    RedisAddress,
    Seconds,
    WebAddress,
    by_tenant,
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


class McpServer(Group):
    """An outside MCP server, and the one that `deskward mcp` is."""

    model_config = prefixed("mcp_server_")

    url: WebAddress | None = Field(
        None,
        description="Address of an outside MCP server with complaint tools, for example "
        "`http://localhost:8000/mcp`. Unset: the desk serves complaints itself.",
    )
    servers_file: Path | None = Field(
        None,
        validation_alias="mcp_servers_file",
        description="JSON file that names outside MCP servers as other clients' files do "
        "(`mcpServers`); it is read again whenever it changes. Unset: none but that of "
        "MCP_SERVER_URL.",
    )
    views_file: Path | None = Field(
        None,
        validation_alias="mcp_views_file",
        description="YAML file that names sets of tools to be served at `/mcp/v/NAME`, each to "
        "some roles (virtual servers). Unset: there is only `/mcp`, with all tools.",
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
    notices: bool = Field(
        True,
        validation_alias="notices",
        description="Whether a desk with a mail server tells staff and customers by mail of what "
        "concerns them (`deskward notices list`) where nobody has switched it otherwise.",
    )
    sender_name: str = Field(
        "Customer Service", validation_alias="sender_name", description="Name that mails come from."
    )
    reply_to: str = Field(
        "",
        validation_alias="mail_reply_to",
        description="Address to which customers answer mails about their tickets; each such mail "
        "names it with the ticket's tag, as help+t1001-…@…, so it has to take what stands behind "
        "a plus. By tenant: `default=help@a.example, shop=help@b.example`. Unset: the first of "
        "MAIL_ADDRESSES, where there is one.",
    )
    signature: str = Field(
        "",
        max_length=2_000,
        validation_alias="mail_signature",
        description="What stands below answers to tickets by mail.",
    )
    max_attachment_mb: Few = Field(
        10,
        validation_alias="email_max_attachment_mb",
        description="Size in megabytes that the attachments of one mail may have.",
    )

    @property
    def sends_notices(self) -> bool:
        """Whether the usual notices are on where nobody has switched them."""
        return self.server is not None and self.notices

    @property
    def answers(self) -> dict[str, str]:
        """Tenant → the address to which its customers answer; of the empty name, for all others."""
        return dict(by_tenant(self.reply_to))

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
