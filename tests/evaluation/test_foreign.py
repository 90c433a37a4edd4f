"""A desk answers questions in other languages from English articles."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from deskward.cli.ending import ending
from deskward.cli.main import app
from deskward.evaluation.foreign import Asked, ForeignReport, content

LANGUAGES = ("de", "es", "ja", "ar")


def test_there_are_fifty_questions_in_each_language() -> None:
    known = content()
    asked = Counter(language for said in known["questions"].values() for language in said)
    assert asked == dict.fromkeys(LANGUAGES, 50)
    assert len(known["articles"]) >= 100
    assert known["questions"].keys() <= known["articles"].keys()
    texts = [text for said in known["questions"].values() for text in said.values()]
    texts += [text for said in known["unanswered"].values() for text in said]
    assert len(set(texts)) == 240


def test_figures_are_counted_by_language() -> None:
    def asked(language: str, found: tuple[str, ...], cited: tuple[str, ...]) -> Asked:
        return Asked(language, "?", "a", found, cited)

    three = (
        asked("de", ("a", "b"), ("a",)),
        asked("de", ("b", "a"), ("b", "a")),
        asked("ja", (), ()),
    )
    report = ForeignReport(articles=2, asked=three, unanswerable=1, refused=1)
    assert report.languages == ("de", "ja")
    assert report.of("de") == {
        "asked": 2,
        "first": 0.5,
        "among_five": 1.0,
        "answered_from_it": 0.5,
        "left_unanswered": 0.0,
    }
    assert report.of(None)["left_unanswered"] == pytest.approx(1 / 3)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_four_of_five_questions_find_their_article_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMBEDDINGS", raising=False)
    with ending():
        app(
            ["eval", "retrieval", "--json"],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    report = json.loads(capsys.readouterr().out)
    assert report["all"]["asked"] == 200
    assert report["all"]["first"] >= 0.8
    assert report["all"]["answered_from_it"] >= 0.75
    assert report["refused"] >= 0.4 * report["unanswerable"]
