"""`deskward workflow`."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deskward.diagnostics.checking import SHIPPED
from tests.cli.conftest import Cli
from tests.diagnostics.test_workflows import GOOD


def test_the_shipped_ones_are_listed_sound_and_walked(cli: Cli) -> None:
    code, out, err = cli("workflow", "list", "--json")
    assert code == 0, err
    assert {one["id"] for one in json.loads(out)} == {file.stem for file in SHIPPED.glob("*.yaml")}
    assert cli("workflow", "check")[:2] == (0, "4 workflows: sound.\n")


def test_what_is_wrong_is_told_with_file_and_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "lamp.yaml"
    file.write_text(GOOD.replace("go: bulbs", "go: nowhere"), encoding="utf-8")
    code, out, _ = cli("workflow", "check", str(file))
    assert code == 1
    assert f"{file}:39: there is no step “nowhere” in this fragment\n" in out
    code, out, err = cli("workflow", "run", "lamp", "--file", str(file))
    assert code == 2
    assert "there is no step “nowhere”" in err
    code, _, err = cli("workflow", "check", str(tmp_path / "nothing"))
    assert code == 2
    assert "there is no folder" in err


def test_cases_and_ways_are_walked(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lamp.yaml").write_text(GOOD, encoding="utf-8")
    code, out, _ = cli("workflow", "test", str(tmp_path))
    assert code == 0
    assert out.startswith("lamp: 3 cases, ")
    assert "cause bulb" in out


def test_a_picture_is_drawn(cli: Cli) -> None:
    code, out, _ = cli("workflow", "graph", "sign-in", "--environment", "client=mobile_app")
    assert code == 0
    drawn = ElementTree.fromstring(out)
    titles = [one.text or "" for one in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert any(one.startswith("way_in: ") for one in titles)
    assert not any(one.startswith("private_window: ") for one in titles)
    code, out, _ = cli("workflow", "graph", "sign-in", "--form", "mermaid")
    assert out.startswith("flowchart TD\n")
    code, _, err = cli("workflow", "graph", "nothing")
    assert code == 2
    assert "there is no workflow nothing; there are api-errors, " in err


@pytest.mark.parametrize(
    ("said", "code", "shown"),
    [
        ("no\nyes\nno_name\nnone_here\n", 0, "Cause: The service's name is not resolved"),
        ("no\nback\nyes\n", 0, "Cause: The service itself is down"),
        ("perhaps\nyes\n", 0, "Answer this step with true or false."),
        ("no\nyes\nworks\n", 0, "Solved."),
        ("no\nquit\n", 1, "Not ended."),
        ("no\n", 1, "Not ended."),
    ],
)
def test_one_is_walked_in_the_terminal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, said: str, code: int, shown: str
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    ended, out, err = cli("workflow", "run", "network-connectivity", "--customer", "tier=gold")
    assert ended == code, err
    assert shown in out
