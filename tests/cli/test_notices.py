"""`deskward notices`: on, off, for everybody and for one customer."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli


@pytest.mark.slow
def test_notices_are_switched_for_everybody_and_for_one_customer(cli: Cli) -> None:
    assert "on " not in cli("notices", "list")[1]
    code, out, _ = cli("notices", "on", "received", "assigned")
    assert (code, out) == (0, "Switched for everybody: received on, assigned on.\n")
    assert cli("notices", "off", "received", "--customer", "user_001")[0] == 0
    assert "on   received" in cli("notices", "list")[1]
    assert "off  received" in cli("notices", "list", "--customer", "user_001")[1]
    assert cli("notices", "on", "everything")[0] == 1
