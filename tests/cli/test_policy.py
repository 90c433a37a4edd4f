"""`deskward policy`: check, test, explain, diff; publish, shadow and roll back."""

import asyncio
import contextlib
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.gate import policy_watch
from deskward.gate.policy import versions as policy_versions
from deskward.shipped import copy_policies, policy_files
from tests.cli.conftest import Cli
from tests.conftest import STAFF, caller, recorded
from tests.everything import EVERYTHING


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The shipped policies with a lower limit for refunds by tier 1."""
    folder = tmp_path / "stricter"
    copy_policies(folder, EVERYTHING)
    file = folder / "orders.cedar"
    file.write_text(
        file.read_text(encoding="utf-8").replace("record.amount > 5000 ", "record.amount > 1000 "),
        encoding="utf-8",
    )
    table = folder / "tests" / "orders.yaml"
    text = table.read_text(encoding="utf-8")
    assert "{ 1: allow, 4999: allow, 5000: allow, 5001: ask, 500001: ask }" in text
    table.write_text(
        text.replace(
            "{ 1: allow, 4999: allow, 5000: allow, 5001: ask, 500001: ask }",
            "{ 999: allow, 1000: allow, 1001: ask }",
        ),
        encoding="utf-8",
    )
    return folder


REFUND = (
    "call",
    "refund_order",
    "order_id=O1001",
    "amount=20.00",
    "reason=broken",
    "--staff",
    "anna",
)


@pytest.mark.slow
def test_shipped_policies_are_sound(cli: Cli) -> None:
    code, out, _ = cli("policy", "check")
    assert (code, "sound." in out) == (0, True)
    code, out, _ = cli("policy", "test")
    assert (code, "rows are as they say" in out) == (0, True)


@pytest.mark.slow
def test_what_is_wrong_is_said(cli: Cli, stricter: Path) -> None:
    file = stricter / "accounts.cedar"
    file.write_text(
        file.read_text(encoding="utf-8").replace("principal.tier < 2", "principal.teir < 2"),
        encoding="utf-8",
    )
    code, out, _ = cli("policy", "check", str(stricter))
    assert code == 1
    assert "blocking-a-customers-card-needs-approval: " in out
    assert "`teir`" in out
    code, out, _ = cli("policy", "test", str(stricter))
    assert (code, "staff of tier 2 blocks a card" in out) == (1, True)
    _, _, err = cli("policy", "publish", str(stricter))
    assert "does not pass" in err


def test_a_call_is_explained(cli: Cli) -> None:
    cli(*REFUND)
    code, out, _ = cli("policy", "explain", "1")
    assert code == 0
    assert "version" in out
    assert '@id("support-works-on-orders")' in out
    assert '"amount": 2000' in out
    imagined = {
        "tool": "refund_order",
        "as": {"kind": "staff", "roles": ["support"]},
        "facts": {"record.amount": 5001, "record.currency": "USD"},
    }
    code, out, _ = cli("policy", "explain", json.dumps(imagined))
    assert "says ask" in out
    assert "refund-over-50-by-tier-1-needs-approval" in out
    _, _, err = cli("policy", "explain", "4711")
    assert "no recorded call" in err


def test_a_diff_names_the_calls(cli: Cli, stricter: Path) -> None:
    cli(*REFUND)
    cli("call", "get_account_balance")
    code, out, _ = cli("policy", "diff", "files", "files")
    assert (code, "0 of 2 recorded calls" in out) == (0, True)
    code, out, _ = cli("policy", "diff", "files", str(stricter))
    assert code == 1
    assert "1 of 2 recorded calls" in out
    assert "refund_order by staff:anna: allow" in out
    assert "-> ask (refund-over-50-by-tier-1-needs-approval)" in out


@pytest.mark.slow
def test_versions_are_published_and_rolled_back(cli: Cli, stricter: Path) -> None:
    assert cli(*REFUND)[0] == 0
    code, out, _ = cli("policy", "publish", str(stricter), "--note", "no more than 10")
    assert (code, "is active" in out) == (0, True)
    assert cli(*REFUND)[0] == 3  # asks
    assert "ACTIVE" in cli("policy", "versions")[1]
    assert cli("policy", "rollback")[0] == 0
    assert cli(*REFUND)[0] == 0


@pytest.mark.slow
def test_only_a_folder_with_truth_tables_is_published(cli: Cli, stricter: Path) -> None:
    assert cli("policy", "publish", str(stricter))[0] == 0
    (published,) = json.loads(cli("policy", "versions", "--json")[1])
    for word in ("files", "active", published["version"], str(stricter / "orders.cedar")):
        code, _, err = cli("policy", "publish", word)
        assert (code, err.count("\n") <= 1, f"{word} is no folder" in err) == (1, True, True)
    for table in (stricter / "tests").iterdir():
        table.write_text("[]", encoding="utf-8")
    code, _, err = cli("policy", "publish", str(stricter))
    assert (code, "no truth table" in err) == (1, True)


@pytest.mark.slow
def test_versions_from_before_there_were_roles_count_on(
    cli: Cli, folder: Path, stricter: Path
) -> None:
    stored = {file.name: file.read_text(encoding="utf-8") for file in stricter.glob("*.cedar")}
    version = hashlib.sha256(json.dumps(sorted(stored.items())).encode()).hexdigest()[:12]
    assert cli("policy", "publish", str(stricter))[0] == 0
    with contextlib.closing(sqlite3.connect(folder / "deskward.db")) as database, database:
        database.execute(
            "UPDATE policy_versions SET version = ?, files = ?", (version, json.dumps(stored))
        )
        database.execute("UPDATE policy_changes SET version = ?", (version,))
    assert cli(*REFUND)[0] == 3
    assert cli("policy", "test", version, "--tables", str(stricter))[0] == 0
    assert cli("policy", "rollback", "files")[0] == 0
    assert cli(*REFUND)[0] == 0
    assert cli("policy", "rollback", version[:8])[:2] == (0, f"{version} is active.\n")
    assert cli(*REFUND)[0] == 3


async def test_a_running_desk_follows_and_shadows_are_recorded(
    sqlite_settings: Settings, stricter: Path, offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_watch, "LOOK_EVERY", 0.05)
    from deskward.gate.policy.engine import Policy

    async with open_desk(sqlite_settings, model=offline) as desk:
        call = caller(desk)
        policy = Policy(policy_files(stricter, EVERYTHING), desk.gate.tools.values())
        async with desk.database.transaction() as transaction:
            await policy_versions.publish(transaction, policy, note="")
            await policy_versions.put(transaction, "shadow", policy.version, by="test")
        await until(lambda: desk.gate.shadow is not None)
        refund = {"order_id": "O1001", "amount": "20.00", "reason": "broken"}
        assert (await call("refund_order", STAFF, **refund)).status == "ok"
        (row,) = [row for row in await recorded(desk) if row.get("tool") == "refund_order"]
        assert (row["verdict"], row["shadow"]["verdict"]) == ("allow", "ask")
        assert row["shadow"]["policies"] == ["refund-over-50-by-tier-1-needs-approval"]
        async with desk.database.transaction() as transaction:
            await policy_versions.put(transaction, "active", policy.version, by="test")
        await until(lambda: desk.gate.policy.version == policy.version)
        assert (await call("refund_order", STAFF, **refund)).status == "pending"


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


def test_policies_are_copied_to_begin_with(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert cli("policy", "copy", str(folder))[0] == 0
    code, out, _ = cli("policy", "test", str(folder))
    assert (code, "rows are as they say" in out) == (0, True)
    code, _, err = cli("policy", "copy", str(folder))
    assert (code, "mine" in err, "exists" in err) == (1, True, True)


def broken(folder: Path, slot: str) -> str:
    """Have the version in a slot be no Cedar, as after an upgrade that knows it no more."""
    with contextlib.closing(sqlite3.connect(folder / "deskward.db")) as database, database:
        row = database.execute(
            "SELECT version FROM policy_changes WHERE slot = ? ORDER BY seq DESC", (slot,)
        ).fetchone()
        version = str(row[0])
        (files,) = database.execute(
            "SELECT files FROM policy_versions WHERE version = ?", (version,)
        ).fetchone()
        bad = {**json.loads(files), "orders.cedar": "permit (\nnonsense"}
        database.execute(
            "UPDATE policy_versions SET files = ? WHERE version = ?", (json.dumps(bad), version)
        )
    return version


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slot", "more", "way_out"),
    [
        ("active", (), ("rollback",)),
        ("active", (), ("rollback", "files")),
        ("shadow", ("--shadow",), ("unshadow",)),
    ],
)
def test_a_desk_that_policies_keep_from_starting_says_what_helps(
    cli: Cli,
    folder: Path,
    stricter: Path,
    slot: str,
    more: tuple[str, ...],
    way_out: tuple[str, ...],
) -> None:
    assert cli(*REFUND)[0] == 0
    assert cli("policy", "publish", str(stricter), *more)[0] == 0
    version = broken(folder, slot)
    code, out, err = cli("call", "get_account_balance")
    assert (code != 0, out, err.strip().count("\n")) == (True, "", 0)
    assert f"version {version} cannot be used" in err
    assert f"`deskward policy {' '.join(way_out)}`" in err
    assert slot.upper() in cli("policy", "versions")[1]  # can be looked at meanwhile
    code, out, err = cli("policy", *way_out)
    assert (code, err) == (0, "")
    assert cli(*REFUND)[0] == 0
    code, _, err = cli("policy", "rollback", version)  # it is no better than it was
    assert code != 0
    assert cli("call", "get_account_balance")[0] == 0
