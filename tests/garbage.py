"""Garbage is looked for when the tests run, and only in what they make.

What is collected stays until the end: some hundred thousand objects, which Python would look
through a dozen times while they are made, and again and again while the tests run.
"""

from __future__ import annotations

import gc

import pytest

from deskward.entrypoints.server import GARBAGE

gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Begin to look, as a server does when it is ready."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()
