"""The command line offers what is on."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli

REFUND = ("call", "refund_order", "--staff", "anna", "--args")


@pytest.mark.parametrize(
    ("on", "words", "bank", "shop"),
    [("", (), False, False), ("shop", (), False, True), ("", ("--demo",), True, True)],
)
def test_tools(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    on: str,
    words: tuple[str, ...],
    bank: bool,
    shop: bool,
) -> None:
    monkeypatch.setenv("DOMAINS", on)
    code, out, _ = cli("tools", "--staff", "anna", "--json", *words)
    names = {tool["name"] for tool in json.loads(out)}
    assert (code, "freeze_card" in names, "refund_order" in names) == (0, bank, shop)
    assert "update_ticket" in names


@pytest.mark.slow
def test_policies_are_judged_whatever_is_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database has records of both domains: who looks after them sees their policies."""
    monkeypatch.setenv("DOMAINS", "")
    assert cli("policy", "check")[0] == 0
    code, out, _ = cli("policy", "test")
    assert code == 0
    assert "rows are as they say" in out
    imagined = {"tool": "refund_order", "as": {"kind": "staff", "roles": ["support"]}}
    code, out, _ = cli("policy", "explain", json.dumps({**imagined, "facts": {}}))
    assert code == 0


def test_a_slip_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINS", "shops")
    code, out, err = cli("tools")
    assert code == 1
    assert "there is no domain 'shops'; there are bank, shop" in out + err
    code, out, _ = cli("config", "check")
    assert code == 1
    assert "there is no domain 'shops'; there are bank, shop" in out
