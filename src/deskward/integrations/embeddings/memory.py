"""Memory that was freed, given back to the system: glibc keeps 100 MB of a model otherwise."""

from __future__ import annotations

import contextlib
import ctypes


def give_back() -> None:
    """Give back what is free; with another C library than glibc, do nothing."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
