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

    watch: bool = Field(
        True,
        description="Whether folders that are sources are read again as soon as a file changes.",
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

    confidence: float = Field(
        0.95,
        ge=0.5,
        le=0.999,
        description="Confidence of the intervals in which the accuracy of a document lies.",
    )
    half_life_days: Many = Field(
        180, description="Days after which what came of a document's use counts half."
    )
    other_version: float = Field(
        0.5,
        ge=0,
        le=1,
        description="What it counts where it was about another version: of the product than the "
        "document holds for now, or of the document itself.",
    )
    ranking: float = Field(
        0.1,
        ge=0,
        le=0.9,
        description="How much what customers confirmed moves a document in a search's results: 0 "
        "not at all, 0.1 by up to a tenth of its score.",
    )
    stale_days: Many = Field(
        365, description="Days without a change after which a document is to be looked at again."
    )
    unused_days: Many = Field(
        90,
        description="Days after which a document that no search has found is to be looked at. "
        "Searches are kept as long.",
    )
    low_accuracy: float = Field(
        0.7,
        ge=0,
        le=1,
        description="A document whose accuracy is surely below this is to be looked at.",
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
