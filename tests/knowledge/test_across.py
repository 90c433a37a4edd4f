"""An article in another language answers where it stands out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deskward.knowledge.across import best_across
from deskward.knowledge.highlighting import Shown
from deskward.knowledge.passages import Hit
from deskward.knowledge.searching import Found

GERMAN = "Wie lange dauert bei Ihnen eine Überweisung?"


def found(name: str, cosine: float, others: float, language: str = "en") -> Found:
    more: dict[str, Any] = dict.fromkeys(
        ("article_id", "revision", "title", "text", "address", "product", "versions", "category"),
        "",
    )
    return Found(
        passage_id=name,
        document_id=name,
        headings=(),
        tags=(),
        language=language,
        audience="customer",
        changed_at=datetime(2026, 1, 1, tzinfo=UTC),
        hit=Hit(name, name, 1.0, {"meaning": cosine}),
        shown=Shown("", ()),
        relevance=0.1,
        near=0.1,
        others=others,
        **more,
    )


def test_what_stands_out_is_the_more_relevant_the_more_it_does() -> None:
    some, more = (
        best_across(GERMAN, [found("a", cosine, 0.1), found("b", 0.2, 0.1)])
        for cosine in (0.40, 0.45)
    )
    assert some is not None
    assert more is not None
    assert some[0].document_id == "a"
    assert 0.2 < some[1] < more[1] <= 0.5


@pytest.mark.parametrize(
    ("question", "language", "cosines", "others"),
    [
        ("How long does a transfer take?", "en", (0.5, 0.2), 0.1),  # words agree or do not
        (GERMAN, "de", (0.5, 0.2), 0.1),
        (GERMAN, "en", (0.5, 0.49), 0.35),  # as near as the next, and little nearer than all
        (GERMAN, "en", (0.3, 0.2), 0.1),
    ],
)
def test_what_does_not_stand_out_is_no_answer(
    question: str, language: str, cosines: tuple[float, float], others: float
) -> None:
    one, two = (found(n, c, others, language) for n, c in zip("ab", cosines, strict=True))
    assert best_across(question, [one, two]) is None


def test_without_meaning_nothing_is_known() -> None:
    assert best_across(GERMAN, []) is None
