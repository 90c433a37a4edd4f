"""`deskward suite check`: what a test reads and names has to be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

SUITE = """\
suite: orders
version: 1
title: Orders
tests:
  - id: signs_in
    title: The desk can sign in
    kind: database
    engine: postgresql
    host: db.example.com
    secret: orders-db
"""
SECRETS = "secrets:\n  orders-db: {variable: ORDERS_PW, user: watcher, hosts: [db.example.com]}\n"


@pytest.fixture
def suite(folder: Path) -> Path:
    file = folder / "orders.yaml"
    file.write_text(SUITE, "utf-8")
    return file


def secrets(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str = SECRETS) -> None:
    """Set the desk's file of secrets; the variable with the password is not set."""
    file = folder / "secrets.yaml"
    file.write_text(text, "utf-8")
    monkeypatch.setenv("SUITE_SECRETS_FILE", str(file))


def test_a_secret_that_the_file_has_is_sound(
    cli: Cli, suite: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch, folder)
    assert cli("suite", "check", str(suite)) == (0, "1 suites: sound.\n", "")


def test_a_secret_that_the_file_lacks_is_a_problem(
    cli: Cli, suite: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch, folder, SECRETS.replace("orders-db", "order-db"))
    code, told, _ = cli("suite", "check", str(suite))
    assert code == 1
    assert f"{suite}:10: SUITE_SECRETS_FILE has no “orders-db”; did you mean order-db?" in told
    secrets(monkeypatch, folder, "secrets: {}")
    code, told, _ = cli("suite", "check", str(suite))
    assert (code, "has no “orders-db”; there is none" in told) == (1, True)


def test_without_a_file_a_secret_is_a_note(cli: Cli, suite: Path) -> None:
    code, told, _ = cli("suite", "check", str(suite))
    assert code == 0
    assert "note: orders.signs_in names the secret orders-db, and SUITE_SECRETS_FILE is" in told
    assert "1 suites: sound." in told


def test_a_file_of_secrets_that_is_none_is_told(
    cli: Cli, suite: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch, folder, "secrets: [a]")
    code, _, told = cli("suite", "check", str(suite))
    assert (code, "SUITE_SECRETS_FILE: " in told) == (2, True)
