"""What an editor is told that calls the support server wrongly, through a client of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from tests.diagnostics.test_support_server import ask, editor
from tests.services.faulty_web import Authority


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
        session = await ask(
            client,
            "start_diagnostic_session",
            customer_id="user_001",
            product_name="Acme API",
            issue_description="Our API calls get a 429",
        )
        at = {"session_id": session["id"], "revision": session["revision"]}
        wrong = await refused(client, "answer_diagnostic_step", **at, answer="perhaps")
        assert "true or false" in wrong
        stale = await refused(
            client, "answer_diagnostic_step", **{**at, "revision": 7}, answer=True
        )
        assert "at revision 1, not 7" in stale
