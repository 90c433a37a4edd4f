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


def test_a_file_in_another_encoding_is_read_where_it_is_named(cli: Cli, folder: Path) -> None:
    file = folder / "fragen.csv"
    told = "question;answer\nWie öffne ich das Gerät?;Mit dem Schlüssel, der dabei ist.\n"
    file.write_bytes(told.encode("cp1252"))
    code, _, err = cli("articles", "import", str(file))
    assert code == 1
    assert f"{file}: The file is not in UTF-8. Name its encoding: --encoding" in err
    assert cli("articles", "import", str(file), "--encoding", "windows-1252")[0] == 0
    code, out, _ = cli("articles", "show", "wie-öffne-ich-das-gerät")
    assert "Mit dem Schlüssel, der dabei ist." in out
    assert "draft  de" in out


def test_front_matter_that_is_no_yaml_is_told_in_plain_words(cli: Cli, folder: Path) -> None:
    file = folder / "odd.md"
    file.write_text("---\nid: odd\ntitle: [unclosed\n---\nText.\n", encoding="utf-8")
    code, out, _ = cli("articles", "import", str(file))
    assert code == 1
    assert "is no YAML, in line 3. Write `name: value` in each line" in out
