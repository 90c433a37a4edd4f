"""How commands end: quietly, or with one line; in any terminal and any locale."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from deskward.cli.ending import INTERRUPTED, Misused, ending, in_one_line
from deskward.core.errors import Unavailable
from tests.cli.conftest import Cli

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
"""The environment of a machine without any language."""


def command(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "deskward", *words],
        capture_output=True,
        env={**os.environ, "DATA_DIR": str(folder), "MODEL": "offline", **environment},
        cwd=folder,
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Unavailable("The\ndatabase is away."), "The database is away."),
        (FileNotFoundError(2, "No such file", "x.csv"), "x.csv: No such file"),
        (OSError("no place"), "no place"),
        (ValueError("odd"), "odd"),
        (ExceptionGroup("several", [ExceptionGroup("inner", [ValueError("odd")])]), "odd"),
        (
            sa.exc.DatabaseError("SELECT 1", None, Exception("disk image is malformed")),
            "the database failed: disk image is malformed",
        ),
        (KeyError("a fault of ours"), None),
    ],
)
def test_what_went_wrong_is_one_line(error: Exception, line: str | None) -> None:
    assert in_one_line(error) == line


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Misused("so not"), 2),
        (KeyboardInterrupt(), INTERRUPTED),
        (ValueError("odd"), "deskward: odd"),
    ],
)
def test_errors_become_exit_codes(error: BaseException, code: object) -> None:
    with pytest.raises(SystemExit) as end, ending():
        raise error
    assert end.value.code == code


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), ending():
        raise KeyError("x")


@pytest.mark.slow
@pytest.mark.started_anew
@pytest.mark.parametrize("words", [("tools",), ("--help",), ("config", "show"), ("ledger", "show")])
def test_who_reads_one_line_only_hears_no_complaint(folder: Path, words: tuple[str, ...]) -> None:
    """Its output goes to a pipe whose reader is gone, as after `| head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "deskward", *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            env={**os.environ, "DATA_DIR": str(folder), "MODEL": "offline"},
            cwd=folder,
        )
    finally:
        os.close(writer)
    assert done.stderr.replace(b"There are no such rows.\n", b"") == b""
    assert done.returncode == 0 or words == ("--help",)  # rich ends that by itself


@pytest.mark.slow
@pytest.mark.started_anew
def test_a_chat_ends_quietly_when_nobody_reads_any_more(folder: Path) -> None:
    reader, writer = os.pipe()
    chat = subprocess.Popen(
        [sys.executable, "-m", "deskward", "chat"],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "DATA_DIR": str(folder), "MODEL": "offline"},
        cwd=folder,
    )
    os.close(writer)
    shown = b""
    while not shown.endswith(b"You: ") and (more := os.read(reader, 1000)):
        shown += more
    os.close(reader)
    assert b"Talk to the desk" in shown
    _, said = chat.communicate(b"hi\nhello\n")
    assert (chat.returncode, said) == (0, b"")


@pytest.mark.slow
@pytest.mark.started_anew
@pytest.mark.parametrize("buffered", [{"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "1"}])
def test_a_full_disk_under_the_output_is_said(folder: Path, buffered: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "deskward", "tools"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "DATA_DIR": str(folder), **buffered},
            cwd=folder,
        )
    assert done.stderr == b"deskward: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.started_anew
def test_json_is_whole_where_the_locale_knows_no_letters(folder: Path) -> None:
    made = command(folder, "call", "create_ticket", "subject=Größe →", "body=日本語", **ASCII)
    assert (made.returncode, made.stderr) == (0, b"")
    ticket = f"ticket_id={json.loads(made.stdout)['ticket_id']}"
    done = command(folder, "call", "get_ticket", ticket, **ASCII)
    assert json.loads(done.stdout.decode("ascii"))["subject"] == "Größe →"
    domains = {"DOMAINS": "bank"}
    done = command(folder, "chat", "--once", "What is my account balance?", **ASCII, **domains)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? get_account_balance()" in done.stdout  # an arrow, elsewhere
    assert b"$5,420.50" in done.stdout


def test_a_command_line_that_is_no_text_is_refused(folder: Path) -> None:
    done = command(folder, "call", "create_ticket", os.fsdecode(b"subject=\xff"), "body=x")
    assert done.returncode == 2
    assert done.stderr == b"deskward: the command line holds bytes that are no UTF-8\n"


def test_quiet_commands_say_nothing_of_what_they_do(folder: Path) -> None:
    """Not even on a new database, whose migrations are told of otherwise."""
    done = command(folder, "keys", "list", DATA_DIR=str(folder / "new"))
    assert (done.returncode, done.stderr) == (0, b"")


def test_keys_are_shown_whole_at_eighty_columns(cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    made = {}
    cli("staff", "add", "anna-with-a-long-name")
    for name in ("the till in the shop at the corner", "x"):
        words = ("--kind", "staff", "--subject", "anna-with-a-long-name", "--name", name)
        made[cli("keys", "create", *words, "--expires", "90d")[1][3:11]] = name
    _, out, _ = cli("keys", "list")
    for prefix, name in made.items():
        assert f"{prefix}  active " in out
        assert name in out
    _, out, _ = cli("keys", "list", "--json")
    assert {row["prefix"]: row["name"] for row in json.loads(out)} == made


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "list"),
        ("tools",),
        ("hub", "tools"),
        ("approvals", "list"),
        ("policy", "versions"),
        ("config", "show"),
    ],
)
def test_every_list_is_json_where_wanted(cli: Cli, words: tuple[str, ...]) -> None:
    code, out, _ = cli(*words, "--json")
    assert code == 0
    assert isinstance(json.loads(out), list | dict)


@pytest.mark.slow
@pytest.mark.started_anew
async def test_five_commands_at_once_make_one_database(tmp_path: Path) -> None:
    async def start(*words: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deskward", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "DATA_DIR": str(tmp_path / "new"), "MODEL": "offline"},
            cwd=tmp_path,
        )
        shown, _ = await process.communicate()
        return process.returncode, shown.decode()

    both = (("call", "get_account_balance", "--demo"), ("tools", "--demo"))
    found = await asyncio.gather(
        *(start(*words) for words in (*both, ("keys", "list"), ("ledger", "verify"), *both[:1]))
    )
    assert [code for code, _ in found] == [0] * 5, found
    with contextlib.closing(
        sa.create_engine(f"sqlite:///{tmp_path}/new/deskward.db").connect()
    ) as db:
        assert db.execute(sa.text("SELECT count(*) FROM customers")).scalar_one() > 1


def test_ctrl_c_while_the_program_is_loaded_ends_it_quietly() -> None:
    code = """
import runpy, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == "deskward.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
runpy.run_module("deskward", run_name="__main__")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (INTERRUPTED, b"", b"")
