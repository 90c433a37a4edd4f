"""Who decides on the command line: a member of staff with a key, or the system's user."""

import json
import os
import pwd
import re

import pytest

from tests.cli.conftest import Cli

ME = pwd.getpwuid(os.getuid()).pw_name
ADDRESS = ("call", "update_address", "user_id=user_001", "new_address=1 New Road, Boston")


def waiting(cli: Cli, *words: str) -> str:
    code, out, _ = cli(*ADDRESS, *words)
    assert code == 3
    return str(json.loads(out)["approval_id"])


def key_of(cli: Cli, subject: str, *words: str) -> str:
    if "staff" in words:
        cli("staff", "add", subject, *(("--tenant", "acme") if "acme" in words else ()))
    code, out, err = cli("keys", "create", "--subject", subject, *words)
    assert code == 0, err
    return str(re.findall(r"dw_\S+", out)[0])


def shown(cli: Cli, approval_id: str) -> dict[str, object]:
    _, out, _ = cli("approvals", "show", approval_id)
    found: dict[str, object] = json.loads(out)
    return found


def test_the_systems_user_is_recorded_as_that(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    approval_id = waiting(cli, "--staff", "anna")
    code, out, _ = cli("approvals", "approve", approval_id)
    assert code == 0, out
    one = shown(cli, approval_id)
    assert one["decided_by"] == f"cli:{ME} (system user)"
    _, rows, _ = cli("ledger", "show", "--tool", "approve_call", "--json")
    assert json.loads(rows)["by"] == f"cli:{ME} (system user)"
    _, rows, _ = cli("ledger", "show", "--tool", "update_address", "--json")
    assert {json.loads(row)["via"] for row in rows.splitlines()} == {f"cli:{ME} (system user)"}


def test_a_member_of_staff_is_known_by_a_key(cli: Cli) -> None:
    approval_id = waiting(cli, "--staff", "anna")
    lead = key_of(cli, "lena", "--kind", "staff", "--role", "support-3")
    code, _, _ = cli("approvals", "approve", approval_id, "--key", lead)
    assert code == 0
    assert shown(cli, approval_id)["decided_by"] == "staff:lena"


@pytest.mark.parametrize("word", ["--staff", "--role"])
def test_nobody_says_who_they_are(cli: Cli, word: str) -> None:
    approval_id = waiting(cli, "--staff", "anna")
    code, _, _ = cli("approvals", "approve", approval_id, word, "support-3")
    assert code == 2
    assert shown(cli, approval_id)["status"] == "pending"


def test_a_key_that_is_none_of_staff_decides_nothing(cli: Cli) -> None:
    approval_id = waiting(cli, "--staff", "anna")
    customer = key_of(cli, "user_001", "--kind", "customer")
    for key in (customer, "dw_00000000_" + "x" * 43, "anna"):
        assert cli("approvals", "approve", approval_id, "--key", key)[0] in (1, 2)
    assert shown(cli, approval_id)["status"] == "pending"


def test_the_systems_user_decides_on_no_call_of_their_own(cli: Cli) -> None:
    """Neither one made as the system's user, nor one by a member of staff of that name."""
    for name in (ME, ME.upper()):
        approval_id = waiting(cli, "--staff", name)
        code, _, err = cli("approvals", "approve", approval_id)
        assert (code, "Nobody decides on a call of their own" in err) == (1, True)
        assert shown(cli, approval_id)["status"] == "pending"
