"""Staff, tenants, and who operates the desk, on the command line."""

import json
from pathlib import Path

import pytest

from deskward.cli import operators
from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The machine's user who runs commands; the test may change it."""
    name = ["ann"]
    monkeypatch.setattr(operators, "operator", lambda: name[0])
    return name


def rows(cli: Cli, what: str) -> list[dict[str, object]]:
    _, out, _ = cli("ledger", "show", "--tool", what, "--json")
    return [json.loads(line) for line in out.splitlines()]


def test_members_are_admitted_changed_shown_and_disabled(cli: Cli) -> None:
    told = ("--name", "Nora Öz", "--email", "nora@example.com", "--language", "tr")
    assert cli("staff", "add", "Nora", "--role", "support-2", "--team", "loans", *told)[0] == 0
    assert cli("staff", "set", "nora", "--team", "cards", "--team", "fraud")[0] == 0
    row = json.loads(cli("staff", "show", "nora")[1])
    assert (row["id"], row["name"], row["roles"], row["teams"], row["state"]) == (
        *("nora", "Nora Öz", ["support-2"], ["cards", "fraud"], "active"),
    )
    _, key, _ = cli("keys", "create", "--kind", "staff", "--subject", "nora")
    [made] = [one for one in json.loads(cli("keys", "list", "--json")[1])]
    assert made["roles"] == ["support-2"], "a key has the roles of its member"
    assert key.startswith("dw_")
    assert cli("staff", "disable", "nora")[0] == 0
    assert json.loads(cli("keys", "list", "--json")[1])[0]["state"] == "revoked"
    assert "disabled  nora" in cli("staff", "list")[1]
    assert cli("staff", "enable", "nora")[0] == 0
    assert [row["tool"] for row in rows(cli, "change_member")] == ["change_member"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("add", "nora", "--role", "emperor"),
        ("add", "nora", "--role", "customer"),
        ("add", "nora", "--email", "nobody"),
        ("add", "nora", "--language", "klingon"),
        ("add", "nora", "--tenant", "nowhere"),
        ("add", "no\u202era"),
        ("set", "nobody", "--team", "x"),
        ("set", "anna"),
        ("set", "anna", "--name", "two\nlines"),
        ("show", "nobody"),
    ],
)
def test_what_is_wrong_of_a_member_is_refused(cli: Cli, wrong: tuple[str, ...]) -> None:
    code, _, err = cli("staff", *wrong)
    assert code in (1, 2)
    assert err.startswith("deskward: ")
    assert "\n" not in err.strip()


@pytest.mark.slow
def test_from_the_first_operator_on_only_operators_operate(cli: Cli, shell: list[str]) -> None:
    """Truth table: who runs the command, what they say they are → whether they make a key."""
    make = ("keys", "create", "--kind", "service", "--subject", "shop")
    assert cli(*make)[0] == 0, "nobody is appointed: the machine's user operates"
    appointed = ("--role", "support", "--role", "operator", "--shell-user", "ann")
    assert cli("staff", "add", "nora", *appointed)[0] == 0
    for user, said, code in (
        ("ann", (), 0),
        ("ann", ("--as", "nora"), 0),
        ("ann", ("--as", "anna"), 2),  # ann is nora here
        ("eve", (), 2),  # she is nobody
        ("eve", ("--as", "nora"), 2),  # nora is ann
        ("eve", ("--as", "alice"), 1),  # who may not operate
        ("eve", ("--as", "nobody"), 2),
    ):
        shell[0] = user
        assert cli(*make, *said)[0] == code, (user, said)
    for command in (
        ("keys", "revoke", "00000000"),
        ("jobs", "retry", "0" * 32),
        ("hub", "accept", "a", "b", "--fingerprint", "c"),
        ("policy", "rollback", "files"),
        ("policy", "unshadow"),
        ("staff", "add", "mallory"),
        ("staff", "set", "alice", "--role", "operator"),
        ("tenants", "add", "evil"),
        ("tenants", "close", "acme"),
        ("ledger", "export", "ledger.jsonl"),
        ("customers", "export"),
        ("customers", "import", "/dev/null"),
        ("keys", "rotate-secret"),
    ):
        assert cli(*command)[0] == 2, command
        code, _, err = cli(*command, "--as", "alice")
        assert code == 1, command
        assert "may not" in err or "not allowed" in err or command[0] == "customers", err
    for user, told, code in (
        ("ann", ("--staff", "nora"), 0),
        ("ann", ("--staff", "nora", "--role", "support-3"), 2),
        ("eve", ("--staff", "alice"), 0),
        ("eve", ("--staff", "nora"), 2),
        ("eve", ("--staff", "mallory"), 2),
    ):
        shell[0] = user
        assert cli("call", "list_staff", *told)[0] == code, (user, told)
    shell[0] = "ann"
    made = [row for row in rows(cli, "create_key") if row["by"] == "staff:nora"]
    assert len(made) == 2
    assert made[0]["via"] == "cli:ann (system user)"
    assert cli("staff", "disable", "nora")[0] == 0
    assert cli(*make)[0] == 2, "who was let go does nothing here"
    shell[0] = "eve"
    assert cli(*make)[0] == 0, "again nobody is appointed"


