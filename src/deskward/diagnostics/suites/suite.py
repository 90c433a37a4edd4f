"""What a suite of tests is: what each test looks at, and what it expects to see."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MOST_SECONDS = 30.0
"""What one test may take."""
MOST_TESTS = 50
MOST_REDIRECTS = 5

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
Line = Annotated[str, Field(min_length=1, max_length=300)]
Filled = Annotated[str, Field(min_length=1, max_length=2_000)]
"""A text with places that are filled in, see `filling.py`."""
Port = Annotated[int, Field(ge=1, le=65_535)] | Annotated[str, Field(max_length=100)]
"""A number, or a place that is filled with one."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Test(_Part):
    """What all tests say.

    Attributes:
        seconds: After which it counts as failed.
        expect: Conditions (CEL) over `seen`, `environment` and `configuration` that must hold.
            Without any, what is usual for its kind.
        hint: What to do where it fails.
    """

    id: Id
    title: Line
    seconds: float = Field(10.0, gt=0, le=MOST_SECONDS)
    expect: tuple[Annotated[str, Field(max_length=1_000)], ...] = Field((), max_length=20)
    hint: Annotated[str, Field(max_length=1_000)] = ""


class Http(_Test):
    """Ask an address.

    Attributes:
        follow: How many redirections are followed; each goes where a test may go, or nowhere.
        paths: Name → JSONPath (RFC 9535): what of the answer is `seen.found.NAME`.
    """

    kind: Literal["http"]
    url: Filled
    method: Literal["GET", "HEAD"] = "GET"
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")], Filled] = {}
    follow: int = Field(MOST_REDIRECTS, ge=0, le=MOST_REDIRECTS)
    paths: dict[Id, Annotated[str, Field(max_length=300)]] = Field({}, max_length=20)


class Performance(_Test):
    """Ask an address several times.

    Attributes:
        requests: How many times.
        at_once: How many of them at the same time.
    """

    kind: Literal["performance"]
    url: Filled
    requests: int = Field(20, ge=1, le=100)
    at_once: int = Field(2, ge=1, le=10)


class Tls(_Test):
    """Look at a certificate, its chain, and the versions of TLS that are spoken.

    Attributes:
        versions: Whether each version is tried.
    """

    kind: Literal["tls"]
    host: Filled
    port: Port = 443
    versions: bool = True


class Dns(_Test):
    """Look a name up. `address` asks as programs of this machine do, the others ask for records."""

    kind: Literal["dns"]
    name: Filled
    record: Literal["address", "A", "AAAA", "CNAME", "MX", "NS", "TXT"] = "address"


class Tcp(_Test):
    """Open a connection."""

    kind: Literal["tcp"]
    host: Filled
    port: Port


class Mail(_Test):
    """Greet a mail server. Nobody signs in, and nothing is sent."""

    kind: Literal["smtp", "imap"]
    host: Filled
    port: Port | None = None
    security: Literal["none", "starttls", "tls"] | None = None


class Database(_Test):
    """Greet a database, up to the point where it wants to know a password.

    Attributes:
        secret: The name of a secret of the settings, with which PostgreSQL is signed in to.
    """

    kind: Literal["database"]
    engine: Literal["postgresql", "mysql", "redis"]
    host: Filled
    port: Port | None = None
    user: Filled = "deskward"
    database: Filled = "postgres"
    secret: Id | None = None

    @model_validator(mode="after")
    def _can_sign_in(self) -> Database:
        if self.secret is not None and self.engine != "postgresql":
            raise ValueError("a `secret` is used for the engine postgresql alone")
        return self


class Rule(_Part):
    """What a configuration must be like.

    Attributes:
        that: CEL over `configuration` and `environment`.
        otherwise: What is wrong where it does not hold.
    """

    that: Annotated[str, Field(max_length=1_000)]
    otherwise: Line


class Configuration(_Test):
    """Look at the product's configuration. Nothing is reached."""

    kind: Literal["configuration"]
    form: dict[str, Any] = Field(
        {}, alias="schema", description="JSON Schema (2020-12) of the configuration."
    )
    rules: tuple[Rule, ...] = Field((), max_length=100)

    @field_validator("form")
    @classmethod
    def _is_a_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        from jsonschema import Draft202012Validator, SchemaError  # long to import, seldom needed

        try:
            Draft202012Validator.check_schema(value)
        except SchemaError as error:
            raise ValueError(f"this is no JSON Schema: {error.message}") from None
        return value


