"""Which model answers: from settings to one `Model`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from deskward.agent.model import Model
from deskward.agent.models.fallback import FallbackModel
from deskward.core.extras import extra
from deskward.core.settings import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

ANTHROPIC_DEFAULT = "claude-haiku-5-5"
"""Anthropic's model where MODEL is unset: a quick one, as befits a person who waits."""

OPENAI_DEFAULT = "gpt-5.4-mini"
"""OpenAI's model where MODEL is unset."""

_ANTHROPIC_URL = "https://api.anthropic.com"
_OPENAI_URL = "https://api.openai.com/v1"
_RETRIES = 2
"""How often the last model is asked again, with pauses. Before another one nobody waits."""


def choose_model(settings: Settings, offline: Callable[[], Model]) -> Model:
    """The model that MODEL names, with its fallbacks in their order.

    Where MODEL is unset: the first of Anthropic, Azure OpenAI and OpenAI whose own variables are
    set, with the offline model behind it; else the offline model alone.

    Args:
        settings: Names, keys and addresses. The SDKs' own environment variables have no say.
        offline: Makes the offline model.

    Raises:
        ValueError: An entry of MODEL has no known form, or lacks a setting that it needs.
    """
    entries = [entry.strip() for entry in _entries(settings)]
    if entries == ["offline"]:
        return offline()
    retries = [0] * (len(entries) - 1) + [_RETRIES]
    models = [
        _model(entry, settings, offline, again)
        for entry, again in zip(entries, retries, strict=True)
    ]
    return FallbackModel(models, settings.agent.model_timeout)


def model_addresses(settings: Settings) -> list[str | None]:
    """Where each model of MODEL is reached, in their order; None for one that needs no network."""
    found: list[str | None] = []
    for entry in map(str.strip, _entries(settings)):
        kind = entry.partition(":")[0]
        named = {
            "offline": None,
            "anthropic": settings.anthropic.base_url or _ANTHROPIC_URL,
            "openai": settings.openai.base_url or _OPENAI_URL,
            "azure": settings.azure.endpoint,
        }
        found.append(named.get(kind, entry))
    return found


def _entries(settings: Settings) -> list[str]:
    if settings.agent.model and settings.agent.model.strip():
        return settings.agent.model.split(",")
    deployment = settings.azure.deployment
    if _text(settings.anthropic.api_key):
        return [f"anthropic:{ANTHROPIC_DEFAULT}", "offline"]
    if settings.azure.endpoint and _text(settings.azure.api_key) and deployment:
        return [f"azure:{deployment}", "offline"]
    if _text(settings.openai.api_key):
        return [f"openai:{OPENAI_DEFAULT}", "offline"]
    return ["offline"]


def _model(entry: str, settings: Settings, offline: Callable[[], Model], retries: int) -> Model:
    if entry == "offline":
        return offline()
    kind, _, name = entry.partition(":")
    if kind in ("http", "https"):
        return _compatible(entry, settings, retries)
    if name and kind == "anthropic":
        return _anthropic(entry, name, settings, retries)
    if name and kind == "openai":
        return _openai(entry, name, settings, retries)
    if name and kind == "azure":
        return _azure(entry, name, settings, retries)
    raise ValueError(
        f"MODEL has the entry {entry!r}. An entry is `anthropic:NAME`, `openai:NAME`, "
        "`azure:DEPLOYMENT`, `http://host/v1#NAME` or `offline`; commas part them."
    )


# The SDKs take a second and more to import, so each is imported only where a model needs it.


