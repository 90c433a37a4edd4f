"""What orders bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.orders.demo import load
from deskward.orders.kinds import KINDS
from deskward.orders.models import order_lines, order_numbers, orders, payments, refunds
from deskward.orders.payouts import JOB, RECORD, Payouts
from deskward.orders.tools import tools

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
)
