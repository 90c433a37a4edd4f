"""Orders: the tables, and what is shown of them. Prices are kept as integers of minor units."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.money import Money
from deskward.core.numbering import Numbering
from deskward.core.personal import IMPERSONAL, OWNER, TEXT, VALUE
from deskward.core.written import Ours, RecordId, Written

Status = Literal["pending", "confirmed", "shipped", "delivered", "cancelled", "returned"]
OrderId = Annotated[
    str,
    RecordId("order"),
    Field(pattern=r"^O[1-9][0-9]{0,17}$", description="Id of an order.", examples=["O1001"]),
]
Sku = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$",
        description="The article's stock keeping unit.",
        examples=["KB-201"],
    ),
]
Price = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})?$",
        description="A decimal number in the order's currency, as text so that it stays exact.",
        examples=["49.90"],
    ),
]
Amount = Annotated[
    str,
    Field(
        pattern=r"^([1-9][0-9]{0,15}(\.[0-9]{1,3})?|0\.([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))$",
        description="A decimal number over 0 in the order's currency, as text.",
        examples=["49.90"],
    ),
]
ShippingAddress = Annotated[
    str,
    Field(
        min_length=5,
        max_length=300,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        examples=["12 Garden Street, Springfield, IL 62701"],
    ),
]

MAX_LINES = 50

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("currency", sa.String(3), nullable=False, info=IMPERSONAL),
    sa.Column("shipping_address", sa.String(300), nullable=False, info=VALUE),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
    sa.Index("ix_orders_customer_id", "tenant_id", "customer_id"),
    sa.Index("ix_orders_status", "tenant_id", "status"),
)

order_lines = sa.Table(
    "order_lines",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("order_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sku", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("description", sa.String(200), nullable=False, info=TEXT),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "order_number"], ["orders.tenant_id", "orders.number"]),
    sa.Index("ix_order_lines_sku", "tenant_id", "sku"),
)

refunds = sa.Table(
    "refunds",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("order_number", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, info=TEXT),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, server_default="granted", info=IMPERSONAL),
    sa.Column("detail", sa.String(300), info=IMPERSONAL),
    sa.Column("reference", sa.String(200), info=IMPERSONAL),
    sa.Column("call", sa.String(64), nullable=False, server_default="", info=IMPERSONAL),
    sa.ForeignKeyConstraint(["tenant_id", "order_number"], ["orders.tenant_id", "orders.number"]),
    sa.Index("ix_refunds_order_number", "tenant_id", "order_number"),
)
"""What was granted, and what became of paying it out (`payouts.py`)."""

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("order_number", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("reference", sa.String(200), nullable=False, info=TEXT),
    sa.Column("call", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "order_number"], ["orders.tenant_id", "orders.number"]),
    sa.Index("ix_payments_order_number", "tenant_id", "order_number"),
)
"""What came in. Only that can be refunded, whatever an order's status is or was."""

order_numbers = Numbering("order_numbers")


class NewLine(BaseModel):
    """An article to be ordered."""

    model_config = ConfigDict(extra="forbid")

    sku: Sku
    description: str = Field(min_length=1, max_length=200, examples=["Keyboard, US layout"])
    quantity: int = Field(ge=1, le=10_000, examples=[1])
    unit_price: Price


class Line(BaseModel):
    """An article of an order."""

    sku: Annotated[Sku, Written(by="owner")]
    description: Annotated[str, Written(by="owner")] = Field(examples=["Keyboard, US layout"])
    quantity: int = Field(examples=[1])
    unit_price: Money
    total: Money


RefundStatus = Literal["granted", "queued", "paying", "paid", "failed", "unknown"]


class Payment(BaseModel):
    """Money that came in for an order."""

    payment_id: Ours = Field(examples=["8f14e45fceea167a5a36dedd4bea2543"])
    amount: Money
    reference: Annotated[str, Written(by="staff")] = Field(examples=["Bank transfer 4711"])
    call: Ours = Field(description="The request that recorded it, as the ledger names it.")
    created_at: datetime


class Refund(BaseModel):
    """Money that goes back, and what became of it."""

    refund_id: Ours = Field(examples=["8f14e45fceea167a5a36dedd4bea2543"])
    amount: Money
    status: RefundStatus = Field(
        description="`granted`: recorded here, and paid out elsewhere. `queued`, `paying`: on its "
        "way. `paid`: the payment provider says so. `failed`: nothing was paid out. `unknown`: a "
        "person has to look."
    )
    detail: Annotated[str, Written(by="outside")] | None = Field(
        description="What the payment provider says of it."
    )
    call: Ours = Field(description="The request that granted it, as the ledger names it.")
    created_at: datetime


class Order(BaseModel):
    """What a customer ordered."""

    id: OrderId
    customer_id: Ours = Field(examples=["user_001"])
    lines: list[Line]
    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217 code.", examples=["USD"])
    total: Money
    paid: Money = Field(description="What came in.")
    refunded: Money = Field(description="What went back, or is on its way.")
    payments: list[Payment]
    refunds: list[Refund]
    shipping_address: Annotated[ShippingAddress, Written(by="owner")]
    status: Status
    revision: int = Field(description="Grows with every change.", examples=[1])
    created_at: datetime
    updated_at: datetime


class OrderCreated(BaseModel):
    """The receipt of a new order."""

    order_id: OrderId
    status: Status
    total: Money
    message: Ours = Field(examples=["Order O1001 was created."])


class OrderChanged(BaseModel):
    """The receipt of a change."""

    success: bool
    message: Ours = Field(examples=["Order O1001 is now shipped."])
    order: Order


class RefundGranted(BaseModel):
    """The receipt of a refund."""

    refund_id: Ours = Field(examples=["8f14e45fceea167a5a36dedd4bea2543"])
    order_id: OrderId
    amount: Money
    refunded: Money = Field(description="All refunds of the order together.")
    status: RefundStatus
    message: Ours = Field(examples=["A refund of $20.00 of order O1001 is on its way."])


class PaymentRecorded(BaseModel):
    """The receipt of money that came in."""

    payment_id: Ours = Field(examples=["8f14e45fceea167a5a36dedd4bea2543"])
    order_id: OrderId
    paid: Money = Field(description="All that came in for the order.")
    message: Ours = Field(examples=["$20.00 came in for order O1001."])


class OrderList(BaseModel):
    """One page of orders, the newest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    orders: list[Order]


class OrderNumber(BaseModel):
    """An order, as the desk itself names it: nothing of it was written by anybody."""

    id: OrderId
    status: Status
    total: Money
    created_at: datetime
    named: bool = Field(description="Whether an article of it is called as the words say.")


class OrderNumbers(BaseModel):
    """A customer's orders by number, the newest first."""

    total: int = Field(description="How many there are.")
    orders: list[OrderNumber]