def _anthropic(entry: str, name: str, settings: Settings, retries: int) -> Model:
    with extra("anthropic", f"MODEL={entry}"):
        from anthropic import AsyncAnthropic

        from deskward.agent.models.anthropic import AnthropicModel
    from deskward.agent.models.sse import timeouts, waits_shortly

    client = AsyncAnthropic(
        base_url=settings.anthropic.base_url or _ANTHROPIC_URL,
        api_key=_needed(entry, "ANTHROPIC_API_KEY", _text(settings.anthropic.api_key)),
        timeout=timeouts(settings.agent.model_timeout),
        max_retries=retries,
        # Its traces could hold what customers wrote; Deskward writes its own.
        open_telemetry=False,
    )
    client._custom_headers = {}  # ANTHROPIC_CUSTOM_HEADERS
    client._client.event_hooks = {"response": [waits_shortly]}
    return AnthropicModel(entry, name, client, timeout=settings.agent.model_timeout)


def _openai(entry: str, name: str, settings: Settings, retries: int) -> Model:
    with extra("openai", f"MODEL={entry}"):
        from deskward.agent.models.openai import OpenAIModel

    key = _needed(entry, "OPENAI_API_KEY", _text(settings.openai.api_key))
    client = _openai_client(settings.openai.base_url or _OPENAI_URL, key, settings, retries)
    return OpenAIModel(entry, name, client, timeout=settings.agent.model_timeout)


def _compatible(entry: str, settings: Settings, retries: int) -> Model:
    # The address is not repeated in the error: it may hold a password.
    error = ValueError(
        "MODEL has an address that is not of the form `http://host/v1#NAME`, without user, "
        "password and query. A key goes into OPENAI_API_KEY."
    )
    try:
        parts = urlsplit(entry)
        whole = parts.hostname and parts.port != 0 and parts.fragment
    except ValueError:
        raise error from None
    if not whole or parts.query or "@" in parts.netloc:
        raise error
    with extra("openai", f"MODEL={entry}"):
        from deskward.agent.models.openai import OpenAIModel

    # Servers without keys ignore this one, which the SDK insists on.
    key = _text(settings.openai.api_key) or "none"
    client = _openai_client(parts._replace(fragment="").geturl(), key, settings, retries)
    return OpenAIModel(
        entry,
        parts.fragment,
        client,
        timeout=settings.agent.model_timeout,
        limit_field="max_tokens",
    )


def _azure(entry: str, deployment: str, settings: Settings, retries: int) -> Model:
    with extra("openai", f"MODEL={entry}"):
        from openai import AsyncAzureOpenAI

        from deskward.agent.models.openai import OpenAIModel
    from deskward.agent.models.sse import timeouts

    client = AsyncAzureOpenAI(
        azure_endpoint=_needed(entry, "AZURE_OPENAI_ENDPOINT", settings.azure.endpoint),
        # It is part of the address, where the SDK puts it only for bodies that it encodes itself.
        azure_deployment=quote(deployment, safe=""),
        api_key=_needed(entry, "AZURE_OPENAI_API_KEY", _text(settings.azure.api_key)),
        api_version=settings.azure.api_version,
        timeout=timeouts(settings.agent.model_timeout),
        max_retries=retries,
    )
    _forget_environment(client)
    return OpenAIModel(entry, deployment, client, timeout=settings.agent.model_timeout)


def _openai_client(base_url: str, key: str, settings: Settings, retries: int) -> AsyncOpenAI:
    from openai import AsyncOpenAI

    from deskward.agent.models.sse import timeouts

    client = AsyncOpenAI(
        base_url=base_url,
        api_key=key,
        timeout=timeouts(settings.agent.model_timeout),
        max_retries=retries,
    )
    _forget_environment(client)
    return client


def _forget_environment(client: AsyncOpenAI) -> None:
    from deskward.agent.models.sse import waits_shortly

    client.organization = None  # OPENAI_ORG_ID
    client.project = None  # OPENAI_PROJECT_ID
    client.admin_api_key = None  # OPENAI_ADMIN_KEY
    client._custom_headers = {}  # OPENAI_CUSTOM_HEADERS
    client._client.event_hooks = {"response": [waits_shortly]}


def _needed(entry: str, setting: str, value: str | None) -> str:
    if not value:
        raise ValueError(f"MODEL names {entry!r}, which needs {setting}. Set it, or change MODEL.")
    return value


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""
