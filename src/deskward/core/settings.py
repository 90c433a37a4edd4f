"""Settings: environment variables, a `.env` file and a YAML file, into one typed object.

A variable of the environment wins over `.env`, which wins over the YAML file (`config_file.py`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import URL

from deskward.core.aws_settings import Aws
from deskward.core.config_file import ConfigFile, UnknownSetting, check_dotenv, config_path
from deskward.core.desk_settings import (
    Accounts,
    Agent,
    Customers,
    Keys,
    Payments,
    Policy,
    Stream,
    Tickets,
    Uploads,
    Webhooks,
)
from deskward.core.diagnostic_settings import Diagnostics
from deskward.core.escalation_settings import Escalation
from deskward.core.kafka_settings import Kafka
from deskward.core.knowledge_settings import Knowledge
from deskward.core.mail_settings import Imap, Inbox
from deskward.core.opening import database_url
from deskward.core.private import private_folder, tighten
from deskward.core.provider_settings import Anthropic, Azure, Embeddings, OpenAI
from deskward.core.query_settings import DatabaseMcp, Queries
from deskward.core.setting_groups import (
    Cors,
    Database,
    Default,
    Log,
    Mail,
    McpServer,
    RateLimit,
    Server,
)
from deskward.core.setting_names import fields, names, nested

KEY_LENGTH = 32
BACK = "Put it back from a copy, or set SECRET_KEY: what is sealed under it cannot be read without."
"""What to do about a secret key that is lost."""
OTHERS = frozenset({"deskward_api_key"})
"""Variables that `.env` may hold besides the settings: they are the command line's."""


class _ByName(EnvSettingsSource):
    """The environment, whose variables are the settings' names."""

    def __call__(self) -> dict[str, Any]:
        known = names(self.settings_cls)
        return nested(known, {n: v for n, v in self.env_vars.items() if n in known})


class _StrictDotEnv(DotEnvSettingsSource):
    """`.env`, in which every name must be a setting's."""

    def __call__(self) -> dict[str, Any]:
        known = names(self.settings_cls)
        for name in self.env_vars:
            if name not in OTHERS | known.keys():
                raise UnknownSetting(str(self.env_file), name.upper(), known)
        return nested(known, {n: v for n, v in self.env_vars.items() if n in known})


