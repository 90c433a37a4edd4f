"""`deskward kb`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.mark.slow
def test_a_folder_is_added_read_and_kept_in_step(cli: Cli, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Parking\n\nIn the yard.\n", encoding="utf-8")
    (docs / "b.md").write_bytes(b"caf\xe9")
    code, out, err = cli("kb", "add", str(docs))
    assert code == 0, err
    assert "1 documents, 1 passages, 1 could not be read; ready" in out
    assert "b.md: it is not valid UTF-8: byte 4 is 0xe9. Save it as UTF-8" in out
    code, out, _ = cli("kb", "audit")
    assert code == 1
    assert "docs: b.md: could not be read: it is not valid UTF-8" in out
    (docs / "b.md").write_text("# Coffee\n\nIn the kitchen.\n", encoding="utf-8")
    code, out, _ = cli("kb", "add", str(docs), "--audience", "customer")
    assert code == 0
    code, out, _ = cli("kb", "sync", "docs", "--json")
    (source,) = json.loads(out)["sources"]
    assert (source["ready"], source["failed"]) == (2, 0)
    assert source["settings"]["audience"] == "customer"
    assert cli("kb", "audit")[:2] == (0, "All is well.\n")
    code, out, _ = cli("kb", "export", str(tmp_path / "all.jsonl"))
    assert code == 0
    lines = [json.loads(one) for one in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    mine = {one["path"]: one for one in lines if one["source_id"] == source["source_id"]}
    assert mine["b.md"]["parts"][0]["text"] == "In the kitchen."
    code, out, _ = cli("kb", "status")
    assert "docs: folder" in out
    code, out, _ = cli("kb", "hook", "docs")
    assert f"POST /hooks/knowledge/{source['source_id']}" in out
    code, out, _ = cli("kb", "remove", "docs")
    assert "Documents forgotten: 2." in out
    docs.rename(tmp_path / "gone")


def test_what_cannot_be_added_is_told_in_words(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("kb", "add", str(tmp_path / "nowhere"))
    assert code == 2
    assert "there is no folder" in err
    code, _, err = cli("kb", "sync")
    assert code == 2
    assert "deskward kb add ./docs" in err
    code, _, err = cli("kb", "sync", "nothing")
    assert (code, "there are: none yet" in err) == (2, True)
    code, _, err = cli("kb", "add", "http://127.0.0.1/a.html")
    assert code == 1
    assert "https://" in err
    code, _, err = cli("kb", "add", str(tmp_path), "--as", "nobody")
    assert code != 0
