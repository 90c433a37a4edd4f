"""`deskward kb search` and `deskward kb eval`, as a person at the machine runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def _run(folder: Path, *words: object, code: int = 0) -> Any:
    variables = {"DATA_DIR": str(folder / "data"), "EMBEDDINGS": "off", "LOG_TO_FILE": "false"}
    done = subprocess.run(
        [sys.executable, "-m", "deskward", "kb", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **variables},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_what_was_added_is_found_at_once_and_what_is_edited_anew(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "reset.md").write_text(
        "# Resetting\n\nHold the power button for ten seconds.\n", "utf-8"
    )
    (docs / "secret.md").write_text(
        "---\naudience: staff\n---\n# Power\n\nHold the zibeline.\n", "utf-8"
    )
    _run(tmp_path, "add", docs, "--audience", "customer")
    asked = ("search", "how long do I hold the power button", "--audience", "customer")
    text = _run(tmp_path, *asked)
    assert "ten seconds" in text
    assert "zibeline" not in text
    (docs / "reset.md").write_text(
        "# Resetting\n\nHold the power button for ninety seconds.\n", "utf-8"
    )
    _run(tmp_path, "sync")
    found = json.loads(_run(tmp_path, *asked, "--json"))
    assert "ninety" in found["results"][0]["text"]
    assert "ten seconds" not in str(found["results"])
    assert "Nothing" in _run(tmp_path, "search", "unicorns of naples", code=1)


def test_a_search_is_measured_on_judged_questions(tmp_path: Path) -> None:
    corpus = [
        {"_id": "d1", "title": "Transfers", "text": "A transfer takes one day."},
        {"_id": "d2", "title": "", "text": "Cards are replaced for free."},
        {"_id": "d3", "title": "", "text": "A card costs ten euros when it is lost."},
    ]
    lines = "\n".join(map(json.dumps, corpus))
    (tmp_path / "corpus.jsonl").write_text(lines, "utf-8")
    (tmp_path / "queries.tsv").write_text(
        "1\thow long do transfers take\n2\tlost card\n3\tx\n", "utf-8"
    )
    (tmp_path / "qrels").write_text("1 0 d1 1\n2 0 d3 1\n2 0 d2 0\n", "utf-8")
    words = ("eval", "queries.tsv", "qrels", "--corpus", "corpus.jsonl", "--json")
    report = json.loads(_run(tmp_path, *words))
    assert (report["index"], report["questions"]) == ("embedded", 2)
    (name,) = report["settings"]
    measured = report["settings"][name]
    assert (measured["ndcg@10"], measured["map"], measured["recall@100"]) == (1, 1, 1)


def test_sets_that_ship_are_measured_without_files(tmp_path: Path) -> None:
    report = json.loads(_run(tmp_path, "eval", "--shipped", "foreign", "--json"))
    assert (report["index"], report["questions"]) == ("embedded", 200)
    # By words alone, questions in other languages find hardly anything.
    assert report["settings"]["words"]["ndcg@10"] < 0.2
    _run(tmp_path, "eval", "--shipped", "foreign", "queries.tsv", code=1)
    _run(tmp_path, "eval", code=1)
