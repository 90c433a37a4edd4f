"""Places in a test that are filled in when it runs: `https://{environment.host}/health`.

`{environment.port|443}` is 443 where nobody said a port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from deskward.diagnostics.suites.suite import Test

_PLACE = re.compile(
    r"\{(environment|configuration)((?:\.[A-Za-z_][A-Za-z0-9_]*)+)(?:\|([^{}|]*))?\}"
)
_IN_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:/?/?[^/?#]*")
"""What stands before a place in the host, or the port, of an address."""
_HOST = re.compile(r"[^\s/\\?#@%&]+")
_FILLED = ("url", "host", "port", "name", "version", "moment", "at", "user", "database")
LONGEST = 2_000
_CODED = 4
"""How often `%` is taken for the beginning of a coded sign, one inside another."""


class Unknown(Exception):
    """What a place wants is not known; the text says what to say."""


def wrong_places(test: Test) -> Iterator[tuple[str, str]]:
    """The fields of a test whose places can never be filled, and what is wrong."""
    for name, text in _texts(test):
        left = _PLACE.sub("", text)
        if "{" in left or "}" in left:
            yield (
                name,
                f"write places as {{environment.host}} or {{configuration.a.b|else}}: {text}",
            )


def wanted_places(test: Test) -> list[str]:
    """What a test has to be told, as `environment.host`; what it need not be told has a `?`."""
    found: dict[str, None] = {}
    for _, text in _texts(test):
        for place in _PLACE.finditer(text):
            found[f"{place[1]}{place[2]}{'' if place[3] is None else '?'}"] = None
    return list(found)


def filled(test: Test, values: Mapping[str, Any]) -> Test:
    """The test with its places filled in.

    Args:
        values: `environment` and `configuration`.

    Raises:
        Unknown: What one wants is not known, or is no plain value.
    """
    changed: dict[str, Any] = {}
    for name, text in _texts(test):
        told = _PLACE.sub(partial(_fitted, name, values), text)
        if len(told) > LONGEST:
            raise Unknown(f"What is filled in for `{name}` is too long.")
        if name == "url" and _leads_up(told) and not _leads_up(_unfilled(text, values)):
            raise Unknown("What is filled in for `url` leaves its place: say it without “..”.")
        if name.startswith("headers."):
            changed.setdefault("headers", {})[name.removeprefix("headers.")] = told
        else:
            changed[name] = _port(told) if name == "port" else told
    return test.model_copy(update=changed)


def configured(test: Test, values: Mapping[str, Any], *, whole: bool) -> Iterator[str]:
    """What a test is filled in with of a configuration: in its headers, or in the whole of it."""
    for name, text in _texts(test):
        if whole or name.startswith("headers."):
            for place in _PLACE.finditer(text):
                if place[1] == "configuration":
                    with suppress(Unknown):
                        yield _value(place, values)


def _texts(test: Test) -> Iterator[tuple[str, str]]:
    for name in _FILLED:
        if isinstance(value := getattr(test, name, None), str):
            yield name, value
    for name, value in getattr(test, "headers", {}).items():
        yield f"headers.{name}", value


def _fitted(name: str, values: Mapping[str, Any], found: re.Match[str]) -> str:
    """What is filled in for a place, as it can stand there and be nothing more than it is."""
    value = _value(found, values)
    if not value.isprintable():
        raise Unknown(f"{found[1]}{found[2]} is no text of one line.")
    before = found.string[: found.start()]
    if name != "url" or not before:
        return value
    if _IN_HOST.fullmatch(before):
        if (found[3] or "").startswith("/"):  # `{environment.path|/}`: the host ends here
            return value if value.startswith("/") else f"/{value}"
        if not _HOST.fullmatch(value):
            raise Unknown(f"{found[1]}{found[2]} is no host: {value[:100]!r}.")
        return value
    return quote(value, safe="" if "?" in before else "/:@,;+~")


def _unfilled(url: str, values: Mapping[str, Any]) -> str:
    """An address with something harmless in its places; one at its beginning is an address."""
    return _PLACE.sub(lambda found: "x" if found.start() else _value(found, values), url)


def _leads_up(url: str) -> bool:
    """Whether an address has a part such as `..`, however often it is coded.

    A client leaves a folder there before it asks (RFC 3986, section 5.2.4), and a server does once
    it has taken the coding away.
    """
    try:
        path = urlsplit(url).path
    except ValueError:  # told where it is asked
        return False
    for _ in range(_CODED):
        path = unquote(path)
    parts = {one.partition(";")[0].strip() for one in re.split(r"[/\\]", path)}
    return not parts.isdisjoint((".", ".."))


def _value(found: re.Match[str], values: Mapping[str, Any]) -> str:
    at: Any = values[found[1]]
    for name in found[2].split(".")[1:]:
        at = at.get(name) if isinstance(at, Mapping) else None
    if at is None or at == "":
        at = found[3]
    if at is None:
        where = "customer_environment" if found[1] == "environment" else "product_configuration"
        raise Unknown(f"{found[1]}{found[2]} is not known: say it in `{where}`.")
    if not isinstance(at, str | int | float):
        raise Unknown(f"{found[1]}{found[2]} is no text and no number.")
    return str(at).strip()


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65_536:
        return int(text)
    raise Unknown(f"{text[:40]!r} is no port from 1 to 65535.")
