"""The demo password and card numbers are nowhere on disk, whichever door they came through."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.services.server import server

PASSWORD = "newSecurePass123"
OTHER_PASSWORD = "correct horse battery staple"
CARD = "4242 4242 4242 4242"
PLAIN_CARD = "4444444444444448"
SECRETS = [PASSWORD, OTHER_PASSWORD, CARD, CARD.replace(" ", ""), PLAIN_CARD]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash")]


async def test_secrets_are_nowhere(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    async with (
        server(data, log=log, level="DEBUG", fresh=True) as (url, _pid),
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        messages = (
            f"Change my password to {PASSWORD}",
            f"please block my card {CARD}",
            f"and what about {PLAIN_CARD}?",
            "I want to change my password",
            OTHER_PASSWORD,
        )
        for path in ("chat", "chat/stream"):  # a changed password ends the sessions of before
            for message in messages:
                body = {"session_id": path, "message": message}
                assert (await client.post(f"/api/v1/{path}", json=body)).status_code == 200
        attempts: list[dict[str, object]] = [
            {"new_password": PASSWORD},
            {"new_password": PASSWORD, "unknown": PASSWORD},
            {"new_pasword": PASSWORD},
            {"new_password": [PASSWORD]},
        ]
        for attempt in attempts:
            await client.put("/accounts/user_001/password", json=attempt)
        await client.post("/accounts/user_001/cards/deactivate", json={"card": CARD})
        call = {"name": "change_password", "arguments": {"new_password": PASSWORD}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        accept = {"Accept": "application/json"}
        response = await client.post("/mcp", json=request, headers=accept)
        assert response.json()["result"]["isError"] is False
    done = subprocess.run(
        [sys.executable, "-m", "deskward", "call", "change_password", f"new_password={PASSWORD}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"DATA_DIR": str(data), "DOMAINS": "bank,shop", "PATH": os.environ["PATH"]},
    )
    assert json.loads(done.stdout)["message"] == "The password was changed."
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"deskward.db", "log"}
    for file in files:
        content = file.read_bytes()
        for secret in SECRETS:
            assert secret.encode() not in content, f"{secret} is in {file.name}"
