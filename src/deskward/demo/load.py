"""Puts the demo desk into an empty database."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from pydantic import SecretStr

from deskward.accounts.models import accounts, cards, transactions
from deskward.complaints import service as complaints
from deskward.core.database import Connection, Database, now
from deskward.core.numbering import FIRST_NUMBER
from deskward.customers.models import customers
from deskward.knowledge.models import faq
from deskward.orders import service as orders
from deskward.orders.models import NewLine
from deskward.security.passwords import hash_password
from deskward.tickets.models import tickets

DESK = Path(__file__).parent / "desk.yaml"


async def load_demo(database: Database) -> bool:
    """Load the demo desk; False, and nothing done, where there are customers already."""
    desk: dict[str, Any] = yaml.safe_load(DESK.read_text(encoding="utf-8"))
    # Nobody signs in to the demo with a password, so the first one is random.
    unknown = await hash_password(SecretStr(secrets.token_hex(16)))
    async with database.transaction() as transaction:
        if await transaction.first(sa.select(customers.c.id).limit(1)) is not None:
            return False
        for tenant, content in desk["tenants"].items():
            for customer in content["customers"]:
                await _load_customer(transaction, tenant, customer, unknown)
                await _load_orders(transaction, tenant, customer)
                await _load_complaints(transaction, tenant, customer)
                await _load_tickets(transaction, tenant, customer)
            await transaction.execute(
                faq.insert(), [{"tenant_id": tenant, **article} for article in desk["faq"]]
            )
    return True


async def _load_customer(
    db: Connection, tenant: str, customer: dict[str, Any], password_hash: str
) -> None:
    moment = now()
    owner = {"tenant_id": tenant, "user_id": customer["id"]}
    contact = {key: customer[key] for key in ("id", "name", "email", "phone", "address", "tier")}
    await db.execute(customers.insert(), {"tenant_id": tenant, **contact, "created_at": moment})
    await db.execute(
        accounts.insert(),
        {
            **owner,
            "balance": customer["balance"],
            "currency": customer["currency"],
            "status": "active",
            "password_hash": password_hash,
        },
    )
    await db.execute(
        cards.insert(), [{**owner, **card, "status": "active"} for card in customer["cards"]]
    )
    await db.execute(
        transactions.insert(),
        [
            {
                **owner,
                "id": movement["id"],
                "at": moment - timedelta(days=movement["days_ago"], minutes=minute),
                "description": movement["description"],
                "amount": movement["amount"],
                "currency": customer["currency"],
            }
            for minute, movement in enumerate(customer["transactions"])
        ],
    )


async def _load_orders(db: Connection, tenant: str, customer: dict[str, Any]) -> None:
    for content in customer.get("orders", ()):
        order = await orders.create(
            db,
            tenant,
            customer["id"],
            lines=[NewLine.model_validate(line) for line in content["lines"]],
            currency=customer["currency"],
            shipping_address=customer["address"],
        )
        for status in content["became"]:
            await orders.set_status(db, tenant, order.id, status)


async def _load_complaints(db: Connection, tenant: str, customer: dict[str, Any]) -> None:
    for content in customer.get("complaints", ()):
        await complaints.register(db, tenant, customer["id"], **content, priority="normal")


async def _load_tickets(db: Connection, tenant: str, customer: dict[str, Any]) -> None:
    for content in customer.get("tickets", ()):
        # The higher its number, the later it was opened.
        opened = now() - timedelta(hours=FIRST_NUMBER - content["number"])
        await db.execute(
            tickets.insert(),
            {
                **content,
                "tenant_id": tenant,
                "customer_id": customer["id"],
                "status": "open",
                "revision": 1,
                "created_at": opened,
                "updated_at": opened,
            },
        )
