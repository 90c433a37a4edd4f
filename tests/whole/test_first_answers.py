"""From a folder of documents to a cited answer, by commands alone, with no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
QUESTION = "How do I reset the router?"


def _run(folder: Path, *words: object) -> str:
    variables = {
        "DATA_DIR": str(folder / "data"),
        "EMBEDDINGS": "off",
        "LOG_TO_FILE": "false",
        "MODEL": "offline",
    }
    done = subprocess.run(
        [sys.executable, "-m", "deskward", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_folder_is_searched_and_the_agent_answers_from_it_as_it_now_is(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    page = docs / "router.md"
    page.write_text(
        "# Reset the router\n\nTo reset the router, hold the key ten seconds.\n", encoding="utf-8"
    )
    (docs / "hidden.md").write_text(
        "---\naudience: staff\n---\n# Reset the router\n\nReset the router by the word zibeline.\n",
        encoding="utf-8",
    )
    _run(tmp_path, "kb", "add", docs, "--audience", "customer")
    assert "ten seconds" in _run(tmp_path, "kb", "search", QUESTION)
    told = _run(tmp_path, "chat", "--demo", "--once", QUESTION)
    assert "hold the key ten seconds" in told
    assert "Source: “Reset the router” (" in told
    assert "zibeline" not in told
    page.write_text(
        "# Reset the router\n\nTo reset the router, hold the key ninety seconds.\n",
        encoding="utf-8",
    )
    _run(tmp_path, "kb", "sync")
    told = _run(tmp_path, "chat", "--demo", "--once", QUESTION)
    assert "ninety seconds" in told
    assert "ten seconds" not in told
