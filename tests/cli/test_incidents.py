"""`deskward incidents`: from a source to what customers are told."""

from __future__ import annotations

import json
import re

from tests.cli.conftest import Cli


def test_a_source_is_made_and_an_incident_reported_and_resolved(cli: Cli) -> None:
    code, out, err = cli("incidents", "source", "add", "Production", "--product", "Acme API")
    assert code == 0, err
    source = re.findall(r"POST /hooks/alerts/([0-9a-f]{32})", out)[0]
    assert re.search(r"Its bearer token is whsec_[A-Za-z0-9+/=]{44}\n", out)
    code, _, err = cli("incidents", "source", "add", "Production")
    assert code == 1
    assert "already" in err
    _, out, _ = cli("incidents", "source", "list")
    assert f"{source}  Production  alertmanager  not heard of yet" in out
    named = ("--product", "Acme API", "--code", "503", "--message", "Calls fail.")
    code, out, err = cli("incidents", "report", "The API answers 503", *named)
    assert code == 0, err
    assert out.startswith("I1001  open  ")
    assert "Calls fail." in out
    _, out, _ = cli("incidents", "list", "--json")
    assert [one["incident_id"] for one in json.loads(out)["incidents"]] == ["I1001"]
    code, out, err = cli("incidents", "resolve", "I1001")
    assert (code, out[:15]) == (0, "I1001  resolved"), err
    code, _, err = cli("incidents", "resolve", "I1001")
    assert code == 1
    assert "over already" in err
    assert cli("incidents", "list")[1] == "0 incidents.\n"
    assert "I1001" in cli("incidents", "list", "--all")[1]
    assert cli("incidents", "show", "I1002")[0] == 1
    assert cli("incidents", "report", "It is down")[0] == 1  # of which product is not said
    assert cli("incidents", "source", "remove", source)[:2] == (0, "It was removed.\n")
