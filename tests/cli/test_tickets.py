"""`deskward tickets search`, with the language of the tool."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli


@pytest.mark.slow
def test_tickets_are_found_on_the_command_line(cli: Cli) -> None:
    code, out, _ = cli("tickets", "search", "keyboard status:open")
    assert code == 0
    assert "Keyboard from order" in out
    assert cli("tickets", "search", "keyboard", "-status:open")[1] == "There is none.\n"
    code, _, err = cli("tickets", "search", "status:new")
    assert (code, "character 8" in err) == (1, True)
    page = json.loads(cli("tickets", "search", "--limit", "1", "--json")[1])
    assert len(page["tickets"]) == 1
    more = cli("tickets", "search", "--limit", "1", "--cursor", page["cursor"])[1]
    assert page["tickets"][0]["id"] not in more
