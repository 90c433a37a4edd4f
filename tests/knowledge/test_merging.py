"""Ranks by words and by meaning, merged."""

from __future__ import annotations

from deskward.integrations.search.merging import merged

WORDS = [("stray", "d1", 7.0), ("right", "d2", 3.0)]
MEANING = [("right", "d2", 0.6), *((f"p{n}", "d3", 0.5) for n in range(40)), ("stray", "d1", 0.1)]


def test_a_word_of_a_question_in_another_language_does_not_decide() -> None:
    shares = {"stray": 0.1, "right": 0.05}
    (first, *_) = merged(WORDS, MEANING, shares, 50)
    assert first.passage_id == "right"
    assert first.parts["share"] == 0.05
    only = merged(WORDS[:1], MEANING[:1], shares, 50)
    assert [hit.passage_id for hit in only] == ["right", "stray"]


def test_what_has_all_of_the_words_counts_as_much_as_what_is_nearest() -> None:
    found = merged(WORDS[:1], MEANING[:1], {"stray": 1.0, "right": 0.0}, 50)
    assert [hit.passage_id for hit in found] == ["stray", "right"]
    assert found[0].score == found[1].score


def test_without_meaning_the_order_is_that_of_the_words() -> None:
    found = merged(WORDS, [], {"stray": 0.2, "right": 0.9}, 50)
    assert [hit.passage_id for hit in found] == ["stray", "right"]
    assert [hit.passage_id for hit in merged(WORDS, [], {"stray": 0.2, "right": 0.9}, 1)] == [
        "stray"
    ]


def test_without_words_nothing_is_said_of_shares() -> None:
    (hit,) = merged([], MEANING[:1], {}, 50)
    assert hit.parts == {"meaning": 0.6, "meaning_rank": 1}
