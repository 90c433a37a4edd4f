"""Demo data gets into a desk only where somebody asks for it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def empty(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """The command line with a data folder that does not exist yet."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "real"))
    return cli


@pytest.mark.parametrize(
    "words",
    [
        ("tools",),
        ("call", "get_account_balance"),
        ("chat", "--once", "hello"),
        ("chat",),
        ("mcp",),
    ],
)
def test_an_empty_desk_stays_empty_and_says_what_to_do(
    empty: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    for _ in range(2):  # the first time makes the database
        code, out, err = empty(*words)
        assert (code, out) == (1, "")
        assert f"the desk sqlite:///{tmp_path}/real/deskward.db is empty" in err
        assert "add --demo" in err
        assert len(err.splitlines()) == 1


def test_staff_work_on_an_empty_desk(empty: Cli) -> None:
    code, out, _ = empty("call", "get_ticket", "ticket_id=T1", "--staff", "anna")
    assert (code, json.loads(out)["error"]["code"]) == (1, "TICKET_NOT_FOUND")


def test_demo_data_is_loaded_where_it_is_asked_for(empty: Cli) -> None:
    code, out, err = empty("call", "get_account_balance", "--demo")
    assert (code, json.loads(out)["balance"]["amount"], err) == (0, 542050, "")
    assert empty("chat", "--once", "What's my account balance?")[0] == 0


def test_demo_data_never_joins_other_data(cli: Cli) -> None:
    before = cli("ledger", "show", "--json")[1], cli("tools", "--json")[1]
    assert cli("tools", "--demo")[0] == 0
    assert (cli("ledger", "show", "--json")[1], cli("tools", "--json")[1]) == before


def test_an_unknown_customer_of_a_desk_with_others_is_just_unknown(cli: Cli) -> None:
    code, _, err = cli("tools", "--user", "nobody")
    assert (code, "--demo" in err) == (1, False)
    assert "no customer 'nobody'" in err
