"""`deskward files`: a file goes in, with a reply out, and is saved again."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]

STAFF = ("--staff", "anna")


def test_a_file_goes_with_a_reply(cli: Cli, tmp_path: Path) -> None:
    invoice = tmp_path / "invoice.pdf"
    invoice.write_bytes(b"%PDF-1.7 x")
    code, out, err = cli("files", "upload", str(invoice), *STAFF)
    assert (code, err) == (0, "")
    file_id = out.split()[0]
    update = json.dumps({"reply": "Here it is.", "files": [file_id]})
    code, out, err = cli("call", "update_ticket", "ticket_id=T901", f"update={update}", *STAFF)
    assert code == 0, out + err
    _, out, _ = cli("call", "list_ticket_messages", "ticket_id=T901", "limit=100", *STAFF)
    [sent] = json.loads(out)["messages"][-1]["files"]
    target = tmp_path / "saved.pdf"
    assert cli("files", "save", sent, "--to", str(target), *STAFF)[0] == 0
    assert target.read_bytes() == b"%PDF-1.7 x"
    assert cli("files", "save", sent, "--to", str(target), *STAFF)[0] == 2
    other = ("--user", "user_002")
    code, _, err = cli("files", "save", sent, "--to", str(tmp_path / "x"), *other)
    assert code == 1
    assert sent in err
    assert json.loads(cli("files", "list", *other)[1])["files"] == []


def test_what_is_no_file_is_said(cli: Cli, tmp_path: Path) -> None:
    assert cli("files", "upload", str(tmp_path / "none.pdf"), *STAFF)[0] == 1
    program = tmp_path / "run.exe"
    program.write_bytes(b"MZ")
    code, _, err = cli("files", "upload", str(program), *STAFF)
    assert code == 1
    assert "type" in err
