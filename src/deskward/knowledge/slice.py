"""What articles and documents bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.readable import Readable
from deskward.gate.rotation import Sealed
from deskward.gate.sealing import sealed_anew
from deskward.gate.slice import Slice
from deskward.knowledge import (
    auditing_tools,
    feeding,
    impact_tools,
    reading_tools,
    search_tools,
    source_tools,
    syncing,
    validating_tools,
)
from deskward.knowledge.asked import Forgets, searches
from deskward.knowledge.demo import load
from deskward.knowledge.documents import TABLES, sources
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.models import article_sources, article_versions, articles, faq
from deskward.knowledge.outcomes import outcomes
from deskward.knowledge.published import Earlier
from deskward.knowledge.syncing import Syncs
from deskward.knowledge.tools import tools
from deskward.knowledge.weighing import Weighing

assert source_tools
assert search_tools
assert reading_tools
assert validating_tools
assert auditing_tools
assert impact_tools
"""They declare their tools in the same group."""


READABLE = (
    Readable(
        table=faq,
        scope="knowledge:read",
        columns=("id", "question", "answer", "keywords", "language", "version"),
        owner=None,
    ),
    Readable(
        table=article_versions,
        scope="articles:read",
        columns=("article_id", "version", "question", "answer", "language", "author", "created_at"),
        owner=None,
    ),
)

SLICE = Slice(
    tools=tools,
    tables=(articles, article_versions, article_sources, faq, *TABLES, searches, outcomes),
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
        Forgets(gate.database, gate.port(Weighing).unused).look,
    ],
    sealed=(Sealed(sources, sources.c.id, sealed_anew("knowledge", "secrets", "hook_secret")),),
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    policies=Path(__file__).with_name("policies"),
    readable=READABLE,
)
