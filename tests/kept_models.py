"""Models of sentences that stay loaded from desk to desk: loading them is most of a test's time."""

from __future__ import annotations

from functools import cache

import pytest

from deskward.integrations.embeddings import choose
from deskward.integrations.embeddings.lazy import Lazy

_e5 = cache(choose._e5)


def keep_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all desks of the test share the models that this process has loaded."""
    monkeypatch.setattr(choose, "_e5", _e5)
    monkeypatch.setattr(Lazy, "close", lambda _: None)
