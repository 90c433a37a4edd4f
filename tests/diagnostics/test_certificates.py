"""What is told of certificates, in days."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.integrations.checks.tls import _told

SEEN: dict[str, Any] = {"subject": "CN=a", "issuer": "CN=b", "trusted": False, "problem": "expired"}


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (-3, "expired 2 days ago"),
        (-2, "expired 1 day ago"),  # 24 hours and some minutes
        (-1, "expired today"),
        (0, "valid for 0 days"),
        (1, "valid for 1 day"),
        (90, "valid for 90 days"),
    ],
)
def test_days_are_whole_days_that_have_passed(left: int, told: str) -> None:
    assert told in _told({**SEEN, "days_left": left})
