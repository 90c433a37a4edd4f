"""`deskward policy autonomy`, and what a move to another level would have changed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.security.principals import AGENT
from tests.cli.conftest import Cli
from tests.cli.test_policy import stricter
from tests.conftest import STAFF

__all__ = ["stricter"]


def test_a_level_is_chosen_listed_and_taken_back(cli: Cli) -> None:
    assert "routine" in cli("policy", "autonomy", "list")[1]
    assert cli("policy", "autonomy", "set", "safe")[:2] == (0, "safe is chosen.\n")
    named = ("--queue", "network", "--product", "Acme  API")
    assert cli("policy", "autonomy", "set", "suggest", *named)[0] == 0
    _, out, _ = cli("policy", "autonomy", "list")
    assert [line.split("  ")[:2] for line in out.splitlines()] == [
        ["safe", "everything"],
        ["suggest", "queue network, product acme api"],
    ]
    _, out, _ = cli("ledger", "show", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["arguments"]["level"] for row in rows if row["tool"] == "set_autonomy"] == [
        "safe",
        "suggest",
    ]
    assert cli("policy", "autonomy", "unset")[0] == 0
    _, out, _ = cli("policy", "autonomy", "list", "--json")
    assert [one["level"] for one in json.loads(out)] == ["suggest"]
    code, _, err = cli("policy", "autonomy", "set", "safe", "--queue", "netwrok")
    assert code == 2
    assert "there is no queue 'netwrok'" in err


@pytest.mark.slow
def test_it_is_not_chosen_where_no_policy_looks_at_it(cli: Cli, stricter: Path) -> None:
    (stricter / "autonomy.cedar").unlink()
    for table in (stricter / "tests").glob("*autonomy*.yaml"):
        table.unlink()
    assert cli("policy", "publish", str(stricter))[0] == 0
    code, _, err = cli("policy", "autonomy", "set", "safe")
    assert code == 2
    assert "do not look at the level" in err


def test_a_diff_says_what_a_move_would_have_changed(cli: Cli, folder: Path) -> None:
    calls = (
        ("add_ticket_note", {"ticket_id": "T906", "text": "Looked at it."}),
        ("get_ticket", {"ticket_id": "T906"}),
        ("update_ticket", {"ticket_id": "T906", "update": {"reply": "It is on its way."}}),
    )

    async def make() -> None:
        async with open_desk(Settings(data_dir=folder), chat=False) as desk:
            for principal in (STAFF.with_agent(AGENT), STAFF):
                for tool, arguments in calls:
                    context = Context(principal, "agent" if principal.agent else "cli")
                    outcome = await desk.gate.call(tool, arguments, context)
                    assert outcome.status == "ok", outcome.value

    asyncio.run(make())
    code, out, err = cli("policy", "diff", "--to", "suggest")
    assert code == 1, err
    assert [line.split("  ")[-1].split(" by ")[0] for line in out.splitlines()[:-1]] == [
        "add_ticket_note",
        "update_ticket",
    ]
    assert "allow (support-works-on-tickets) -> ask (autonomy-suggest-only)" in out
    assert "2 of 6 recorded calls would be decided otherwise" in out
    _, out, _ = cli("policy", "diff", "--to", "safe")
    assert [line.split("  ")[-1].split(" by ")[0] for line in out.splitlines()[:-1]] == [
        "update_ticket"
    ]
    _, out, _ = cli("policy", "diff", "suggest", "safe")
    assert "add_ticket_note" in out.splitlines()[0]
    assert "1 of 6 recorded calls" in out
    assert cli("policy", "diff", "--to", "routine")[0] == 0
    assert cli("policy", "diff", "suggest", "suggest")[0] == 0
    assert "0 of 0" in cli("policy", "diff", "--to", "suggest", "--queue", "network")[1]
    assert "0 of 0" in cli("policy", "diff", "--to", "suggest", "--tenant", "acme")[1]
    assert cli("policy", "diff", "active")[0] == 2
    assert cli("policy", "diff", "active", "files", "--to", "safe")[0] == 2
