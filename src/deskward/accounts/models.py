"""Accounts: the tables, and what is shown of them. Amounts are integers of minor units."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.money import Money
from deskward.core.personal import IMPERSONAL, OWNER, TEXT, VALUE
from deskward.core.written import Ours, RecordId, Written

AccountId = Annotated[str, RecordId("customer"), Field(examples=["user_001"])]
"""An account is of the record of its owner."""
Contact = Annotated[str, Written(by="owner")]

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("user_id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("balance", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False, info=IMPERSONAL),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("password_hash", sa.String(200), nullable=False, info=VALUE),
    sa.ForeignKeyConstraint(["tenant_id", "user_id"], ["customers.tenant_id", "customers.id"]),
)

cards = sa.Table(
    "cards",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("user_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("brand", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("last4", sa.String(4), nullable=False, info=VALUE),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.ForeignKeyConstraint(["tenant_id", "user_id"], ["accounts.tenant_id", "accounts.user_id"]),
    sa.Index("ix_cards_user_id", "tenant_id", "user_id"),
)

transactions = sa.Table(
    "transactions",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("user_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("description", sa.String(200), nullable=False, info=TEXT),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False, info=IMPERSONAL),
    sa.ForeignKeyConstraint(["tenant_id", "user_id"], ["accounts.tenant_id", "accounts.user_id"]),
    sa.Index("ix_transactions_user_id", "tenant_id", "user_id", "at"),
)


class AccountBalance(BaseModel):
    """What is in an account."""

    user_id: AccountId
    balance: Money


class Transaction(BaseModel):
    """One movement; money that left the account is negative."""

    transaction_id: Ours = Field(examples=["txn_1002"])
    at: datetime
    description: Annotated[str, Written(by="outsider")] = Field(examples=["Amazon Purchase"])
    amount: Money


class TransactionHistory(BaseModel):
    """The latest movements, the newest first."""

    user_id: AccountId
    transactions: list[Transaction]


CardStatus = Literal["active", "frozen", "deactivated"]


class Card(BaseModel):
    """A payment card. Its full number is not kept."""

    card_id: Ours = Field(examples=["card_001"])
    brand: Ours = Field(examples=["Visa"])
    last4: Ours = Field(description="The last four digits.", examples=["4242"])
    status: CardStatus


class AccountDetails(BaseModel):
    """All that an account's owner may know of it."""

    user_id: AccountId
    name: Contact = Field(examples=["Alex Morgan"])
    email: Contact = Field(examples=["alex.morgan@example.com"])
    phone: Contact | None
    address: Contact | None
    status: Ours = Field(examples=["active"])
    balance: Money
    cards: list[Card]


class PasswordChanged(BaseModel):
    """The receipt of a new password."""

    user_id: AccountId
    message: Ours = Field(examples=["The password was changed."])


class AddressUpdated(BaseModel):
    """The receipt of a new address."""

    user_id: AccountId
    address: Contact = Field(examples=["12 Garden Street, Springfield, IL 62701"])


class CardDeactivated(BaseModel):
    """The receipt of a deactivated card."""

    user_id: AccountId
    card: Card


class CardsFrozen(BaseModel):
    """The receipt of cards that are frozen: nothing is paid with them until they are unfrozen."""

    user_id: AccountId
    cards: list[Card]


class CardsUnfrozen(BaseModel):
    """The receipt of cards that are no longer frozen."""

    user_id: AccountId
    cards: list[Card]
