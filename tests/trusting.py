"""The certificates of the system are read once in a process of tests, not for each HTTP client.

That takes some twenty milliseconds, and a desk in use has few clients for as long as it runs.
"""

from __future__ import annotations

import os
import ssl
from functools import cache

import httpcore2
import pytest

_read = httpcore2.default_ssl_context


def share_trust() -> None:
    """Have all HTTP clients of this process share what they trust, unless they are told what."""
    pytest.MonkeyPatch().setattr(httpcore2, "default_ssl_context", _shared)


def _shared(*, _trust_env: bool = True) -> ssl.SSLContext:
    named = tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _of(named if _trust_env else ())


@cache
def _of(named: tuple[str | None, ...]) -> ssl.SSLContext:
    return _read(_trust_env=bool(named))
