"""What a program pays that only imports the client."""

import subprocess
import sys

import pytest

SERVER = ("sqlalchemy", "fastapi", "starlette", "uvicorn", "alembic", "numpy", "cedarpy", "openai")


def loaded(code: str) -> set[str]:
    """Which of the server's packages are there after some code ran in a fresh process."""
    code += f"\nimport sys\nprint(*sorted(sys.modules.keys() & set({SERVER!r})))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.parametrize(
    "code",
    [
        "import deskward.client",
        "from deskward.client import MCPClient, SyncMCPClient; SyncMCPClient('http://127.0.0.1:1')",
    ],
)
def test_the_client_comes_without_the_server(code: str) -> None:
    assert loaded(code) == set()


def test_the_agent_comes_when_it_is_used() -> None:
    assert "sqlalchemy" in loaded("from deskward.client import AgentSession")


def test_what_the_client_does_not_have_is_not_there() -> None:
    import deskward.client

    assert not hasattr(deskward.client, "NoSuchThing")
    for name in deskward.client.__all__:
        assert getattr(deskward.client, name).__module__.startswith("deskward.client.")
