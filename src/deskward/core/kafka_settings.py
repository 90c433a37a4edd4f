"""The settings of Kafka: the brokers, how they are signed in to, and what may be used there."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from deskward.core.allowed import Listed
from deskward.core.setting_groups import LOOPBACK
from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Few, Many, by_tenant

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]


_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,200}")


def _check_topics(value: str) -> str:
    for _tenant, name in by_tenant(value):
        if not _TOPIC.fullmatch(name):
            raise ValueError(
                "its entries are names of topics, separated by commas, each with `tenant=` in "
                "front where it is not the default tenant's"
            )
    return value


Topics = Annotated[str, AfterValidator(_check_topics)]


class Kafka(Group):
    """Messages of Apache Kafka."""

    model_config = prefixed("kafka_")

    bootstrap_servers: str | None = Field(
        None,
        pattern=r"^\s*[^\s,:]+:\d{1,5}(\s*,\s*[^\s,:]+:\d{1,5})*\s*$",
        description="Kafka's brokers, `host:9092, host:9092`. Unset: there are no tools of Kafka.",
    )
    topics: Listed = Field(
        "",
        description="Topics that the tools may use, separated by commas, by tenant: "
        "`customer-queries, shop=shop-*`. One without a tenant is DEFAULT_TENANT_ID's. Unset: "
        "none.",
    )
    groups: Listed = Field(
        "",
        description="Consumer groups whose place in a topic the tools may read and move on, listed "
        "as KAFKA_TOPICS are. Unset: none, so that nothing can be consumed.",
    )
    query_topics: Topics = Field(
        "",
        description="Topics whose messages the desk answers as customers' own, by tenant: "
        "`customer-queries, shop=shop-queries`. Whoever may write to such a topic speaks as any "
        "customer of that tenant, so let your own programs alone write there. Unset: none.",
    )
    answer_topics: Topics = Field(
        "agent-responses",
        description="Topic to which the desk publishes those answers, one for each tenant: "
        "`agent-responses, shop=shop-responses`. What cannot be answered goes to the topic's name "
        "with `.dead-letters` behind it: `customer-queries.dead-letters`.",
    )
    query_group: str = Field(
        "deskward",
        pattern=r"^[A-Za-z0-9._-]{1,249}$",
        description="Consumer group by which all processes of the desk share those topics.",
    )
    security_protocol: Security | None = Field(
        None,
        description="`plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`. Unset: with TLS, but for "
        "brokers of this machine; signed in where there is KAFKA_SASL_USERNAME.",
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the desk signs in to the brokers."
    )
    sasl_username: str | None = Field(None, description="Name to sign in with.")
    sasl_password: SecretStr | None = Field(None, description="Password to sign in with.")
    ssl_ca_file: FilePath | None = Field(
        None,
        description="PEM file of the authority that signed the brokers' certificates. Unset: the "
        "machine's authorities.",
    )
    ssl_cert_file: FilePath | None = Field(
        None, description="PEM file of the certificate that the desk shows to the brokers."
    )
    ssl_key_file: FilePath | None = Field(None, description="PEM file of that certificate's key.")
    timeout: Few = Field(10, description="Seconds that the brokers may take for one thing.")
    max_message_kb: Many = Field(
        256,
        le=16_000,
        description="Kilobytes that a message may have: of a longer one the beginning is read.",
    )
    mcp_host: str | None = Field(
        None,
        description="Address that `deskward mcp kafka --transport http` listens on. Unset: "
        "MCP_SERVER_HOST.",
    )
    mcp_port: int = Field(
        8002,
        ge=0,
        le=65535,
        description="Port that `deskward mcp kafka --transport http` listens on.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.query_topics and self.bootstrap_servers is None:
            raise ValueError("KAFKA_QUERY_TOPICS wants KAFKA_BOOTSTRAP_SERVERS")
        if (self.sasl_username is None) != (self.sasl_password is None):
            raise ValueError("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together")
        if (self.ssl_cert_file is None) != (self.ssl_key_file is None):
            raise ValueError("KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE belong together")
        if self.security.startswith("sasl") and self.sasl_username is None:
            raise ValueError("KAFKA_SECURITY_PROTOCOL wants KAFKA_SASL_USERNAME and its password")
        return self

    @property
    def security(self) -> Security:
        """How the brokers are spoken to."""
        if self.security_protocol is not None:
            return self.security_protocol
        servers = (self.bootstrap_servers or "").split(",")
        near = all(one.rpartition(":")[0].strip() in LOOPBACK for one in servers)
        if self.sasl_username is not None:
            return "sasl_plaintext" if near else "sasl_ssl"
        return "plaintext" if near else "ssl"
