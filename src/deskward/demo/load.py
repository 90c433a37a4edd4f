"""Puts the demo desk into an empty database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from deskward.core.database import Database
from deskward.customers.models import customers
from deskward.gate.slice import Slice
from deskward.security.tenants import ensure

DESK = Path(__file__).parent / "desk.yaml"


async def load_demo(database: Database, slices: Iterable[Slice]) -> bool:
    """Load the demo desk; False, and nothing done, where there are customers already."""
    desk: dict[str, Any] = yaml.load(DESK.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    async with database.transaction() as transaction:
        if await transaction.first(sa.select(customers.c.id).limit(1)) is not None:
            return False
        for tenant, content in desk["tenants"].items():
            await ensure(transaction, tenant)
            for part in slices:
                if part.demo is not None:
                    await part.demo(transaction, tenant, {**content, "faq": desk["faq"]})
    return True
