"""How long races and tests by chance go on: as long as CI has time for, or at their full length."""

import os
from typing import TypeVar

T = TypeVar("T")


def rounds(usual: T, full: T) -> T:
    """`usual`, or `full` with `make test-full`."""
    return full if os.environ.get("FULL") == "1" else usual
