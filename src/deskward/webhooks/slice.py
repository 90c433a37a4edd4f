"""What webhooks bring to the desk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deskward.gate.rotation import Anew, Sealed
from deskward.gate.slice import Slice
from deskward.webhooks.delivery import JOB, Teller
from deskward.webhooks.models import webhooks
from deskward.webhooks.signing import Vault
from deskward.webhooks.tools import tools


def _anew(old: bytes, new: bytes) -> Anew:
    before, after = Vault(old), Vault(new)

    def anew(row: sa.Row[Any]) -> Mapping[str, Any] | None:
        try:
            secret = before.opened(row.id, row.secret)
        except Exception:  # it is under the new key already
            return None
        return {"secret": after.sealed(row.id, secret)}

    return anew


SLICE = Slice(
    tools=tools,
    tables=(webhooks,),
    jobs=lambda gate: {JOB: gate.port(Teller).deliver},
    looks=lambda gate: [gate.port(Teller).look],
    sealed=(Sealed(webhooks, webhooks.c.id, _anew),),
    policies=Path(__file__).with_name("policies"),
)
