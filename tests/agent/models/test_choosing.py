"""Which model is chosen by the settings, and the next one where it hangs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deskward.agent.model import Finished, ModelEvent, ModelRequest, TextPiece
from deskward.agent.models.choose import ANTHROPIC_DEFAULT, OPENAI_DEFAULT, choose_model
from deskward.agent.models.fallback import FallbackModel
from tests.agent.providers import Offline, asking, settings

pytestmark = pytest.mark.usefixtures("no_settings_from_outside")


def test_choosing_offline_imports_no_sdk() -> None:
    program = """
import sys
from deskward.agent.models.choose import choose_model
from deskward.core.settings import Settings
choose_model(Settings(_env_file=None, model="offline"), object)
assert not {"openai", "anthropic", "httpx2"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "offline"),
        ({"model": ""}, "offline"),
        ({"model": "offline"}, "offline"),
        ({"model": "http://localhost:11434/v1#llama3.2:3b"}, None),
        ({"model": "https://models.example/v1#a/b"}, None),
        ({"model": "openai:ft:gpt-4o:us::1", "openai_api_key": "k"}, None),
        ({"model": "anthropic:c", "anthropic_api_key": "k"}, None),
        ({"model": "anthropic:c , offline", "anthropic_api_key": "k"}, "anthropic:c, offline"),
        ({"anthropic_api_key": "k"}, f"anthropic:{ANTHROPIC_DEFAULT}, offline"),
        ({"openai_api_key": "k"}, f"openai:{OPENAI_DEFAULT}, offline"),
        ({"openai_api_key": "k", "anthropic_api_key": ""}, f"openai:{OPENAI_DEFAULT}, offline"),
        (
            {
                "openai_api_key": "k",
                "azure_openai_endpoint": "https://x.example",
                "azure_openai_api_key": "k",
                "azure_openai_responses_deployment_name": "desk",
            },
            "azure:desk, offline",
        ),
    ],
)
def test_choosing(values: dict[str, Any], name: str | None) -> None:
    assert choose_model(settings(**values), Offline).name == (name or values["model"])


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("anthropic:c", "ANTHROPIC_API_KEY"),
        ("openai:c", "OPENAI_API_KEY"),
        ("azure:c", "AZURE_OPENAI_ENDPOINT"),
        ("offline,", "MODEL"),
        ("gpt-4o", "MODEL"),
        ("openai:", "MODEL"),
        ("mistral:x", "MODEL"),
        ("http://localhost/v1", "MODEL"),
        ("http://#x", "MODEL"),
        ("http://user:hunter2@host/v1#x", "MODEL"),
        ("http://host/v1?key=hunter2#x", "MODEL"),
        ("http://host:hunter2/v1#x", "MODEL"),
        ("http://[hunter2/v1#x", "MODEL"),
    ],
)
def test_choosing_what_cannot_be(model: str, named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        choose_model(settings(model=model), Offline)
    assert "hunter2" not in str(caught.value)


async def test_a_model_that_hangs_gives_way_to_the_next() -> None:
    class Hanging:
        name = "hanging"

        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
            await asyncio.sleep(60)
            yield TextPiece("late")

        async def close(self) -> None: ...

    model = FallbackModel([Hanging(), Offline()], timeout=0.05)
    events = [event async for event in model.stream(asking("plain"))]
    assert isinstance(events[-1], Finished)
    assert events[-1].model == "offline"
