"""What a bare `pip install deskward` leaves out is named, with the command that brings it."""

import importlib
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from deskward.core.extras import Extra, extra
from tests.cli.conftest import Cli

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
WANTING = {
    "anthropic": ("anthropic", {"MODEL": "anthropic:a", "ANTHROPIC_API_KEY": "k"}),
    "aws": ("aiobotocore", {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "secret"}),
    "folders": ("tokenizers", {"EMBEDDINGS": f"folder:{Path(__file__).parent}"}),
    "imap": (
        "imapclient",
        {"IMAP_SERVER": "127.0.0.1", "IMAP_USERNAME": "desk", "IMAP_PASSWORD": "secret"},
    ),
    "kafka": ("confluent_kafka", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}),
    "openai": ("openai", {"MODEL": "openai:a", "OPENAI_API_KEY": "k"}),
    "postgres": ("asyncpg", {"DATABASE_URL": "postgresql://desk@127.0.0.1:1/desk"}),
    "redis": ("redis", {"REDIS_URL": "redis://127.0.0.1:1"}),
    "smtp": ("aiosmtplib", {"SMTP_SERVER": "127.0.0.1", "SENDER_EMAIL": "desk@example.org"}),
}
"""Extra → the module that it brings, and settings that want it."""
BY_USE = {"graphql": "graphql"}
"""Those that no setting wants: they are named when they are first used (`tests/entrypoints`)."""
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://a.example", "AZURE_OPENAI_API_KEY": "k"}


def without(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a module not be there, nor those of ours that were imported with it."""
    for name in list(sys.modules):
        ours = name.startswith("deskward.") and name.endswith((".postgres", ".redis_window"))
        ours |= name.startswith(("deskward.agent.models.", "deskward.integrations.mail.smtp"))
        ours |= name == "deskward.integrations.kafka.broker"
        if ours or name.partition(".")[0] == module:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize("name", WANTING)
def test_a_missing_part_is_named_with_its_command(
    name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, settings = WANTING[name]
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    without(module, monkeypatch)
    code, _, error = cli("tools")
    assert code == 1
    assert f'pip install "deskward[{name}]"' in error
    assert next(iter(settings)) in error
    assert "\n" not in error


@pytest.mark.parametrize("model", ["http://127.0.0.1:1/v1#a", "azure:a"])
def test_every_model_of_the_protocol_needs_the_same_part(
    model: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in (AZURE | {"MODEL": model}).items():
        monkeypatch.setenv(variable, value)
    without("openai", monkeypatch)
    code, _, error = cli("tools")
    assert code == 1
    assert "\n" not in error
    assert 'pip install "deskward[openai]"' in error


def test_every_extra_is_known_tested_and_part_of_all() -> None:
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    optional = set(extras) - {"all", "dev"}
    assert optional == set(get_args(Extra)) == WANTING.keys() | BY_USE.keys()
    assert extras["all"] == [f"deskward[{','.join(sorted(optional))}]"]
    for name in optional:
        module = WANTING[name][0] if name in WANTING else BY_USE[name]
        assert extras[name][0].replace("-", "_").startswith(module)


def test_a_module_of_our_own_that_is_missing_is_our_fault() -> None:
    with pytest.raises(ModuleNotFoundError), extra("redis", "REDIS_URL"):
        importlib.import_module("deskward.no_such_module")
