"""The desks that are measured share what is dear to load."""

from __future__ import annotations

import pytest

from tests.kept_models import keep_models


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_models(monkeypatch)