class Version(_Test):
    """Compare a version. Nothing is reached.

    Attributes:
        wanted: As `>=2.3,<4` (PEP 440).
    """

    kind: Literal["version"]
    version: Filled
    wanted: Annotated[str, Field(min_length=1, max_length=100)]

    @field_validator("wanted")
    @classmethod
    def _is_one(cls, value: str) -> str:
        try:
            SpecifierSet(value)
        except InvalidSpecifier:
            raise ValueError(f"{value} is no range of versions such as >=2.3,<4") from None
        return value


class Clock(_Test):
    """Compare a clock with this machine's.

    Attributes:
        url: An address whose answers say the time (the header Date, in whole seconds).
        moment: Or a moment that was told, as 2026-11-26T08:00:00Z.
        at: When it was told; this moment where it is left out.
        most: Seconds that they may differ by.
    """

    kind: Literal["clock"]
    url: Filled | None = None
    moment: Filled | None = None
    at: Filled | None = None
    most: int = Field(60, ge=1, le=86_400)

    @model_validator(mode="after")
    def _has_one(self) -> Clock:
        if (self.url is None) == (self.moment is None):
            raise ValueError("a clock is asked at a `url`, or told as a `moment`")
        return self


Test = Annotated[
    Http | Performance | Tls | Dns | Tcp | Mail | Database | Configuration | Version | Clock,
    Field(discriminator="kind"),
]

USUAL: dict[str, tuple[str, ...]] = {
    "http": ("seen.status < 400",),
    "performance": ("seen.failed == 0",),
    "tls": ("seen.trusted",),
    "dns": ("seen.count > 0",),
    "tcp": ("seen.reached",),
    "smtp": ("seen.ready",),
    "imap": ("seen.ready",),
    "database": ("seen.ready",),
    "configuration": ("seen.count == 0",),
    "version": ("seen.fits",),
    "clock": ("seen.together",),
}
"""Kind → what is expected where a test says nothing."""

_REACHED = ("reached", "problem", "address", "milliseconds")
_NAMED = re.compile(r"\bseen\s*\.\s*([A-Za-z_]\w*)")
_FOUND = re.compile(
    r"\bseen\s*\.\s*found\s*"
    r"""(?:\.\s*([A-Za-z_]\w*)\b(?!\s*\()|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\])"""
)
"""A path that a condition names; a function of all that was found (`size()`) is none."""


def seen_by(source: str) -> list[str]:
    """The parts of what was seen that a condition names, each once, in order."""
    return list(dict.fromkeys(_NAMED.findall(source)))


def found_by(source: str) -> list[str]:
    """The paths of an `http` test that a condition reads as `seen.found.NAME`, each once."""
    return list(dict.fromkeys("".join(names) for names in _FOUND.findall(source)))


SEEN: dict[str, frozenset[str]] = {
    "http": frozenset(
        (
            *_REACHED,
            "seconds",
            "status",
            "headers",
            "size",
            "json",
            "found",
            "redirects",
            "url",
            "tls",
        )
    ),
    "performance": frozenset(
        (*_REACHED, "requests", "failed", "p50", "p95", "p99", "slowest", "per_second")
    ),
    "tls": frozenset(
        (
            *(*_REACHED, "trusted", "subject", "issuer", "names", "days_left", "days_old", "tls"),
            *("self_signed", "spoken", "not_spoken", "untried", "cipher", "fingerprint"),
        )
    ),
    "dns": frozenset((*_REACHED, "count", "records")),
    "tcp": frozenset(_REACHED),
    "smtp": frozenset((*_REACHED, "ready", "greeting", "offers", "encrypted", "trusted")),
    "imap": frozenset((*_REACHED, "ready", "greeting", "offers", "encrypted", "trusted")),
    "database": frozenset((*_REACHED, "ready", "server", "answer", "signed_in", "version")),
    "configuration": frozenset(("count", "problems")),
    "version": frozenset(("version", "fits")),
    "clock": frozenset((*_REACHED, "seconds", "together")),
}
"""Kind → what can be seen, by its name in conditions. `problem` is empty where there is none, or
one of `timeout`, `refused`, `name`, `tls`, `redirect`, `too_large`, `broken`."""


class Suite(_Part):
    """A file of a suite.

    Attributes:
        suite: Its id.
        version: Is raised with each change that matters.
        products: The products that it is for; none for all.
    """

    suite: Id
    version: int = Field(ge=1)
    title: Line
    products: tuple[str, ...] = ()
    tests: tuple[Test, ...] = Field(min_length=1, max_length=MOST_TESTS)
