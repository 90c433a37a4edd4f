"""`deskward mail boxes`: what operators declare, and that no secret is ever shown."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]

SECRET = "a-secret-nobody-sees"
BOX = ("--server", "127.0.0.1", "--port", "1", "--username", "help@acme.example")


def listed(cli: Cli, *words: str) -> list[dict[str, Any]]:
    code, out, _ = cli("mail", "boxes", "list", "--json", *words)
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_boxes_are_declared_changed_listed_and_removed(cli: Cli, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    add = ("mail", "boxes", "add", "help", *BOX)
    code, out, err = cli(*add, "--password", "ask", "--tenant", "acme")
    assert (code, err) == (0, "")
    assert SECRET not in out
    assert cli(*add, "--password", "env:X")[0] == 1  # the same folder, for another tenant
    code, _, err = cli("mail", "boxes", "add", "more", *BOX[:-1], "more@acme.example")
    assert code == 2
    assert "--password" in err
    assert listed(cli, "--tenant", "default") == []
    [row] = listed(cli)
    assert (row["tenant"], row["secrets"]) == ("acme", {"password": "sealed"})
    assert "acme" in cli("mail", "boxes", "list")[1]

    code, out, err = cli("mail", "fetch")
    assert code == 1
    assert "cannot be reached" in err
    assert SECRET not in out + err

    assert cli("mail", "boxes", "set", "help", "--tenant", "acme", "--folder", "Desk")[0] == 0
    assert listed(cli)[0]["options"]["folder"] == "Desk"
    assert listed(cli)[0]["secrets"] == {"password": "sealed"}
    assert cli("mail", "boxes", "set", "help", "--folder", "X")[0] == 1  # of another tenant
    tokens = ("--token-url", "https://tokens.example/t", "--client-id", "desk")
    change = ("mail", "boxes", "set", "help", "--tenant", "acme")
    assert cli(*change, *tokens)[0] == 1  # beside a password
    assert cli(*change, *tokens, "--password", "", "--client-secret", "env:S")[0] == 0
    assert listed(cli)[0]["secrets"] == {"client_secret": "env:S"}

    assert cli("mail", "boxes", "remove", "help", "--tenant", "acme")[0] == 0
    assert cli("mail", "boxes", "remove", "help", "--tenant", "acme")[0] == 1
    assert listed(cli) == []
    for tool in ("add_mail_box", "change_mail_box", "remove_mail_box"):
        shown = cli("ledger", "show", "--tenant", "acme", "--tool", tool, "--json")
        assert tool in shown[1], shown
        assert SECRET not in "".join(shown[1:])
    for file in folder.glob("deskward.db*"):
        assert SECRET.encode() not in file.read_bytes()


def test_a_secret_itself_is_refused_and_not_repeated(cli: Cli) -> None:
    for told in (SECRET, "env:", f"secret:{SECRET}"):
        code, out, err = cli("mail", "boxes", "add", "help", *BOX, "--password", told)
        assert code == 2
        assert "env:NAME" in err
        assert SECRET not in out + err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "two words", *BOX, "--password", "env:X"), "name"),
        (("add", "a", *BOX, "--password", "env:X", "--tenant", "nowhere"), "nowhere"),
        (("add", "a", "--password", "env:X"), "--server"),
        (("add", "a", *BOX, "--password", "env:X", "--ca-file", "/no/such"), "ca"),
        (("set", "a"), "say what to change"),
        (("set", "a", "--port", "993"), "a"),
    ],
)
def test_what_is_wrong_of_a_box_is_said(cli: Cli, words: tuple[str, ...], says: str) -> None:
    code, _, err = cli("mail", "boxes", *words)
    assert code in (1, 2)
    assert err.startswith("deskward: ")
    assert says in err.lower() if says == "ca" else says in err


def test_the_mailbox_of_the_settings_is_listed_and_not_declared_again(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAP_SERVER", "127.0.0.1")
    monkeypatch.setenv("IMAP_PORT", "1")
    monkeypatch.setenv("IMAP_USERNAME", "Help@acme.example")
    monkeypatch.setenv("IMAP_PASSWORD", SECRET)
    code, _, err = cli("mail", "boxes", "add", "help", *BOX, "--password", "env:X")
    assert code == 1
    assert "IMAP_SERVER" in err
    [row] = listed(cli)
    assert (row["name"], row["tenant"]) == ("(settings)", "default")
    assert SECRET not in json.dumps(row)


def test_what_is_sealed_is_sealed_anew_under_another_key(
    cli: Cli, folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert cli("mail", "boxes", "add", "help", *BOX, "--password", "ask")[0] == 0
    before = _sealed(folder)
    assert cli("keys", "rotate-secret")[0] == 0
    assert _sealed(folder) != before
    _, _, err = cli("mail", "fetch")
    assert "cannot be reached" in err  # and not that it was sealed under another key


def _sealed(folder: Path) -> bytes:
    with sqlite3.connect(folder / "deskward.db") as file:
        found: bytes = file.execute("SELECT sealed FROM mail_boxes").fetchone()[0]
        return found
