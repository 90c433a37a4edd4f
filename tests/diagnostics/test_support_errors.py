"""What an editor is told that calls the support server wrongly, through clients of others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from tests.diagnostics.test_sessions import TO_CAUSE
from tests.diagnostics.test_support_server import ask, editor
from tests.entrypoints.mcp.peers import SDK_1, Calls, Target, by_typescript
from tests.services.faulty_web import Authority

BEGINNING = {
    "customer_id": "user_001",
    "product_name": "Acme API",
    "issue_description": "Our API calls get a 429",
}


async def refused(client: Client[Any], tool: str, **arguments: Any) -> str:
    """What is said to a call that must fail."""
    result = await client.call_tool(tool, arguments, raise_on_error=False)
    assert result.is_error
    return "\n".join(getattr(part, "text", "") for part in result.content)


@pytest.mark.slow
async def test_wrong_calls_are_told_what_to_do(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "deskward.db")
    async with editor(tmp_path, Authority(tmp_path)) as client:
        unknown = await refused(
            client, "get_troubleshooting_workflow", product="Acme", issue_category="netwrok"
        )
        assert "Did you mean network?" in unknown
        session = await ask(client, "start_diagnostic_session", **BEGINNING)
        at = {"session_id": session["id"], "revision": session["revision"]}
        wrong = await refused(client, "answer_diagnostic_step", **at, answer="perhaps")
        assert "true or false" in wrong
        stale = await refused(
            client, "answer_diagnostic_step", **{**at, "revision": 7}, answer=True
        )
        assert "at revision 1, not 7" in stale
        for value in TO_CAUSE:
            at["revision"] = session["revision"]
            session = await ask(client, "answer_diagnostic_step", **at, answer=value)
        assert session["status"] == "to_confirm"
        at["revision"] = session["revision"]
        finished = await refused(client, "answer_diagnostic_step", **at, answer=True)
        assert "is to confirm; it cannot be answered now" in finished
        unchanged = await ask(client, "get_diagnostic_session", session_id=session["id"])
        assert unchanged["revision"] == session["revision"]


@pytest.mark.slow
@pytest.mark.xdist_group("npm-errors")
async def test_the_typescript_sdk_shows_them_as_results(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "deskward.db")
    server = Target(
        arguments=["-m", "deskward", "mcp", "support", "--staff", "anna"],
        environment={"DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 32, "EMBEDDINGS": "off"},
    )
    at = {"session_id": "D1001", "revision": 1}
    calls: Calls = [
        ("get_troubleshooting_workflow", {"product": "Acme", "issue_category": "netwrok"}),
        ("start_diagnostic_session", BEGINNING),
        ("answer_diagnostic_step", {**at, "answer": "perhaps"}),
        ("answer_diagnostic_step", {**at, "revision": 7, "answer": True}),
    ]
    seen = await by_typescript(SDK_1, server, calls, "", tmp_path)
    unknown, begun, wrong, stale = seen
    assert begun.structured is not None, begun.text
    assert begun.structured["id"] == "D1001"
    for one, code, said in (
        (unknown, "WORKFLOW_NOT_FOUND", "Did you mean network?"),
        (wrong, "", "true or false"),
        (stale, "CONFLICT", "at revision 1, not 7"),
    ):
        assert one.failed
        assert not one.thrown
        assert said in one.text
        assert code in ("", one.code)
