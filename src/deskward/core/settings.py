"""Settings: environment variables, a `.env` file and a YAML file, into one typed object.

A variable of the environment wins over `.env`, which wins over the YAML file (`config_file.py`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import secrets
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import URL, make_url

from deskward.core.config_file import ConfigFile, UnknownSetting, config_path

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


OTHERS = frozenset({"deskward_api_key"})
"""Variables that `.env` may hold besides the settings: they are the command line's."""


class _StrictDotEnv(DotEnvSettingsSource):
    """`.env`, in which every name must be a setting's."""

    def __call__(self) -> dict[str, Any]:
        known = self.settings_cls.model_fields
        for name in self.env_vars:
            if name.lower() not in OTHERS | known.keys():
                raise UnknownSetting(str(self.env_file), name.upper(), known)
        return super().__call__()


class Settings(BaseSettings):
    """What an operator can set. Each field's name in upper case is its environment variable."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    server_host: str = Field("127.0.0.1", description="Address to listen on.")
    server_port: int = Field(9080, ge=0, le=65535, description="Port to listen on.")
    server_workers: int = Field(
        1, ge=1, le=64, description="Processes that serve. More than one suits PostgreSQL."
    )
    max_connections: int | None = Field(
        None,
        gt=0,
        description="Connections that one process keeps open. Unset: as many as the limit of open "
        "files leaves room for, at most 8192. When they are all in use, those whose client has "
        "been silent longest are closed for newcomers.",
    )
    allowed_hosts: str = Field(
        "",
        description="Host names, separated by commas, under which browsers and clients may reach "
        "the service (protection against DNS rebinding). Unset: this machine's own names when "
        "listening on loopback, any otherwise.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks, separated by commas, of proxies whose "
        "`X-Forwarded-For` says who the client is. Unset: the peer is the client.",
    )
    enable_cors: bool = Field(True, description="Whether web pages of CORS_ORIGINS may call.")
    cors_origins: str = Field(
        "",
        description="Origins of web pages that may call from a browser, separated by commas, for "
        "example `https://shop.example`. `*` is any page: for a laptop only. Unset: none but the "
        "service's own.",
    )
    enable_rate_limiting: bool = Field(False, description="Whether requests are limited.")
    rate_limit_per_minute: int = Field(
        100, gt=0, description="Requests that one address may make in any minute."
    )
    rate_limit_per_key_per_minute: int | None = Field(
        None,
        gt=0,
        description="Requests that one API key may make in any minute. Unset: as many as one "
        "address.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://…` of a Redis that all processes share, so that rate limits hold "
        "over all of them. Unset: each process counts by itself.",
    )
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded database and the secret key."
    )
    database_url: str | None = Field(
        None,
        description="SQLAlchemy URL: `postgresql://user:password@host/name`, or "
        "`sqlite:///path`. Unset: SQLite in DATA_DIR.",
    )
    database_pool_size: int = Field(
        10, gt=0, description="PostgreSQL connections per process for reading."
    )
    order_db_path: Path | None = Field(
        None,
        description="File of the embedded database, instead of DATA_DIR's. The orders live in the "
        "desk's one database, so that an order and its ledger row are written together.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters; keys the digests of secret arguments. Unset: made "
        "once and kept in DATA_DIR. Processes that share a database must share it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="The least severe level that is logged."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="`text`: lines for people. `json`: one object per line."
    )
    log_to_file: bool = Field(True, description="Whether the server also logs to a file.")
    log_file_path: Path = Field(Path("logs/app.log"), description="The server's log file.")
    log_max_size_mb: int = Field(
        100, gt=0, description="Size in megabytes at which the log file is rotated."
    )
    log_backup_count: int = Field(5, ge=0, description="Rotated log files that are kept.")
    default_user_id: str = Field(
        "user_001", description="Who speaks in open mode where X-User-ID does not say."
    )
    default_tenant_id: str = Field("default", description="The tenant of callers in open mode.")
    model: str | None = Field(
        None,
        description="Which model answers, tried from left to right: `anthropic:NAME`, "
        "`openai:NAME`, `azure:DEPLOYMENT`, `http://host/v1#NAME`, `offline`. Unset: found from "
        "the providers' own variables, else `offline`.",
    )
    link_hosts: str = Field(
        "",
        description="Hosts, separated by commas, that answers may link to and whose mail addresses "
        "they may name, for example `bank.example,help.bank.example`. Every other link is taken "
        "out of an answer before it is sent.",
    )
    model_timeout: float = Field(
        30.0, gt=0, description="Seconds that a model may take to send its next piece."
    )
    model_max_tokens: int = Field(
        4096,
        gt=0,
        description="Most tokens a model may write per step, its thinking included.",
    )
    turn_max_steps: int = Field(8, gt=0, description="Most model calls in one turn.")
    turn_max_tokens: int = Field(50_000, gt=0, description="Most tokens that one turn may use.")
    tool_timeout: float = Field(30.0, gt=0, description="Seconds that one tool call may take.")
    stream_heartbeat: float = Field(
        15.0, gt=0, description="Seconds of silence after which a stream sends a sign of life."
    )
    stream_grace: float = Field(
        10.0,
        ge=0,
        description="Seconds for which a turn goes on when its reader is gone; then it pauses "
        "and spends nothing more until somebody asks for it again.",
    )
    anthropic_api_key: SecretStr | None = Field(None, description="Key for `anthropic:` models.")
    anthropic_base_url: str | None = Field(None, description="Another address for Anthropic's API.")
    openai_api_key: SecretStr | None = Field(
        None, description="Key for `openai:` and `http://` models."
    )
    openai_base_url: str | None = Field(None, description="Another address for OpenAI's API.")
    azure_openai_endpoint: str | None = Field(None, description="Endpoint for `azure:` models.")
    azure_openai_api_key: SecretStr | None = Field(None, description="Key for `azure:` models.")
    azure_openai_responses_deployment_name: str | None = Field(
        None, description="Azure deployment that is used where MODEL is unset."
    )
    azure_openai_api_version: str = Field(
        "2024-10-21", description="Version of the Azure OpenAI API."
    )
    azure_ai_project_endpoint: str | None = Field(
        None,
        description="Endpoint of an Azure AI project, used where AZURE_OPENAI_ENDPOINT is unset.",
    )
    mcp_server_url: str | None = Field(
        None,
        description="Address of an outside MCP server with complaint tools, for example "
        "`http://localhost:8000/mcp`. Unset: the desk serves complaints itself.",
    )
    mcp_server_required: bool = Field(
        False, description="Whether the desk counts as not ready while that server is away."
    )
    mcp_server_api_key: SecretStr | None = Field(
        None, description="Sent to that server as `Authorization: Bearer …`."
    )
    mcp_server_prefix: str = Field(
        "", pattern="^[a-z0-9_]*$", description="What that server's tool names are prefixed with."
    )
    mcp_server_timeout: float = Field(
        10.0, gt=0, description="Seconds that one request to that server may take."
    )
    mcp_server_host: str = Field(
        "127.0.0.1", description="Address that `deskward mcp --transport http` listens on."
    )
    mcp_server_port: int = Field(
        8000, ge=0, le=65535, description="Port that `deskward mcp --transport http` listens on."
    )
    smtp_server: str | None = Field(
        None, description="Mail server. Unset: mails are only printed to the log, and tools say so."
    )
    smtp_port: int = Field(587, gt=0, le=65535, description="Port of the mail server.")
    smtp_security: Literal["auto", "starttls", "tls", "none"] = Field(
        "auto",
        description="`tls` from the first byte, `starttls`, or `none`. `auto`: `tls` on port 465, "
        "otherwise `starttls`; with a server on this machine whatever it offers.",
    )
    smtp_username: str | None = Field(
        None, description="Name to sign in with. Unset: SENDER_EMAIL, where there is a password."
    )
    smtp_ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the mail server's certificate."
    )
    sender_email: str | None = Field(None, description="Address that mails come from.")
    sender_password: SecretStr | None = Field(None, description="Password at the mail server.")
    sender_name: str = Field("Customer Service", description="Name that mails come from.")
    email_max_attachment_mb: int = Field(
        10, gt=0, description="Size in megabytes that the attachments of one mail may have."
    )
    policy_dir: Path | None = Field(
        None,
        description="Folder of Cedar policies and roles. Unset: those that ship with Deskward.",
    )
    business_timezone: str = Field(
        "UTC",
        description="Time zone by whose clock policies know the hour and the day, for example "
        "`Europe/Berlin`.",
    )
    handle_new_tickets: bool = Field(
        False,
        description="Whether the desk handles every new ticket at once, as `deskward handle` does: "
        "it replies and resolves, asks a person, or hands over, as policies say.",
    )
    skills_dir: Path | None = Field(
        None, description="Folder of offline skills. Unset: those that ship with Deskward."
    )

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("SECRET_KEY must have at least 32 characters")
        return value

    @field_validator("sender_email")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise ValueError(f"{value!r} is no mail address")
        return value

    @model_validator(mode="after")
    def _mails_have_a_sender(self) -> Settings:
        if self.smtp_server and not self.sender_email:
            raise ValueError("SENDER_EMAIL is needed with SMTP_SERVER: mails come from somebody")
        if self.smtp_server and self.sender_password and self.smtp_security == "none":
            raise ValueError("SMTP_SECURITY=none would send SENDER_PASSWORD in the clear")
        return self

    @field_validator("business_timezone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"there is no time zone {value!r}")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            ipaddress.ip_network(part, strict=False)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the first of which wins."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        path = config_path() if dotenv_settings.env_file is not None else None
        return (
            init_settings,
            env_settings,
            _StrictDotEnv(settings_cls, env_file=dotenv_settings.env_file),
            ConfigFile(settings_cls, path),
        )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.server_host in LOOPBACK

    @cached_property
    def hosts(self) -> frozenset[str] | None:
        """The host names that requests may be addressed to, or None for any."""
        if self.allowed_hosts:
            return frozenset(host.strip().lower() for host in self.allowed_hosts.split(","))
        return frozenset(LOOPBACK | {"[::1]"}) if self.on_loopback else None

    @cached_property
    def origins(self) -> frozenset[str]:
        """The origins of web pages that may call; `*` stands for all."""
        if not self.enable_cors:
            return frozenset()
        origins = (origin.strip().rstrip("/").lower() for origin in self.cors_origins.split(","))
        return frozenset(filter(None, origins))

    @property
    def linked(self) -> frozenset[str]:
        """The hosts that answers may link to."""
        return frozenset(filter(None, (host.strip() for host in self.link_hosts.split(","))))

    @property
    def azure_endpoint(self) -> str | None:
        """Where Azure OpenAI is reached."""
        if self.azure_openai_endpoint or not self.azure_ai_project_endpoint:
            return self.azure_openai_endpoint
        parts = urlsplit(self.azure_ai_project_endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def database(self) -> URL:
        """The database's URL with the driver that Deskward uses for it.

        Raises:
            ValueError: The URL is of a database that Deskward does not support.
        """
        if not self.database_url:
            path = self.order_db_path or self.data_dir / "deskward.db"
            return URL.create("sqlite", database=str(path))
        url = make_url(self.database_url)
        backend = url.get_backend_name()
        if backend == "sqlite":
            return url.set(drivername="sqlite")
        if backend in ("postgresql", "postgres"):
            return url.set(drivername="postgresql+asyncpg")
        raise ValueError(f"DATABASE_URL must be of SQLite or PostgreSQL, not {backend}")

    @cached_property
    def key(self) -> bytes:
        """The secret key; made and kept in DATA_DIR, readable by its owner only, where unset."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        path = self.data_dir / "secret.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Linked into place when whole, so that processes that start together read one key.
            with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
                file.write(secrets.token_hex(32))
                file.flush()
                with contextlib.suppress(FileExistsError):
                    os.link(file.name, path)
        return path.read_text().encode()
