"""`deskward queues`: seen, claimed and finished from the command line."""

from __future__ import annotations

import json

from tests.cli.conftest import Cli


def test_what_waits_is_listed_claimed_given_back_and_finished(cli: Cli) -> None:
    for name in ("anna", "ben"):
        assert cli("staff", "add", name, "--role", "support-3")[0] == 0
    as_lead = ("--staff", "anna", "--role", "support-3")
    settings = 'settings={"kinds": {"network": 1}, "hours": "mon-sun=00:00-24:00"}'
    routed = ("specialist_type=network", "priority_level=2")
    assert cli("call", "route_to_specialist", *as_lead, "ticket_id=T906", *routed)[0] == 0
    code, out, err = cli("queues", "list")
    assert code == 0, err
    assert out.startswith("E1001  T906  network level 2  waiting  nobody  begin by 20")
    assert out.endswith("1 in all.\n")
    assert cli("queues", "claim", "E1001", "--as", "anna")[0] == 1  # no specialist yet
    for name in ("anna", "ben"):
        made = cli("call", "set_specialist", *as_lead, f"staff_id={name}", settings)
        assert made[0] == 0, made
    _, out, _ = cli("queues", "list", "--json")
    has = json.loads(out)["items"][0]["assigned_specialist"]
    other = {"anna": "ben", "ben": "anna"}[has]
    assert cli("queues", "claim", "E1001", "--as", other)[0] == 1
    assert f"  claimed  {has}  " in cli("queues", "claim", "E1001", "--as", has)[1]
    assert f"  assigned  {other}  " in cli("queues", "release", "E1001", "--as", has)[1]
    assert cli("queues", "claim", "E1001", "--as", other)[0] == 0
    assert f"  done  {other}  " in cli("queues", "finish", "E1001", "--as", other)[1]
    assert cli("queues", "list", "--queue", "network")[1] == "0 in all.\n"
    assert "E1001" in cli("queues", "list", "--status", "done")[1]
    assert cli("queues", "show", "E1001")[1].startswith("E1001  T906")
    assert cli("queues", "show", "E1002")[0] == 1
    _, out, _ = cli("queues", "metrics", "--queue", "network")
    assert out.startswith("network: 0 waiting, 0 assigned, 0 claimed; 0 late now, 0 of 1 late; ")
    code, out, err = cli("queues", "staffing", "network")
    assert (code, bool(out.strip())) == (0, True), err
    assert cli("queues", "staffing", "netwrok")[0] == 1
