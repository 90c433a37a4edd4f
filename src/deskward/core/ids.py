"""Ids that nobody can guess."""

from __future__ import annotations

import os

_AT_ONCE = 256
"""Ids for which randomness is taken at once: asking the system costs more than an id."""
_ready: list[str] = []


def new_id() -> str:
    """Return a random id of 32 hexadecimal digits (128 bits of the system's randomness)."""
    try:
        return _ready.pop()
    except IndexError:
        digits = os.urandom(16 * _AT_ONCE).hex()
        _ready.extend(digits[at : at + 32] for at in range(0, len(digits), 32))
        return _ready.pop()


# A copy of the process must not give out the same ones.
os.register_at_fork(after_in_child=_ready.clear)
