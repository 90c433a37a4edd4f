"""Greeting mail servers: SMTP and IMAP, with and without TLS. Nobody signs in."""

from __future__ import annotations

from typing import Any

from deskward.diagnostics.suites.inside import Seen
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.suite import Mail
from deskward.integrations.checks.reaching import NotReached, Wire, connected, find
from deskward.integrations.checks.tls import certificate, trusting, verifying

PORTS = {("smtp", "none"): 25, ("smtp", "starttls"): 587, ("smtp", "tls"): 465}
PORTS |= {("imap", "none"): 143, ("imap", "starttls"): 143, ("imap", "tls"): 993}
MOST_LINES = 50
"""Lines of a greeting."""


async def look(test: Mail, reach: Reach) -> Seen:
    """How a mail server greets, what it offers, and whether it can be spoken to encrypted.

    Raises:
        NotAllowed: It may not be greeted.
        NotReached: There is nobody, or it is no mail server.
    """
    security = test.security or ("starttls" if test.kind == "smtp" else "tls")
    port = test.port or PORTS[test.kind, security]
    assert isinstance(port, int)
    place = await find(test.host, port, reach)
    hello = _smtp if test.kind == "smtp" else _imap
    # It is greeted whatever its certificate is: no password is sent, and `trusted` tells of it.
    context = trusting() if security == "tls" else None
    async with connected(place, context) as (wire, took):
        greeting, offers = await hello(wire, greeted=False)
        ready = True
        if security == "starttls":
            ready = "STARTTLS" in offers
            if ready:
                await _encrypt(wire, test.kind, place.host)
                _, offers = await hello(wire, greeted=True)
    seen: dict[str, Any] = {
        "reached": True,
        "problem": "" if ready else "no_starttls",
        "address": place.shown,
        "milliseconds": took,
        "ready": ready,
        "greeting": greeting[:300],
        "offers": offers,
        "encrypted": security != "none" and ready,
    }
    if security == "tls":
        seen |= _trust(await certificate(place))
    told = f"It greets with “{greeting[:200]}” after {took} ms"
    return seen, f"{told}." if ready else f"{told}, and does not offer STARTTLS."


def _trust(found: dict[str, Any]) -> dict[str, Any]:
    return {"trusted": found["trusted"], "problem": found["problem"]}


async def _encrypt(wire: Wire, kind: str, name: str) -> None:
    await wire.say(b"STARTTLS\r\n" if kind == "smtp" else b"b STARTTLS\r\n")
    line = await wire.line()
    if not line.startswith("220" if kind == "smtp" else "b OK"):
        raise NotReached("broken", f"It offers STARTTLS and refuses it: {line[:200]}")
    await wire.encrypt(verifying(), name)


async def _smtp(wire: Wire, *, greeted: bool) -> tuple[str, list[str]]:
    greeting = "" if greeted else (await _reply(wire, "220"))[0]
    await wire.say(b"EHLO deskward.invalid\r\n")
    return greeting, [line.upper() for line in (await _reply(wire, "250"))[1:]]


async def _reply(wire: Wire, wanted: str) -> list[str]:
    """The lines of a reply, without their number."""
    lines: list[str] = []
    for _ in range(MOST_LINES):
        line = await wire.line()
        if not line.startswith(wanted):
            raise NotReached("broken", f"It answers “{line[:200]}” instead of {wanted}.")
        lines.append(line[4:])
        if line[3:4] != "-":
            return lines
    raise NotReached("too_large", "Its greeting does not end.")


async def _imap(wire: Wire, *, greeted: bool) -> tuple[str, list[str]]:
    greeting = "" if greeted else await wire.line()
    if not greeted and not greeting.upper().startswith(("* OK", "* PREAUTH")):
        raise NotReached("broken", f"It answers “{greeting[:200]}” instead of a greeting of IMAP.")
    await wire.say(b"a CAPABILITY\r\n")
    offers: list[str] = []
    for _ in range(MOST_LINES):
        line = await wire.line()
        if line.upper().startswith("* CAPABILITY"):
            offers = line.upper().split()[2:]
        if line.startswith("a "):
            return greeting.removeprefix("* "), offers
    raise NotReached("too_large", "Its answer does not end.")
