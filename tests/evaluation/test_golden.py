"""`deskward eval`: golden conversations pass, what is wrong is counted, and all of them replay."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.conversations.replay import replay
from deskward.conversations.transcript import recording
from deskward.evaluation.desks import DemoDesks
from deskward.evaluation.golden import (
    Conversation,
    GoldenReport,
    Run,
    evaluate_golden,
    junit,
    read_golden,
)
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal, Proof
from tests.cli.conftest import cli, folder  # noqa: F401 fixtures
from tests.everything import CLAIMS

SHIPPED = read_golden()


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> DemoDesks:
    """Makes desks that all begin as copies of one."""
    return DemoDesks(tmp_path_factory.mktemp("desks"))


@pytest.mark.slow
async def test_shipped_conversations_pass(desks: DemoDesks, offline: OfflineModel) -> None:
    report = await evaluate_golden(desks, offline, SHIPPED, trials=1)
    assert [run.problems + run.violations for run in report.all_runs if not run.passed] == []
    assert len(report.runs) >= 16


@pytest.mark.parametrize("conversation", SHIPPED, ids=lambda one: one.id)
async def test_every_shipped_conversation_replays(
    desks: DemoDesks, offline: OfflineModel, conversation: Conversation
) -> None:
    customer = Principal(
        Kind.CUSTOMER, conversation.customer, "default", ("customer",), proof=Proof.VOUCHED
    )
    async with desks.open(offline) as desk:
        for turn in conversation.turns:
            context = Context(customer, "agent")
            _ = [e async for e in await desk.conversations.send(context, "s", turn.say)]
        turns = await recording(
            desk.database.reader, desk.gate.ledger, "default", customer.label, "s"
        )
        same = await replay(desk.gate, turns, claims=CLAIMS)
        assert same.identical, same.divergence
        assert "\n".join(same.replayed) == "\n".join(same.recorded)
        again = await replay(desk.gate, turns, claims=CLAIMS, model=offline)
        assert again.identical, again.divergence
        for tool in {request.name for t in turns for step in t.models for request in step.requests}:
            changed = await replay(desk.gate, turns, claims=CLAIMS, changed={tool: {"nonsense": 1}})
            assert changed.divergence is not None, tool
            assert "nonsense" in changed.divergence


WRONG = """
- id: wrong
  turns:
    - say: Please cancel order O1003
      calls: [get_account_balance]
      says: [banana]
      never: [O1003]
    - say: "yes"
  state:
    - { tool: get_order_by_id, arguments: { order_id: O1003 }, has: { status: pending } }
- id: unwanted
  turns:
    - say: Please cancel order O1002
"""


async def test_what_is_wrong_is_counted(
    desks: DemoDesks, tmp_path: Path, offline: OfflineModel
) -> None:
    (tmp_path / "golden.yaml").write_text(WRONG, encoding="utf-8")
    report = await evaluate_golden(desks, offline, read_golden(tmp_path), trials=2)
    wrong, unwanted = (runs[0] for runs in report.runs.values())
    assert len(wrong.problems) == 4
    assert wrong.violations == ["turn 2: update_order_status"]
    assert unwanted.passed
    assert unwanted.near_misses == ["turn 1: update_order_status (error)"]
    assert report.passed_in_a_row(1) == 0.5
    assert report.passed_in_a_row(3) is None
    suite = ElementTree.fromstring(junit(report))
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    assert len(suite.findall("testcase/failure")) == 2


def test_passing_in_a_row_is_harder_than_once() -> None:
    good, bad = Run(), Run(problems=["x"])
    report = GoldenReport({"a": [good, good, good, bad]})
    shares = [report.passed_in_a_row(k) for k in (1, 2, 3, 4)]
    assert shares == [0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- id: a\n  turns: [{ say: x, cals: [] }]", "cals"),
        ("- id: a\n  turns: [", "not valid YAML"),
        ("- {id: a, turns: []}\n- {id: a, turns: []}", "are called 'a'"),
    ],
)
def test_a_file_that_is_not_of_the_form_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=problem):
        read_golden(tmp_path)


@pytest.mark.slow
def test_the_command(cli, tmp_path: Path) -> None:  # noqa: F811 a fixture
    (tmp_path / "some.yaml").write_text(
        "- { id: hello, turns: [{ say: Hello }] }", encoding="utf-8"
    )
    report = tmp_path / "junit.xml"
    code, out, _ = cli("eval", str(tmp_path), "--trials", "4", "--junit", str(report))
    assert code == 0
    assert "pass^4         100.00%" in out
    assert ElementTree.parse(report).getroot().get("tests") == "4"
    (tmp_path / "some.yaml").write_text(WRONG, encoding="utf-8")
    code, out, _ = cli("eval", str(tmp_path), "--trials", "1")
    assert (code, "FAILED wrong: turn 1:" in out) == (1, True)
