"""Who is calling, and the one table that says which role may use which scope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """The kinds of caller."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SERVICE = "service"


SUBJECTS_OF_A_CUSTOMER = "customers:act"
"""The scope with which a service may speak as any customer of its tenant (`X-User-ID`)."""

_DESK_WORK = frozenset(
    {
        "accounts:read",
        "customers:read",
        "tickets:read",
        "tickets:create",
        "tickets:write",
        "knowledge:read",
        "orders:read",
        "orders:create",
        "orders:write",
        "orders:list",
        "complaints:read",
        "complaints:create",
        "complaints:write",
        "email:read",
        "email:send",
        "remote:read",
        "remote:write",
    }
)

ROLES: dict[str, frozenset[str]] = {
    "customer": frozenset(
        {
            "accounts:read",
            "accounts:write",
            "customers:read",
            "tickets:read",
            "tickets:create",
            "knowledge:read",
            "orders:read",
            "orders:create",
            "orders:write",
            "complaints:read",
            "complaints:create",
        }
    ),
    "support": _DESK_WORK | {"accounts:write"},
    "auditor": frozenset({"ledger:read", "tickets:read", "customers:read", "orders:read"}),
    "service": _DESK_WORK | {SUBJECTS_OF_A_CUSTOMER},
}
"""Role → scopes. A tool names one scope; who does not have it cannot see or call the tool."""

DEFAULT_ROLES = {Kind.CUSTOMER: "customer", Kind.STAFF: "support", Kind.SERVICE: "service"}


@dataclass(frozen=True)
class Principal:
    """A verified caller.

    Attributes:
        kind: Customer, staff or service.
        id: Its id within the tenant; a customer's is its `user_id`.
        tenant: The tenant that its credential belongs to. Nothing else names a tenant.
        roles: Keys of `ROLES`.
        agent: The name of the agent that acts on the principal's behalf, or None.
        via: The service that speaks for the customer, or None.
    """

    kind: Kind
    id: str
    tenant: str
    roles: tuple[str, ...]
    agent: str | None = None
    via: str | None = None

    @cached_property
    def scopes(self) -> frozenset[str]:
        """All that the roles allow."""
        return frozenset().union(*(ROLES.get(role, frozenset()) for role in self.roles))

    @cached_property
    def label(self) -> str:
        """`kind:id`, as the ledger names the caller."""
        return f"{self.kind.value}:{self.id}"

    def with_agent(self, agent: str) -> Principal:
        """The same principal with an agent acting on its behalf."""
        return replace(self, agent=agent)
