"""What complaints bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.complaints.demo import load
from deskward.complaints.kinds import KINDS
from deskward.complaints.models import complaint_numbers, complaints
from deskward.complaints.tools import tools
from deskward.gate.readable import Readable
from deskward.gate.slice import Slice

READABLE = (
    Readable(
        table=complaints,
        scope="complaints:read",
        columns=(
            *("number", "customer_id", "subject", "description", "category", "priority"),
            *("order_id", "status", "resolution", "created_at", "updated_at"),
        ),
        owner="customer_id",
    ),
)

SLICE = Slice(
    domain="shop",
    tools=tools,
    tables=(complaints, complaint_numbers.table),
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
    readable=READABLE,
)
