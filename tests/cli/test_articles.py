"""`deskward articles`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.mark.slow
def test_a_folder_is_brought_in_and_published(cli: Cli, tmp_path: Path) -> None:
    help_ = tmp_path / "help"
    help_.mkdir()
    (help_ / "a.md").write_text("# Where do I park?\n\nIn the yard.\n", encoding="utf-8")
    (help_ / "b.csv").write_text("question,answer\nNo answer,\n", encoding="utf-8-sig")
    code, out, _ = cli("articles", "import", str(help_), "--dry-run")
    assert code == 1
    assert "nothing was done yet" in out
    code, out, _ = cli("articles", "import", str(help_))
    assert code == 1
    assert "a.md:1: created where-do-i-park" in out
    assert "b.csv:2: refused" in out
    assert "1 created, 0 changed, 0 unchanged, 1 refused" in out
    code, out, _ = cli("articles", "list", "--status", "draft", "--json")
    assert [one["id"] for one in json.loads(out)] == ["where-do-i-park"]
    assert cli("articles", "publish", "where-do-i-park")[0] == 0
    code, out, _ = cli("articles", "show", "where-do-i-park")
    assert code == 0
    assert "In the yard." in out
    assert "published" in out
    code, out, _ = cli("articles", "unpublish", "where-do-i-park")
    assert code == 0
    assert "No customer sees" in out
    code, _, err = cli("articles", "show", "nothing")
    assert code == 1
    assert err.count("\n") <= 1
