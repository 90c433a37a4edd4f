"""The agent's card: who it is, what it can do for the caller, and how to speak with it.

Its skills are what the caller may use, by the group that a tool belongs to.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from deskward import __version__
from deskward.core.database import Connection
from deskward.entrypoints.a2a.addresses import REST, RPC
from deskward.entrypoints.openapi import SECURITY_SCHEMES
from deskward.gate.call import Gate
from deskward.security import tenants
from deskward.security.principals import Principal

VERSION = "1.0"

Data = dict[str, Any]
_MOST_NAMED = 12
"""Tools of a skill whose names stand in its description."""


async def card_of(db: Connection, gate: Gate, principal: Principal, base: str) -> Data:
    """The card for a caller, without a signature.

    Args:
        base: The address of this server.
    """
    tenant = await tenants.find(db, principal.tenant)
    named = f"{tenant.name} support" if tenant is not None and tenant.name else "Support"
    ways = ((RPC, "JSONRPC"), (REST, "HTTP+JSON"))
    return {
        "name": named,
        "description": "Answers support requests in a conversation, and does for the caller what "
        "they may have done. It asks before it does what is final: say yes or no to exactly that.",
        "version": __version__,
        "supportedInterfaces": [
            {"url": f"{base}{path}", "protocolBinding": binding, "protocolVersion": VERSION}
            for path, binding in ways
        ],
        "capabilities": {
            "streaming": True,
            "pushNotifications": False,
            "extendedAgentCard": True,
        },
        "securitySchemes": {
            "bearer": {
                "httpAuthSecurityScheme": {
                    "scheme": "Bearer",
                    "description": SECURITY_SCHEMES["bearer"]["description"],
                }
            },
            "apiKey": {"apiKeySecurityScheme": {"location": "header", "name": "X-API-Key"}},
        },
        "securityRequirements": [
            {"schemes": {"bearer": {"list": []}}},
            {"schemes": {"apiKey": {"list": []}}},
        ],
        "defaultInputModes": ["text/plain", "application/json"],
        "defaultOutputModes": ["text/plain", "application/json"],
        "skills": _skills(gate, principal),
    }


def _skills(gate: Gate, principal: Principal) -> list[Data]:
    groups: dict[str, list[str]] = defaultdict(list)
    for tool in gate.tools_for(principal):
        if tool.stands_for is None:
            groups[tool.group].append(tool.title)
    return [
        {
            "id": group,
            "name": group.replace("_", " ").capitalize(),
            "description": _described(titles),
            "tags": [group, "support"],
        }
        for group, titles in sorted(groups.items())
    ]


def _described(titles: list[str]) -> str:
    named = "; ".join(sorted(titles)[:_MOST_NAMED])
    more = len(titles) - _MOST_NAMED
    return f"{named}; and {more} more." if more > 0 else f"{named}."
