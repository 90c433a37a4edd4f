"""Statements are compiled once in a process of tests, and not anew for each desk that it opens.

SQLAlchemy keeps what it has compiled with an engine. A desk in use has one for as long as it runs;
thousands of tests have one each, and compiling was nearly half of their time.
"""

from __future__ import annotations

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.util import LRUCache

_compiled: LRUCache[object, object] = LRUCache(5000)


def share_compiled() -> None:
    """Have all engines of this process know what one of them has compiled."""
    patch = pytest.MonkeyPatch()
    kept = property(lambda _: _compiled, lambda _, own: None)
    patch.setattr(Engine, "_compiled_cache", kept, raising=False)
    for kind in (SQLiteDialect_pysqlite, PGDialect_asyncpg):
        # All dialects of a kind count as the same: those of our engines differ in nothing.
        patch.setattr(kind, "__eq__", _alike)
        patch.setattr(kind, "__hash__", lambda one: hash(type(one)))


def _alike(one: Dialect, other: object) -> bool:
    return type(one) is type(other)
