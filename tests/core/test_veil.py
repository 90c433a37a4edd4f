"""Secrets that stand in texts and under names."""

from __future__ import annotations

import itertools

from deskward.core.veil import MASK, veiled


def test_a_secret_within_another_one_leaves_nothing_of_it_to_be_seen() -> None:
    for secrets in itertools.permutations(["hunter", "hunter2-long", "2-long", "x/hunter"]):
        assert veiled("key hunter2-long, x%2Fhunter", secrets) == f"key {MASK}, {MASK}"
