"""`deskward hub`: naming servers, looking how they are, accepting tools and calling them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.services.mcp_file import Running, running

HEADER = ("--header", "Authorization=Bearer ${CRM_KEY}")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mcp.json"
    monkeypatch.setenv("MCP_SERVERS_FILE", str(path))
    return path


@pytest.fixture(scope="module")
def crm() -> Iterator[Running]:
    with running("http") as (server,):
        yield server


def test_a_server_is_named_and_taken_out(cli: Cli, file: Path) -> None:
    assert cli("hub", "add", "crm", "--url", "https://crm.example/mcp", *HEADER)[0] == 0
    files = ("--env", "ROOT=/srv", "--", "npx", "-y", "server-files", "/srv")
    assert cli("hub", "add", "files", *files)[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "mcpServers": {
            "crm": {
                "url": "https://crm.example/mcp",
                "headers": {"Authorization": "Bearer ${CRM_KEY}"},
            },
            "files": {
                "command": "npx",
                "args": ["-y", "server-files", "/srv"],
                "env": {"ROOT": "/srv"},
            },
        }
    }
    code, _, _err = cli("hub", "status")
    assert code == 1  # both are away, of which one lacks its variable
    _, out, _ = cli("ledger", "show", "--json")
    assert out.count("add_server") == 2
    assert "Bearer" not in out
    assert cli("hub", "remove", "files")[0] == 0
    assert list(json.loads(file.read_text(encoding="utf-8"))["mcpServers"]) == ["crm"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "crm", "--url", "https://x.example"), "already"),
        (("add", "new"), "a command or a url"),
        (("add", "new", "--url", "file:///etc/passwd"), "no address"),
        (("add", "new", "--url", "http://h", "--header", "x"), "NAME=VALUE"),
        (("add", "CRM!", "--url", "http://h"), "named like those of 'crm'"),
        (("remove", "new"), "names no server"),
    ],
)
def test_what_is_wrong_changes_nothing(
    cli: Cli, file: Path, words: tuple[str, ...], why: str
) -> None:
    file.write_text('{"mcpServers": {"crm": {"url": "http://h"}}, "theirs": 1}', encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    code, _, err = cli("hub", *words)
    assert (code, file.read_text(encoding="utf-8")) == (2, before)
    assert why in err


def test_comments_are_not_lost(cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('{"servers": {} /* mine */}', encoding="utf-8")
    code, _, err = cli("hub", "add", "a", "--url", "http://h")
    assert code == 2
    assert "change it by hand" in err
    monkeypatch.delenv("MCP_SERVERS_FILE")
    code, _, err = cli("hub", "add", "a", "--url", "http://h")
    assert code == 2
    assert "set MCP_SERVERS_FILE" in err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_from_a_server_to_a_call(cli: Cli, file: Path, crm: Running) -> None:
    assert cli("hub", "add", "crm", "--url", crm.url)[0] == 0
    code, out, _ = cli("hub", "status")
    assert code == 0
    assert "crm  available  http" in out
    assert cli("hub", "call", "crm", "who", "--staff", "anna")[0] == 3  # a colleague has to approve
    (tool,) = [t for t in json.loads(cli("hub", "tools", "--json")[1]) if t["name"] == "who"]
    assert "says that it only reads" in cli("hub", "tools", "crm")[1]
    assert cli("hub", "accept", "crm", "who", tool["offered"][:16], "--reads")[0] == 0
    code, out, _ = cli("hub", "call", "crm", "who", "--staff", "anna")
    assert (code, json.loads(out)["name"]) == (0, "many")
    code, out, _ = cli("hub", "call", "crm", "get-user.info", "user_id=u", "--staff", "anna")
    assert code == 3
    assert cli("hub", "remove", "crm")[0] == 0
    assert json.loads(cli("hub", "tools", "--json")[1]) == []


def test_how_the_desk_signs_in_stands_in_the_file(cli: Cli, file: Path) -> None:
    who = ("--issuer", "https://login.example", "--client-id", "desk")
    words = ("hub", "add", "crm", "--url", "https://crm.example/mcp", *who)
    assert "clientSecret" in cli(*words)[2]
    assert cli(*words, "--client-secret", "${CRM_SECRET}", "--ca", "/etc/ca.pem")[0] == 0
    assert json.loads(file.read_text(encoding="utf-8"))["mcpServers"]["crm"]["deskward"] == {
        "oauth": {
            "issuer": "https://login.example",
            "clientId": "desk",
            "clientSecret": "${CRM_SECRET}",
        },
        "tls": {"ca": "/etc/ca.pem"},
    }


@pytest.mark.slow
def test_what_was_cut_off_is_settled_by_asking(cli: Cli, file: Path, tmp_path: Path) -> None:
    with running("http", ACTED=str(tmp_path / "acted")) as (server,):
        assert cli("hub", "add", "shop", "--url", server.url)[0] == 0
        assert cli("hub", "status")[0] == 0
        assert cli("hub", "call", "shop", "who")[0] == 1  # it is met, and its tools are pinned
        rows = json.loads(cli("hub", "tools", "shop", "--json")[1])
        prints = {row["name"]: row["offered"] for row in rows}

        def accept(tool: str, *words: str) -> tuple[int, str, str]:
            return cli("hub", "accept", "shop", tool, prints[tool], *words)

        asked = ("--reconcile", "look_up", "--ask", "what='x'")
        shows = ("--done", "answer.times > 0", "--not-done", "error.message.contains('nothing')")
        acts = (*asked, *shows, "--after", "0", "--customers")
        assert "Accept look_up of shop" in accept("crash", *acts)[2]
        assert accept("look_up", "--reads")[0] == 0
        assert "belong together" in accept("crash", *asked)[2]
        assert "--ask has the form" in accept("crash", *shows, *asked[:2], "--ask", "what")[2]
        assert "it reads order" in accept("crash", *asked, "--done", "order.times > 0")[2]
        assert "only reads" in accept("crash", *acts, "--reads")[2]
        assert accept("crash", *acts)[0] == 0
        assert "settled by look_up" in cli("hub", "tools", "shop")[1]
        code, out, _ = cli("hub", "call", "shop", "crash", "--user", "user_001")
        assert (code, "OUTCOME_UNKNOWN" in out) == (1, True)
        (row,) = json.loads(cli("effects", "unknown", "--json")[1])
        code, out, _ = cli("effects", "reconcile")  # while it is away
        assert (code, "or its server is away" in out) == (1, True)
        server.kill()  # it is dead, and this sees to its group
        server.start()
        server.wait()
        assert cli("effects", "reconcile", "0" * 32)[0] == 1
        code, out, _ = cli("effects", "reconcile", row["effect_id"])
        assert (code, "not-done: shop__look_up has shown it" in out) == (0, True)
        assert "is known" in cli("effects", "reconcile")[1]
        assert cli("ledger", "show", "--json")[1].count("reconcile_effect") == 1
