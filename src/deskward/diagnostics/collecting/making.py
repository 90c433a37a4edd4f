"""Making a collector: one file for one session and one suite, signed by the desk."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from deskward.core.errors import Conflict
from deskward.diagnostics.collecting.program import KEPT
from deskward.diagnostics.suites.filling import Unknown, filled, wanted_places
from deskward.diagnostics.suites.suite import Clock, Dns, Http, Test, seen_by
from deskward.gate.ledger.heads import Signer, is_signature
from deskward.gate.sealing import Sealing

PROGRAM = Path(__file__).with_name("program.py")
COLLECTED = "/api/v1/collected"
"""Where what was collected is sent to."""
PURPOSE = "collector"
_PLAN = "PLAN: dict[str, Any] = {}  # the desk puts in what is to be looked at\n"
_QUOTED = re.compile(r"""['"]([A-Za-z0-9-]+)['"]""")
_REACHED = ("reached", "problem", "milliseconds")
_SEES: Mapping[str, frozenset[str]] = {
    "http": frozenset((*_REACHED, "seconds", "status", "headers", "size", "redirects", "url")),
    "performance": frozenset(
        ("reached", "problem", "requests", "failed", "p50", "p95", "p99", "slowest")
    ),
    "tls": frozenset(
        (
            *(*_REACHED, "trusted", "issuer", "names", "days_left", "tls", "fingerprint"),
            *("spoken", "not_spoken", "untried"),
        )
    ),
    "dns": frozenset((*_REACHED, "count", "records")),
    "tcp": frozenset((*_REACHED, "address")),
    "clock": frozenset((*_REACHED, "seconds", "together")),
}
"""Kind → what the program sees; a test that expects something of more would fail for nothing."""
_SIGNED = re.compile(rb"(.*\n)# signed by ([A-Za-z0-9+/=]{44}): ([A-Za-z0-9+/=]{88})\n", re.DOTALL)


@dataclass(frozen=True)
class Collecting:
    """What collectors are made with.

    Attributes:
        url: The desk's address as customers' machines reach it; None where no setting says it.
        vault: Seals their tokens.
        signer: Signs their files.
        lasts: How long one can be used.
    """

    url: str | None
    vault: Sealing
    signer: Signer
    lasts: timedelta


def parted(
    tests: Sequence[Test], values: Mapping[str, Any]
) -> tuple[list[Test], dict[str, str]]:  # fmt: skip
    """The tests that a collector can make, filled in, and why it cannot make the others."""
    made: list[Test] = []
    left: dict[str, str] = {}
    for one in tests:
        if why := _cannot(one):
            left[one.id] = why
            continue
        try:
            made.append(filled(one, values))
        except Unknown as unknown:
            if isinstance(one, Clock) and one.moment is not None:
                made.append(one)  # the machine's own clock is what it is compared with
            else:
                left[one.id] = str(unknown)
    return made, left


def _cannot(test: Test) -> str:
    if test.kind not in _SEES:
        return "A collector does not make tests of this kind."
    if unseen := _unseen(test):
        return f"A collector does not see {unseen}, which it expects something of."
    if any(one.startswith("configuration") for one in wanted_places(test)):
        return "A collector holds nothing of a configuration."
    if isinstance(test, Http) and test.paths:
        return "A collector reads nothing of an answer's body."
    if isinstance(test, Http) and test.headers:
        return "A collector sends no headers of the suite."
    if isinstance(test, Dns) and test.record != "address":
        return "A collector asks for addresses of names alone."
    return ""


def _unseen(test: Test) -> str:
    """What a test expects something of that a collector does not see; empty where it sees all."""
    sees = _SEES[test.kind]
    for source in test.expect:
        for name in seen_by(source):
            if name not in sees:
                return name
        if "headers" in source and (more := set(_QUOTED.findall(source)) - set(KEPT)):
            return f"the header {min(more)}"
    return ""


def asked_of(test: Test) -> dict[str, Any] | None:
    """What the program is told of a test; None where it has nothing to do."""
    if isinstance(test, Clock) and test.moment is not None:
        return None
    names = {"id", "kind", "url", "host", "port", "name", "method", "follow", "requests"}
    names |= {"versions", "most", "seconds"}
    return test.model_dump(mode="json", include=names)


def program(plan: Mapping[str, Any], signer: Signer) -> bytes:
    """The file: the program with its plan in it, and the desk's signature of all before it."""
    told = ascii(json.dumps(plan))  # a literal without an end of line, whatever is in it
    text = _text().replace(_PLAN, f"PLAN: dict[str, Any] = json.loads({told})\n")
    body = text.encode("ascii")
    signature = signer.signature(PURPOSE, body)
    return body + f"# signed by {signer.public_key}: {signature}\n".encode("ascii")


def signed_by(file: bytes) -> str | None:
    """The public key of the desk that has made a file; None where it was changed since."""
    found = _SIGNED.fullmatch(file)
    if found is None:
        return None
    key = found[2].decode("ascii")
    return key if is_signature(key, PURPOSE, found[1], found[3].decode("ascii")) else None


def digest(file: bytes) -> str:
    """By what a customer can compare a file."""
    return hashlib.sha256(file).hexdigest()


def address(url: str | None) -> str:
    """Where what was collected is sent to.

    Raises:
        Conflict: No setting says where customers' machines reach the desk.
    """
    if url is None:
        raise Conflict(
            "A collector has to know where to send to: set DIAGNOSTICS_COLLECTOR_URL to the "
            "desk's address as customers' machines reach it."
        )
    return f"{url.rstrip('/')}{COLLECTED}"


def token_of(secret: bytes) -> str:
    """A secret as the program holds it."""
    return base64.urlsafe_b64encode(secret).decode("ascii").rstrip("=")


@cache
def _text() -> str:
    text = PROGRAM.read_text("ascii")
    assert text.count(_PLAN) == 1
    return text
