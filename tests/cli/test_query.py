"""`deskward query`: tables, queries of one's own, and registered ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_records_are_asked_on_the_command_line(cli: Cli) -> None:
    code, out, _ = cli("query", "tables")
    assert code == 0
    assert "tickets\n    number  integer\n" in out
    code, out, _ = cli(
        "query", "run", "--sql", "SELECT 1 AS one, 'a' AS letter UNION SELECT 2, NULL"
    )
    assert (code, out) == (0, "one  letter\n1    a\n2\n2 rows\n")
    code, out, _ = cli("query", "run", "--sql", "SELECT 1 AS one", "--json")
    assert json.loads(out)["rows"] == [[1]]
    code, _, err = cli("query", "run", "--sql", "DELETE FROM tickets")
    assert (code, "Only SELECT" in err) == (1, True)
    code, _, err = cli("query", "run", "nothing")
    assert (code, "There is no query" in err) == (1, True)
    assert cli("query", "run", "nothing", "--values", "{")[0] == 2


@pytest.mark.slow
def test_a_registration_waits_for_somebody_else(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "one.sql"
    told = ("--description", "One.", "--parameters", "status:text,since?:date")
    assert cli("query", "register", "one", str(file), *told)[0] == 2
    file.write_text("SELECT :status, :since", encoding="utf-8")
    assert cli("query", "register", "one", str(file), *told)[0] == 3
    assert cli("query", "list")[1] == "There is none.\n"
    file.write_text("SELECT * FROM accounts", encoding="utf-8")
    code, _, err = cli("query", "register", "one", str(file), *told)
    assert (code, "There is no table" in err) == (1, True)
    assert cli("query", "retire", "one")[0] == 1
