"""The settings of the knowledge base: what documents may cost, and where they may come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from deskward.core.addresses import Network, networks
from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Few, Many


class Knowledge(Group):
    """The documents that answers come from."""

    model_config = prefixed("knowledge_")

    max_mb: Few = Field(32, description="Size in megabytes of a document that is read.")
    memory_mb: Many = Field(
        1_000, ge=300, description="Megabytes of memory that reading a document may take."
    )
    seconds: Few = Field(20, description="Seconds of a processor that reading a document may take.")
    hosts: str = Field(
        "",
        description="Hosts, separated by commas, that sources may be on: repositories, web "
        "addresses, buckets. `.example.com` is each host of that domain. Unset: any public one.",
    )
    networks: str = Field(
        "",
        description="Networks, separated by commas, that sources may be in though they are not "
        "public, for example `10.1.0.0/16`; there also without TLS. Unset: public addresses only.",
    )

    index: Literal["embedded", "postgresql", "opensearch"] = Field(
        "embedded",
        description="Where passages are searched: `embedded` (in DATA_DIR, for processes of one "
        "machine), `postgresql` (with pgvector, where the server has it) or `opensearch`. It is "
        "filled from the database by itself.",
    )
    index_url: SecretStr | None = Field(
        None,
        description="Address of the index: `postgresql://user:password@host/name`, or "
        "`https://user:password@host:9200`. Unset: for `postgresql` the desk's own database.",
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

    @property
    def known_hosts(self) -> tuple[str, ...]:
        """The hosts."""
        return tuple(filter(None, (one.strip().casefold() for one in self.hosts.split(","))))
