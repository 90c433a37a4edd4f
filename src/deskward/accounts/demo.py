"""The demo desk's accounts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from deskward.accounts.models import accounts, cards, transactions
from deskward.core.database import Connection, now
from deskward.security.passwords import hash_password


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the accounts of a demo tenant."""
    # Nobody signs in to the demo with a password, so the first one is random.
    unknown = await hash_password(SecretStr(secrets.token_hex(16)))
    moment = now()
    for customer in content["customers"]:
        owner = {"tenant_id": tenant, "user_id": customer["id"]}
        account = {
            **owner,
            "balance": customer["balance"],
            "currency": customer["currency"],
            "status": "active",
            "password_hash": unknown,
        }
        movements = [
            {
                **owner,
                "id": movement["id"],
                "at": moment - timedelta(days=movement["days_ago"], minutes=minute),
                "description": movement["description"],
                "amount": movement["amount"],
                "currency": customer["currency"],
            }
            for minute, movement in enumerate(customer["transactions"])
        ]
        await db.execute(accounts.insert(), account)
        await db.execute(
            cards.insert(), [{**owner, **card, "status": "active"} for card in customer["cards"]]
        )
        await db.execute(transactions.insert(), movements)
