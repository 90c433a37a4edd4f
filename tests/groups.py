"""Tests of one `xdist_group` run in one process, one after another, and share its servers.

pytest-xdist 3.8 tells a test's group by the end of its id, which it sets in a place where pytest
9.2 does not look for it any more: without this, each process starts every server of its own.
"""

from __future__ import annotations

import zlib

import pytest
from _pytest.nodeid import NodeId

CHAINS = {"postgresql": 2}
"""Groups that are too long for one process → how many chains they are, by their files."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say in the ids which group a test is of, as the scheduler reads them; slow tests go first.

    A long one that began last would leave the other processes with nothing to do.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    items.sort(key=_urgency, reverse=True)
    for item in items:
        group = group_of(item)
        if group and not item.nodeid.endswith(f"@{group}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group}")


def _urgency(item: pytest.Item) -> float:
    """How long a test may take, if it is slow."""
    if item.get_closest_marker("slow") is None:
        return 0.0
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit is not None else 1.0


def group_of(item: pytest.Item) -> str:
    """The group of a test; empty where it has none."""
    names = {str(mark.args[0]) for mark in item.iter_markers("xdist_group")}
    chain = zlib.crc32(str(item.path).encode())
    parts = (f"{n}-{chain % CHAINS[n]}" if n in CHAINS else n for n in sorted(names))
    return "_".join(parts)
