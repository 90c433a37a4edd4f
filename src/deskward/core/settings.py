"""Settings: environment variables, or a `.env` file in the working directory, into one object."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """What an operator can set. Each field's name in upper case is its environment variable."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore")

    server_host: str = Field("127.0.0.1", description="Address to listen on.")
    server_port: int = Field(9080, ge=0, le=65535, description="Port to listen on.")
    allowed_hosts: str = Field(
        "",
        description="Host names, separated by commas, under which browsers and clients may reach "
        "the service (protection against DNS rebinding). Unset: this machine's own names when "
        "listening on loopback, any otherwise.",
    )
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded database and the secret key."
    )
    database_url: str | None = Field(
        None,
        description="SQLAlchemy URL: `postgresql://user:password@host/name`, or "
        "`sqlite:///path`. Unset: SQLite in DATA_DIR.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters; keys the digests of secret arguments. Unset: made "
        "once and kept in DATA_DIR. Processes that share a database must share it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="The least severe level that is logged."
    )
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
    policy_dir: Path | None = Field(
        None, description="Folder of Cedar policies. Unset: those that ship with Deskward."
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
    def database(self) -> URL:
        """The database's URL with the driver that Deskward uses for it.

        Raises:
            ValueError: The URL is of a database that Deskward does not support.
        """
        if not self.database_url:
            return URL.create("sqlite", database=str(self.data_dir / "deskward.db"))
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
