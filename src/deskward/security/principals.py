"""Who is calling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from deskward.core.lazily import lazily


class Kind(StrEnum):
    """The kinds of caller."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SERVICE = "service"


class Proof(IntEnum):
    """How well it is known who calls; policies may ask for more than the least."""

    CLAIMED = 0
    """Somebody says so, for example the sender of a mail."""
    VOUCHED = 1
    """A service that has signed in says so, or the operator of an open desk."""
    CREDENTIAL = 2
    """The caller's own key."""


AGENT = "assistant"
"""The name of the desk's own agent."""

SUBJECTS_OF_A_CUSTOMER = "customers:act"
"""The scope with which a service may speak as any customer of its tenant (`X-User-ID`)."""

DEFAULT_ROLES = {Kind.CUSTOMER: "customer", Kind.STAFF: "support", Kind.SERVICE: "service"}


@dataclass(frozen=True)
class Principal:
    """A verified caller.

    Attributes:
        kind: Customer, staff or service.
        id: Its id within the tenant; a customer's is its `user_id`.
        tenant: The tenant that its credential belongs to. Nothing else names a tenant.
        roles: Names of roles, of which `roles.yaml` says what they may do.
        agent: The name of the agent that acts on the principal's behalf, or None.
        via: The service that speaks for the customer, or None.
        proof: How well it is known that it is them.
        key: The prefix of the API key that was shown, or None. Nobody is another one by it.
        proved: When they last proved a second time that it is them, as the service that speaks for
            them says (OpenID Connect's `auth_time`).
        system: Whether it is a user of the machine's system, who has no key: its operator.
    """

    kind: Kind
    id: str
    tenant: str
    roles: tuple[str, ...]
    agent: str | None = None
    via: str | None = None
    proof: Proof = Proof.CREDENTIAL
    key: str | None = field(default=None, compare=False)
    proved: datetime | None = field(default=None, compare=False)
    system: bool = False

    @lazily
    def label(self) -> str:
        """`kind:id`, as the ledger names the caller; of a system's user it says that."""
        if self.system:
            return f"cli:{self.id} (system user)"
        return f"{self.kind.value}:{self.id}"

    @lazily
    def facts(self) -> Mapping[str, Any]:
        """All of it as JSON, for the record, not to be changed; see `of_facts`."""
        return {
            "kind": self.kind.value,
            "id": self.id,
            "tenant": self.tenant,
            "roles": list(self.roles),
            "agent": self.agent,
            "via": self.via,
            "proof": int(self.proof),
            "key": self.key,
            "proved": self.proved.isoformat() if self.proved else None,
            "system": self.system,
        }

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Principal:
        """The principal that is on record; one from before there was `proof` was vouched for."""
        proved = facts.get("proved")
        return cls(
            **{
                **facts,
                "kind": Kind(facts["kind"]),
                "roles": tuple(facts["roles"]),
                "proof": Proof(facts.get("proof", Proof.VOUCHED)),
                "proved": datetime.fromisoformat(proved) if proved else None,
            }
        )

    def with_agent(self, agent: str) -> Principal:
        """The same principal with an agent acting on its behalf."""
        return replace(self, agent=agent)
