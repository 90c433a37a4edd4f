"""What articles and documents bring to the desk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deskward.gate.rotation import Anew, Sealed
from deskward.gate.slice import Slice
from deskward.knowledge import feeding, search_tools, source_tools, syncing
from deskward.knowledge.demo import load
from deskward.knowledge.documents import TABLES, sources
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.models import article_versions, articles, faq
from deskward.knowledge.published import Earlier
from deskward.knowledge.syncing import Syncs
from deskward.knowledge.tools import tools
from deskward.knowledge.vault import Vault

assert source_tools
assert search_tools
"""They declare their tools in the same group."""


def _anew(old: bytes, new: bytes) -> Anew:
    before, after = Vault(old), Vault(new)

    def anew(row: sa.Row[Any]) -> Mapping[str, Any] | None:
        values = {}
        for name in ("secrets", "hook_secret"):
            kept = getattr(row, name)
            if kept is None:
                continue
            try:
                secret = before.opened(row.id, kept)
            except Exception:  # noqa: S112 it is under the new key already
                continue
            values[name] = after.sealed(row.id, secret)
        return values or None

    return anew


SLICE = Slice(
    tools=tools,
    tables=(articles, article_versions, faq, *TABLES),
    jobs=lambda gate: {
        syncing.JOB: gate.port(Syncs).sync,
        feeding.JOB: gate.port(Feeder).feed,
    },
    times={syncing.JOB: syncing.TIME, feeding.JOB: feeding.TIME},
    records={syncing.JOB: syncing.RECORD},
    looks=lambda gate: [
        gate.port(Syncs).look,
        Earlier(gate.database).look,
        gate.port(Feeder).look,
    ],
    sealed=(Sealed(sources, sources.c.id, _anew),),
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    policies=Path(__file__).with_name("policies"),
)
