"""Help teaches: every command shows an example that is a command line of it."""

import re
import shlex
from collections.abc import Iterator

import pytest
from cyclopts import App

from deskward.cli.main import app
from tests.cli.conftest import Cli


def commands(group: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    names = [name for name in group if not name.startswith("-")]
    for name in names:
        yield from commands(group[name], (*words, name))
    if words and (not names or group.default_command is not None):
        yield words


ALL = sorted(commands(app))


def test_all_are_found() -> None:
    assert {("serve",), ("keys", "list"), ("eval",), ("eval", "policy")} <= set(ALL)
    assert len(ALL) > 25


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_shows_an_example(words: tuple[str, ...], cli: Cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = cli(*words, "--help")
    assert code == 0
    example = re.search(r"Example: deskward (.*)", out)
    assert example is not None
    given = shlex.split(example[1])
    assert tuple(given[: len(words)]) == words
    app.parse_args(given, exit_on_error=False, print_error=False)


def test_the_first_help_shows_where_to_start_and_the_exit_codes(cli: Cli) -> None:
    _, out, _ = cli("--help")
    text = " ".join(out.split())
    assert "deskward chat --demo" in text
    assert "0 done, 1 refused or failed, 2 wrong command line, 3 waits for approval" in text
