"""What customers bring to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.customers.demo import load
from deskward.customers.erasure import SCRUB, TRACES, search
from deskward.customers.interaction_tools import tools
from deskward.customers.interactions import interactions
from deskward.customers.kinds import KINDS
from deskward.customers.models import (
    addresses,
    customer_numbers,
    customers,
    external_ids,
    merged,
)
from deskward.customers.tools import scrub
from deskward.gate.readable import Readable
from deskward.gate.slice import Slice

READABLE = (
    Readable(
        table=customers,
        scope="customers:list",
        columns=(
            *("id", "name", "email", "phone", "address", "tier", "language", "time_zone", "tags"),
            *("created_at", "updated_at"),
        ),
        owner="id",
    ),
    Readable(
        table=interactions,
        scope="interactions:read",
        columns=("id", "customer_id", "channel", "summary", "occurred_at", "saved_by", "saved_at"),
        owner="customer_id",
    ),
)

SLICE = Slice(
    tools=tools,
    claims=Path(__file__).with_name("claims.yaml"),
    tables=(customers, addresses, external_ids, merged, customer_numbers.table, interactions),
    jobs=lambda gate: {
        TRACES: partial(search, gate.database, gate.ledger.keys),
        SCRUB: partial(scrub, gate.database),
    },
    demo=load,
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
    readable=READABLE,
)
