"""What orders bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.readable import Readable, Through
from deskward.gate.slice import Slice
from deskward.orders.demo import load
from deskward.orders.kinds import KINDS
from deskward.orders.models import order_lines, order_numbers, orders, payments, refunds
from deskward.orders.payouts import JOB, RECORD, Payouts
from deskward.orders.tools import tools

_THEIRS = Through("order_number", orders, "number", "customer_id")
READABLE = (
    Readable(
        table=orders,
        scope="orders:list",
        columns=(
            *("number", "customer_id", "currency", "shipping_address", "status"),
            *("created_at", "updated_at"),
        ),
        owner="customer_id",
    ),
    Readable(
        table=order_lines,
        scope="orders:list",
        columns=("order_number", "position", "sku", "description", "quantity", "unit_price"),
        owner=_THEIRS,
    ),
    Readable(
        table=refunds,
        scope="orders:list",
        columns=("id", "order_number", "amount", "reason", "status", "created_at"),
        owner=_THEIRS,
    ),
    Readable(
        table=payments,
        scope="orders:list",
        columns=("id", "order_number", "amount", "created_at"),
        owner=_THEIRS,
    ),
)

SLICE = Slice(
    domain="shop",
    tools=tools,
    tables=(orders, order_lines, refunds, payments, order_numbers.table),
    jobs=lambda gate: {JOB: gate.port(Payouts).pay},
    records={JOB: RECORD},
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
    readable=READABLE,
)
