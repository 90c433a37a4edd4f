"""What the tests of the agent share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deskward.agent.model import Model
from deskward.agent.models.choose import choose_model
from deskward.agent.models.fallback import FallbackModel
from deskward.app import Desk
from deskward.core.setting_names import names
from deskward.core.settings import Settings
from tests.agent.providers import KEY, Connect, Offline, settings
from tests.agent.talk import Talk


@pytest.fixture
def talk(sqlite_desk: Desk) -> Talk:
    return Talk(sqlite_desk)


@pytest.fixture
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names(Settings):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make models that speak to an address; they are closed when the test ends."""
    models: list[Any] = []

    def connected(
        protocol: str, address: str, *, key: str = KEY, timeout: float = 10.0, behind: str = ""
    ) -> Model:
        named = {
            "openai": "openai:test",
            "anthropic": "anthropic:test",
            "azure": "azure:test",
            "compatible": f"{address}/v1#test",
        }
        model = choose_model(
            settings(
                model=",".join(filter(None, [named[protocol], behind])),
                model_timeout=timeout,
                openai_api_key=key,
                openai_base_url=f"{address}/v1",
                anthropic_api_key=key,
                anthropic_base_url=address,
                azure_openai_api_key=key,
                azure_openai_endpoint=address,
            ),
            Offline,
        )
        models.append(model)
        return model

    yield connected
    await FallbackModel(models).close()
