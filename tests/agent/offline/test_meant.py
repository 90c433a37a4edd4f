"""What was once taken for something else."""

from __future__ import annotations

import pytest

from tests.agent.talk import Talk


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("I want a refund for order O1004", "hand_over"),
        ("can you refund my order", "hand_over"),
        ("I want my money back for O1001", "hand_over"),
        ("do you ship to Canada?", "hand_over"),  # the demo's articles do not say
        ("how do refunds work", None),  # an article answers it
        ("show my complaints", "search_complaints"),
        ("my email address is wrong", "hand_over"),
        ("my phone number has changed", "hand_over"),
        ("I will sue you", "hand_over"),
        ("cancel order O1003", "update_order_status"),
        ("complaint C1001", "get_complaint"),
    ],
)
async def test_it_is_taken_for_what_it_is(talk: Talk, said: str, tool: str | None) -> None:
    answer = await talk.say(said)
    assert talk.tools == ([tool] if tool else []), answer


async def test_a_wrong_address_is_still_the_postal_one(talk: Talk) -> None:
    assert "new address" in await talk.say("my address is wrong")
