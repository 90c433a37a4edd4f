"""What makes vectors: from settings to one `Embedder`, or to none."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from deskward.core.settings import Settings
from deskward.integrations.embeddings.both import Both
from deskward.integrations.embeddings.lazy import Lazy
from deskward.integrations.embeddings.weights import (
    E5_DIMENSIONS,
    E5_NAME,
    USE_DIMENSIONS,
    USE_NAME,
    e5_weights,
    use_weights,
)
from deskward.text.vectors import Embedder, EmbeddingFailed

log = logging.getLogger(__name__)

NO_WEIGHTS = (
    "There are no sentence vectors: no package with weights is installed for this machine. "
    "Knowledge is searched by words alone, and languages do not find each other. EMBEDDINGS can "
    "name a service or a folder instead, and EMBEDDINGS=off says that this is meant."
)
_OPENAI_URL = "https://api.openai.com/v1"


def choose_embedder(settings: Settings, *, check: bool = False) -> Embedder | None:
    """What EMBEDDINGS names; nothing is loaded and nobody is asked yet.

    Unset, it is the best model whose weights are installed with Deskward; where there are none,
    that is logged, and there are no vectors.

    Args:
        settings: What EMBEDDINGS is, and the providers' keys and addresses.
        check: Whether a folder's model is tried at once, and not at first use.

    Raises:
        ValueError: EMBEDDINGS has no known form, or lacks something; the message says what.
    """
    named = (settings.embeddings.model or "").strip()
    kind, _, name = named.partition(":")
    if named == "off":
        return None
    if named in ("", "embedded", "fast"):
        slow, quick = e5_weights(), use_weights()
        if slow is not None and named != "fast":
            return _e5(slow) if quick is None else Both(_e5(slow), _use(quick))
        if quick is not None and named != "embedded":
            return _use(quick)
        if named:
            raise ValueError(f"EMBEDDINGS={named}: the package with the weights is not installed")
        _say_once()
        return None
    if name and kind == "folder":
        from deskward.integrations.embeddings.folder import Folder

        folder = Folder(Path(name))
        try:
            if check:
                folder.check()
        except EmbeddingFailed as error:
            raise ValueError(f"EMBEDDINGS={named}: {error}") from error
        return folder
    if name and kind in ("openai", "azure", "http", "https"):
        return _remote(kind, name, named, settings)
    raise ValueError(
        f"EMBEDDINGS is {named!r}. It is `embedded`, `fast`, `folder:PATH`, `openai:NAME`, "
        "`azure:DEPLOYMENT`, `http://host/v1#NAME` or `off`."
    )


def for_sentences(settings: Settings, embedder: Embedder | None) -> Embedder | None:
    """What tells what customers' sentences mean: quick, and never a service elsewhere.

    Args:
        settings: They may say that there are no vectors at all.
        embedder: What `choose_embedder` found.
    """
    if (settings.embeddings.model or "").strip() == "off":
        return None
    if (path := use_weights()) is not None:
        return _use(path)
    return embedder if embedder is not None and embedder.local else None


# These bring numpy, which a desk does without as long as nobody asks it anything.


@cache
def _e5(path: Path) -> Embedder:
    def load() -> Embedder:
        from deskward.integrations.embeddings.e5 import E5

        return E5(path)

    return Lazy(E5_NAME, E5_DIMENSIONS, load)


@cache  # a search and the skills have one model of it between them
def _use(path: Path) -> Embedder:
    def load() -> Embedder:
        from deskward.integrations.embeddings.use import Use

        return Use(path)

    return Lazy(USE_NAME, USE_DIMENSIONS, load)


@cache
def _say_once() -> None:
    log.warning(NO_WEIGHTS)


def _remote(kind: str, name: str, named: str, settings: Settings) -> Embedder:
    # Brings an HTTP client, which the weights at hand do without.
    from deskward.integrations.embeddings.remote import Remote

    key, version = _text(settings.openai.api_key), ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if kind == "openai":
        if not key:
            raise ValueError(f"EMBEDDINGS={named} needs OPENAI_API_KEY")
        url = settings.openai.base_url or _OPENAI_URL
    elif kind == "azure":
        key = _text(settings.azure.api_key)
        if not settings.azure.endpoint or not key:
            raise ValueError(
                f"EMBEDDINGS={named} needs AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY"
            )
        url = f"{settings.azure.endpoint.rstrip('/')}/openai/deployments/{quote(name, safe='')}"
        version = f"?api-version={quote(settings.azure.api_version, safe='')}"
        headers = {"api-key": key}
    else:
        url, _, name = named.partition("#")
        if not name or not urlsplit(url).hostname:
            raise ValueError(f"EMBEDDINGS={named} has to be `http://host/v1#NAME`")
    return Remote(
        f"{url.rstrip('/')}/embeddings{version}",
        name,
        headers=headers,
        timeout=settings.embeddings.timeout,
    )


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value().strip() if secret else ""