def test_another_person_approves_also_here(cli: Cli, shell: list[str]) -> None:
    cli("staff", "set", "bob", "--role", "support-3", "--shell-user", "bob")
    cli("staff", "set", "lena", "--role", "support-3", "--role", "operator")
    refund = ("order_id=O1001", "amount=60.00", "reason=late")
    code, out, _ = cli("call", "refund_order", *refund, "--staff", "alice")
    assert code == 3
    approval = json.loads(out)["approval_id"]
    code, _, err = cli("approvals", "approve", approval, "--as", "lena")
    assert (code, "call of their own" in err) == (1, True), "the same user of the machine"
    shell[0] = "bob"
    code, out, _ = cli("approvals", "approve", approval)
    assert (code, "done" in out) == (0, True)
    one = json.loads(cli("approvals", "show", approval)[1])
    assert one["decided_by"] == "staff:bob"


def test_tenants_are_made_shown_changed_and_closed(cli: Cli, folder: Path) -> None:
    named = ("--name", "The Shop", "--language", "de", "--time-zone", "Europe/Berlin")
    more = ("--hours", "mon-fri=09:00-17:00", "--reply-to", "help@shop.example")
    assert cli("tenants", "add", "shop", *named, *more, "--mail-domain", "Bücher.example")[0] == 0
    told = json.loads(cli("tenants", "show", "shop")[1])
    assert (told["name"], told["mail_domains"]) == ("The Shop", ["xn--bcher-kva.example"])
    assert cli("tenants", "add", "shop")[0] == 1
    assert cli("tenants", "set", "shop", "--reply-to", "")[0] == 0
    assert json.loads(cli("tenants", "show", "shop")[1])["reply_to"] is None
    file = folder / "c.jsonl"
    file.write_text('{"id": "c1", "name": "A", "email": "a@example.com"}\n', encoding="utf-8")
    for tenant, code in (("shop", 0), ("nowhere", 1)):
        assert cli("customers", "import", str(file), "--tenant", tenant)[0] == code
    made = ("keys", "create", "--kind", "customer", "--subject", "c1", "--tenant")
    assert cli(*made, "shop")[0] == 0
    assert cli(*made, "nowhere")[0] == 1
    assert cli("tenants", "close", "shop")[0] == 0
    assert cli("tenants", "close", "shop")[0] == 1
    assert cli("tenants", "close", "default")[0] == 2
    assert json.loads(cli("keys", "list", "--json")[1])[0]["state"] == "revoked"
    for command in (
        (*made, "shop"),
        ("call", "get_customer", "customer_id=c1", "--user", "c1", "--tenant", "shop"),
        ("call", "list_customers", "--staff", "anna", "--tenant", "shop"),
        ("customers", "list", "--tenant", "shop"),
        ("staff", "add", "nora", "--tenant", "shop"),
    ):
        code, _, err = cli(*command)
        assert (code, "no open tenant 'shop'" in err) == (1, True), command
    out = cli("tenants", "list")[1]
    assert [line.split() for line in out.splitlines()] == [
        ["open", "acme"],
        ["open", "default"],
        ["closed", "shop", "The", "Shop"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ("add", "a b"),
        ("add", "x", "--time-zone", "Mars/Olympus"),
        ("add", "x", "--hours", "mon-fri=9-5"),
        ("add", "x", "--hours", "fri-mon=09:00-17:00"),
        ("add", "x", "--reply-to", "nobody"),
        ("add", "x", "--mail-domain", "no domain"),
        ("add", "x", "--language", "klingon"),
        ("add", "x", "--name", "two\nlines"),
        ("set", "nowhere", "--name", "x"),
        ("set", "default"),
        ("show", "nowhere"),
    ],
)
def test_what_is_wrong_of_a_tenant_is_refused(cli: Cli, wrong: tuple[str, ...]) -> None:
    code, _, err = cli("tenants", *wrong)
    assert code in (1, 2)
    assert err.startswith("deskward: ")
    assert "\n" not in err.strip()
    assert "x" not in [line.split()[1] for line in cli("tenants", "list")[1].splitlines()]