class Settings(BaseSettings):
    """What an operator can set, in groups. `names` tells what each is set by."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded database and the secret key."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters; keys the digests of secret arguments. Unset: made "
        "once and kept in DATA_DIR. Processes that share a database must share it.",
    )
    domains: str = Field(
        "",
        description="Example domains that the desk has, separated by commas: `bank` (accounts, "
        "cards, balances), `shop` (orders, complaints). `--demo` switches all of them on.",
    )
    server: Server = Field(default_factory=Server, description="The HTTP server.")
    cors: Cors = Field(default_factory=Cors, description="Web pages of other hosts.")
    rate_limit: RateLimit = Field(
        default_factory=RateLimit, description="How much callers may ask for."
    )
    database: Database = Field(default_factory=Database, description="Where records are kept.")
    log: Log = Field(default_factory=Log, description="What is logged, and where.")
    default: Default = Field(default_factory=Default, description="Who speaks in open mode.")
    agent: Agent = Field(
        default_factory=Agent, description="Who answers, and how long it may take."
    )
    stream: Stream = Field(default_factory=Stream, description="Streamed answers.")
    anthropic: Anthropic = Field(default_factory=Anthropic, description="Anthropic's API.")
    openai: OpenAI = Field(
        default_factory=OpenAI, description="OpenAI's API, and what is compatible with it."
    )
    azure: Azure = Field(default_factory=Azure, description="Azure OpenAI.")
    embeddings: Embeddings = Field(
        default_factory=Embeddings, description="What tells which texts mean the same."
    )
    mcp_server: McpServer = Field(
        default_factory=McpServer,
        description="An outside MCP server, and the one that `deskward mcp` is.",
    )
    mail: Mail = Field(default_factory=Mail, description="Outgoing mail.")
    inbox: Inbox = Field(default_factory=Inbox, description="Mail that comes in, whichever way.")
    imap: Imap = Field(default_factory=Imap, description="The mailbox that mail is fetched from.")
    accounts: Accounts = Field(
        default_factory=Accounts, description="How a customer shows that it is them."
    )
    webhooks: Webhooks = Field(
        default_factory=Webhooks, description="Programs that are told of events."
    )
    db_mcp: DatabaseMcp = Field(
        default_factory=DatabaseMcp, description="The MCP server of the desk's records."
    )
    queries: Queries = Field(
        default_factory=Queries, description="People's queries over the desk's records."
    )
    tickets: Tickets = Field(
        default_factory=Tickets, description="How customers' matters are kept."
    )
    customers: Customers = Field(
        default_factory=Customers, description="What is known of customers."
    )
    payments: Payments = Field(default_factory=Payments, description="Paying refunds out.")
    upload: Uploads = Field(default_factory=Uploads, description="Files that callers upload.")
    diagnostics: Diagnostics = Field(
        default_factory=Diagnostics, description="Guided troubleshooting."
    )
    escalation: Escalation = Field(
        default_factory=Escalation, description="Service levels and escalation."
    )
    knowledge: Knowledge = Field(
        default_factory=Knowledge, description="The documents that answers come from."
    )
    aws: Aws = Field(default_factory=Aws, description="Amazon's S3, Lambda and Parameter Store.")
    kafka: Kafka = Field(default_factory=Kafka, description="Messages of Apache Kafka.")
    keys: Keys = Field(default_factory=Keys, description="API keys.")
    policy: Policy = Field(
        default_factory=Policy, description="What policies are, and what they see."
    )

    def __init__(self, **values: Any) -> None:
        """Read the settings.

        Args:
            values: By their names; these win over all that is read.

        Raises:
            ValueError: One is not valid, or a file of them is not; the message names it.
        """
        check_dotenv(values.get("_env_file", self.model_config.get("env_file")))
        super().__init__(**values)

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < KEY_LENGTH:
            raise ValueError(f"it must have at least {KEY_LENGTH} characters")
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
        assert isinstance(init_settings, InitSettingsSource)
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        path = config_path() if dotenv_settings.env_file is not None else None
        known = names(settings_cls)
        return (
            InitSettingsSource(settings_cls, nested(known, init_settings.init_kwargs)),
            _ByName(settings_cls),
            _StrictDotEnv(settings_cls, env_file=dotenv_settings.env_file),
            ConfigFile(settings_cls, path, known),
        )

    @classmethod
    def alone(cls, **values: Any) -> Settings:
        """Settings of these values, by their names, and of defaults: nothing else is read."""
        defaults = {name: field.default for name, field in fields(cls).items()}
        made = cls.__new__(cls)
        # Without the sources, which would look into the environment for what they do not use.
        BaseModel.__init__(made, **nested(names(cls), {**defaults, **values}))
        return made

    def changed(self, **values: Any) -> Settings:
        """A copy with other values, by their names."""
        return Settings.alone(**{**self.values(), **values})

    def values(self) -> dict[str, Any]:
        """All values by the settings' names."""
        found = {}
        for name, (group, field) in names(type(self)).items():
            found[name] = getattr(getattr(self, group) if group else self, field)
        return found

    @property
    def domains_on(self) -> frozenset[str]:
        """The names in DOMAINS, whatever they are."""
        return frozenset(filter(None, map(str.strip, self.domains.split(","))))

    @cached_property
    def database_location(self) -> URL:
        """The database's URL with the driver that Deskward uses for it."""
        if self.database.url:
            return database_url(self.database.url)
        path = self.database.path or self.data_dir / "deskward.db"
        return URL.create("sqlite", database=str(path))

    @property
    def key_file(self) -> Path:
        """Where the secret key is kept that SECRET_KEY does not name."""
        return self.data_dir / "secret.key"

    @cached_property
    def key(self) -> bytes:
        """The secret key; made and kept in DATA_DIR, readable by its owner only, where unset.

        Raises:
            ValueError: The file that keeps it is empty or cut off.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        path = self.key_file
        if not path.exists():
            make_key(path)
        else:
            tighten(path, 0o600)
        key = path.read_bytes()
        if len(key.strip()) < KEY_LENGTH:
            raise ValueError(f"{path} is no secret key any more. {BACK}")
        return key


def make_key(path: Path) -> None:
    """Make a secret key in a file for its owner alone; one that is there already stays."""
    private_folder(path.parent)
    # Linked into place when whole, so that processes that start together read one key.
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent) as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
