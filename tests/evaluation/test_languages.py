"""Questions in twelve languages find English articles."""

from __future__ import annotations

import json

import pytest

from deskward.cli.ending import ending
from deskward.cli.main import app


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with ending():
        app(
            ["eval", "languages", *words],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    return capsys.readouterr().out


@pytest.mark.slow
def test_four_of_five_questions_find_their_article_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDINGS", "embedded")
    report = json.loads(_run(capsys, "--json"))
    assert (report["articles"], sum(report["asked"].values())) == (61, 204)
    assert report["share"] >= 0.8
    hard = ("de", "es", "ja", "ar")
    assert sum(report["first"][each] for each in hard) >= 0.8 * 17 * len(hard)


def test_the_faster_model_is_measured_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDINGS", "fast")
    out = _run(capsys)
    assert "use-multilingual-3: of 61 articles" in out
    assert "ja " in out


def test_without_vectors_there_is_nothing_to_measure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDINGS", "off")
    with pytest.raises(SystemExit, match="no vectors"):
        _run(capsys)
