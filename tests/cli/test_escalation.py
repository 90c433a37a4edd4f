"""`deskward escalation`: rules and service levels are checked, and explain themselves."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli, cli, folder

__all__ = ["cli", "folder"]


def test_those_that_ship_are_sound(cli: Cli) -> None:
    code, out, _ = cli("escalation", "check")
    assert code == 0
    assert out.endswith("All sound.\n")


def test_what_is_wrong_is_told_with_its_line_and_ends_with_one(cli: Cli) -> None:
    rule = "{id: a, title: A, when: 'attemps > 1', specialist: nobody, priority_level: 1}"
    Path("rules.yaml").write_text(f"rules:\n  - {rule}\n", encoding="utf-8")
    policy = "{id: a, resolution: 1h, specialist: nobody}"
    Path("sla.yaml").write_text(f"policies:\n  - {policy}\n", encoding="utf-8")
    code, out, _ = cli("escalation", "check", "--rules", "rules.yaml", "--sla", "sla.yaml")
    assert code == 1
    assert "rules.yaml:2: the condition reads “attemps”" in out
    assert "rules.yaml:2: there is no type of specialist “nobody”" in out
    assert "sla.yaml:2: there is no type of specialist “nobody”" in out
    code, _, err = cli("escalation", "check", "--rules", "nowhere.yaml")
    assert code == 2
    assert "there is no file nowhere.yaml" in err


def test_each_rule_is_explained(cli: Cli) -> None:
    told = ("--fact", "tier=gold", "--fact", "attempts=2", "--text", "an outage")
    code, out, _ = cli("escalation", "explain", *told)
    assert code == 0
    assert "yes  premium-tried-twice" in out
    assert "attempts = 2, tier = 'gold'" in out
    assert "no   tried-three-times" in out
    assert "To senior, at level 1: Much is down at once." in out
    _, out, _ = cli("escalation", "explain", *told, "--json")
    found = json.loads(out)
    assert (found["complexity"], found["specialist"], found["priority_level"]) == (2, "senior", 1)
    code, _, err = cli("escalation", "explain", "--fact", "teir=gold")
    assert code == 2
    assert "there is no fact teir" in err
