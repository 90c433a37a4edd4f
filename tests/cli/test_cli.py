"""The command line."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.services.server import server


def test_help_teaches(cli: Cli) -> None:
    code, out, _ = cli("--help")
    assert code == 0
    for command in ("serve", "chat", "call", "tools", "mcp", "keys", "ledger"):
        assert command in out
    assert "deskward serve --demo" in out


def test_one_turn_as_json(cli: Cli) -> None:
    code, out, _ = cli(
        "chat", "--once", "What's my account balance?", "--user", "user_002", "--json"
    )
    answer = json.loads(out)
    assert code == 0
    assert answer["message"] == "Your current account balance is $1,280.75."
    assert (answer["user_id"], answer["model"], answer["message_count"]) == (
        "user_002",
        "offline",
        2,
    )
    assert [event["type"] for event in answer["events"]] == ["tool_call", "tool_result"]


def test_one_turn_as_text_shows_the_tools(cli: Cli) -> None:
    _, out, _ = cli("chat", "--once", "What's my account balance?")
    assert "→ get_account_balance()" in out
    assert out.rstrip().endswith("Your current account balance is $5,420.50.")


def test_a_session_goes_on(cli: Cli) -> None:
    cli("chat", "--once", "I want to change my password", "--session", "s")
    _, out, _ = cli("chat", "--once", "sunshine-and-rain-7", "--session", "s", "--json")
    assert json.loads(out)["message"] == "Your password has been changed successfully."


def test_a_conversation_with_switch_and_reset(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(
        [
            "What's my account balance?",
            "user user_002",
            "What's my account balance?",
            "",
            "reset",
            "what is user_001's balance",
            "user nobody",
            "quit",
        ]
    )
    monkeypatch.setattr("builtins.input", lambda _prompt: next(lines))
    code, out, _ = cli("chat")
    assert code == 0
    assert "$5,420.50" in out
    assert "✓ Switched to user: user_002" in out
    assert "$1,280.75" in out
    assert "✓ Conversation reset" in out
    assert "← FORBIDDEN" in out
    assert "✗ There is no customer 'nobody'" in out
    assert out.rstrip().endswith("Goodbye.")


def test_the_end_of_input_ends_the_conversation(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nothing)
    assert cli("chat")[0] == 0


def test_a_call_prints_its_answer(cli: Cli) -> None:
    code, out, _ = cli("call", "get_account_balance")
    assert code == 0
    assert json.loads(out)["balance"]["amount"] == 542050
    code, out, _ = cli("call", "get_transaction_history", "limit=1")
    assert len(json.loads(out)["transactions"]) == 1


def test_a_refused_call_prints_the_error_and_fails(cli: Cli) -> None:
    code, out, _ = cli("call", "get_account_balance", "user_id=user_002")
    assert code == 1
    assert json.loads(out)["error"]["code"] == "FORBIDDEN"
    code, out, _ = cli("call", "nothing")
    assert (code, json.loads(out)["error"]["code"]) == (1, "UNKNOWN_TOOL")


def test_staff_call_with_json_arguments_and_keys(cli: Cli) -> None:
    cli("call", "create_ticket", "subject=A", "body=B=C")
    change = ("call", "update_ticket", "ticket_id=T1001", 'update={"status":"resolved"}')
    code, out, _ = cli(*change, "--staff", "anna", "--idempotency-key", "k")
    assert (code, json.loads(out)["ticket"]["revision"]) == (0, 2)
    _, out, _ = cli(*change, "--staff", "anna", "--idempotency-key", "k")
    assert json.loads(out)["ticket"]["revision"] == 2
    address = ("call", "update_address", "user_id=user_001", "new_address=1 New Road")
    code, out, _ = cli(*address, "--staff", "anna")
    assert (code, json.loads(out)["status"]) == (3, "pending_approval")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("call", "get_ticket", "T1001"), "name=value"),
        (("call", "get_ticket", "=T1001"), "name=value"),
        (("call", "get_ticket", "--user", "a", "--staff", "b"), "not both"),
        (
            ("keys", "create", "--kind", "staff", "--subject", "a", "--expires", "soon"),
            "no lifetime",
        ),
        (("ledger", "show", "--last", "0"), "--last"),
        (("ledger", "show", "--last", f"{2**63}"), "--last"),
        (("jobs", "list", "--last", "-1"), "--last"),
        (("jobs", "list", "--last", f"{2**63}"), "--last"),
        (("call",), "tool"),
        (("chat", "--demo", "--url", "http://127.0.0.1:9"), "--demo is for a desk on this"),
        (("handle",), "name a ticket"),
        (("mcp", "chess"), "no group 'chess'"),
        (("nonsense",), "nonsense"),
        (("replay", "s", "--answer", "x"), "TOOL={"),
        (("tools", "--colour"), "--colour"),
    ],
)
def test_a_wrong_command_line_is_told(cli: Cli, words: tuple[str, ...], problem: str) -> None:
    code, _, err = cli(*words)
    assert code == 2
    assert problem in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("call", "get_account_balance", "--user", "nobody"), "no customer 'nobody'"),
        (("keys", "create", "--kind", "staff", "--subject", " "), "The subject of a key"),
        (
            ("keys", "create", "--kind", "staff", "--subject", "a", "--tenant", ""),
            "The tenant of a key",
        ),
        (
            ("keys", "create", "--kind", "service", "--subject", "a", "--expires", "99999y"),
            "before the year 10000",
        ),
        (("chat", "--once", "hi", "--user", "nobody"), "no customer 'nobody'"),
        (("chat", "--once", " "), "message is empty"),
        (("chat", "--once", "hi", "--url", "http://127.0.0.1:9"), "did not answer"),
        (
            ("keys", "create", "--kind", "staff", "--subject", "a", "--role", "king"),
            "no role 'king'",
        ),
        (("keys", "revoke", "00000000"), "no API key '00000000'"),
    ],
)
def test_mistakes_are_told_in_one_line(cli: Cli, words: tuple[str, ...], problem: str) -> None:
    code, _, err = cli(*words)
    assert code == 1
    assert problem in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("SERVER_PORT", "http", "SERVER_PORT"),
        ("DATABASE_URL", "mysql://x/y", "SQLite or PostgreSQL"),
        ("SECRET_KEY", "short", "32 characters"),
        ("MODEL", "chatgpt", "MODEL"),
    ],
)
def test_a_wrong_setting_is_named(
    cli: Cli, monkeypatch, variable: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(variable, value)
    code, _, err = cli("tools")
    assert code == 1
    assert problem in err
    assert "Traceback" not in err


def test_tools_are_listed_for_the_caller(cli: Cli) -> None:
    _, out, _ = cli("tools")
    assert "get_account_balance" in out
    assert "update_ticket" not in out
    _, out, _ = cli("tools", "--staff", "anna", "--json")
    tools = {tool["name"]: tool for tool in json.loads(out)}
    assert tools["update_ticket"]["rest"] == "PATCH /tickets/{ticket_id}"
    assert "user_id" in tools["get_account_balance"]["input_schema"]["properties"]


def test_keys_are_made_listed_rotated_and_revoked(cli: Cli) -> None:
    cli("staff", "add", "anna")
    _, key, note = cli(
        "keys",
        "create",
        "--kind",
        "staff",
        "--subject",
        "anna",
        "--name",
        "till",
        "--expires",
        "90d",
    )
    assert key.startswith("dw_")
    assert "not shown again" in note
    prefix = key[3:11]
    _, out, _ = cli("keys", "list")
    assert prefix in out
    assert key.strip() not in out
    _, new, _ = cli("keys", "rotate", prefix)
    assert new[3:11] != prefix
    assert "revoked" in cli("keys", "revoke", new[3:11])[1]
    code, _, err = cli("keys", "rotate", prefix)
    assert (code, "revoked" in err) == (1, True)


def test_the_ledger_is_verified(cli: Cli, folder: Path) -> None:
    cli("call", "get_account_balance")
    code, out, _ = cli("ledger", "verify")
    assert (code, "The ledger is sound." in out) == (0, True)
    import sqlite3

    with sqlite3.connect(folder / "deskward.db") as file:
        file.execute("UPDATE ledger SET body = replace(body, '\"ok\"', '\"no\"')")
    code, out, _ = cli("ledger", "verify")
    assert (code, "BROKEN default row 1" in out) == (1, True)
    _, out, _ = cli("ledger", "verify", "--json")
    assert json.loads(out)["sound"] is False


def test_open_mode_does_not_leave_this_machine(cli: Cli) -> None:
    code, _, err = cli("serve", "--host", "0.0.0.0", "--port", "0")
    assert code == 1
    assert "deskward keys create" in err


def test_help_is_quick_to_import() -> None:
    """Heavy packages are imported by the commands that need them."""
    code = (
        "import sys, deskward.cli.main;"
        "heavy = {'fastapi', 'sqlalchemy', 'mcp', 'cedarpy', 'openai', 'anthropic', 'numpy'};"
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
async def test_a_conversation_with_a_running_desk(tmp_path: Path) -> None:
    """In a process of its own, because a command has an event loop of its own."""

    async def chat(url: str, *words: str, lines: str = "") -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deskward", "chat", "--url", url, *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )
        shown, _ = await process.communicate(lines.encode())
        assert process.returncode is not None
        return process.returncode, shown.decode()

    async with server(tmp_path / "data") as (url, _pid):
        code, shown = await chat(url, "--once", "What's my account balance?", "--json")
        assert (code, json.loads(shown)["message"]) == (
            0,
            "Your current account balance is $5,420.50.",
        )
        assert json.loads(shown)["model"] == "offline"
        lines = "user user_002\nWhat's my account balance?\nuser nobody\nreset\nquit\n"
        code, shown = await chat(url, "--tenant", "default", lines=lines)
        assert code == 0
        assert "✓ Switched to user: user_002" in shown
        assert "$1,280.75" in shown
        assert "✗ There is no customer 'nobody'" in shown
        code, shown = await chat(url, "--once", "x" * 10_001)
        assert (code, "Traceback" in shown) == (1, False)
        code, shown = await chat(url, "--once", "hello", "--key", "dw_00000000_x")
        assert (code, "API key is not valid" in shown) == (1, True)


def test_whoever_has_no_name_is_known_by_their_number(cli: Cli, monkeypatch) -> None:
    def unknown(_: int) -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert cli("handle", "T901")[0] == 0
    _, out, _ = cli("ledger", "show", "--tool", "handle_ticket", "--json")
    assert json.loads(out)["by"] == f"cli:uid-{os.getuid()} (system user)"


def test_no_key_is_made_for_staff_whom_nobody_admitted(cli: Cli) -> None:
    made = ("keys", "create", "--kind", "staff", "--subject", "nora")
    code, out, err = cli(*made)
    assert (code, out) == (1, "")
    assert "`deskward staff add nora`" in err
    assert "nora" not in cli("keys", "members")[1]
    assert "Admit" not in cli("staff", "add", "Nora")[1]
    assert cli(*made)[0] == 0
    assert "nora of tenant default" in cli("staff", "list")[1]
    assert cli("keys", "create", "--kind", "service", "--subject", "website")[0] == 0
