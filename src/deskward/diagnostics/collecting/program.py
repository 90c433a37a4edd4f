"""Looks at a connection from this computer, shows what it has seen, and sends it if you agree.

It needs Python 3.8 or newer and nothing else. It reads; it changes nothing, and writes no file.
Run it with `python3 FILE`. With `--show` it shows what it would send, and sends nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import platform
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN: dict[str, Any] = {}  # the desk puts in what is to be looked at

KEPT = ("content-type", "date", "location", "retry-after", "server", "strict-transport-security")
"""Headers of an answer that are kept; no cookie is, and nothing of the body."""
HOSTS = r"C:\Windows\System32\drivers\etc\hosts" if sys.platform == "win32" else "/etc/hosts"
PROBLEMS = {10: "expired", 9: "not_yet_valid", 18: "self_signed", 62: "wrong_name"}
"""What OpenSSL calls why a certificate is not trusted."""
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
MOST = 512 * 1024
"""Bytes of an answer that are read."""
WHOLE = 3
"""A test has so many times its seconds, which are those of a single wait."""
ANSWER = 60.0
"""Seconds that the desk has to take what is sent."""
LONGEST = 500
"""Characters of what the desk says that are shown."""


def milliseconds(begun: float) -> int:
    """Since a moment of the monotonic clock."""
    return round((time.monotonic() - begun) * 1000)


def connected(test: dict[str, Any]) -> socket.socket:
    """A connection to where a test goes."""
    return socket.create_connection((test["host"], int(test["port"])), test["seconds"])


def tcp(test: dict[str, Any]) -> dict[str, Any]:
    """Whether a connection comes about."""
    begun = time.monotonic()
    with connected(test) as found:
        took = milliseconds(begun)
        return {"address": found.getpeername()[0], "milliseconds": took}


def dns(test: dict[str, Any]) -> dict[str, Any]:
    """Which addresses a name has, as programs of this computer are told."""
    begun = time.monotonic()
    try:
        found = socket.getaddrinfo(test["name"], None, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    records = list(dict.fromkeys(str(one[4][0]) for one in found))
    return {"count": len(records), "records": records[:50], "milliseconds": milliseconds(begun)}


def tls(test: dict[str, Any]) -> dict[str, Any]:
    """What certificate arrives here, whether this computer trusts it, and what is spoken."""
    begun = time.monotonic()
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    with connected(test) as plain, anyone.wrap_socket(plain, server_hostname=test["host"]) as found:
        raw, took = found.getpeercert(True) or b"", milliseconds(begun)
        seen = {
            "milliseconds": took,
            "tls": found.version() or "",
            "fingerprint": hashlib.sha256(raw).hexdigest(),
        }
    try:
        trusting = ssl.create_default_context()
        name = test["host"]
        with connected(test) as plain, trusting.wrap_socket(plain, server_hostname=name) as found:
            seen.update(told_by(found.getpeercert() or {}), trusted=True)
    except ssl.SSLCertVerificationError as error:
        problem = PROBLEMS.get(error.verify_code, "unknown_authority")
        seen.update(trusted=False, problem=problem)
    if test.get("versions"):
        seen.update(spoken_by(test))
    return seen


def told_by(certificate: Any) -> dict[str, Any]:
    """What a certificate says that is trusted."""
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    issuer = ", ".join("=".join(pair) for part in certificate.get("issuer", ()) for pair in part)
    names = [name for _, name in certificate.get("subjectAltName", ())]
    return {
        "days_left": int((ends - time.time()) // 86400),
        "issuer": issuer[:300],
        "names": names[:50],
    }


def spoken_by(test: dict[str, Any]) -> dict[str, Any]:
    """Which of the present versions of TLS are spoken; old ones are not tried."""
    found: dict[str, list[str]] = {"spoken": [], "not_spoken": [], "untried": ["TLSv1", "TLSv1.1"]}
    for name, version in VERSIONS.items():
        only = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        only.check_hostname, only.verify_mode = False, ssl.CERT_NONE
        only.minimum_version = only.maximum_version = version
        try:
            with connected(test) as plain, only.wrap_socket(plain, server_hostname=test["host"]):
                found["spoken"].append(name)
        except OSError:
            found["not_spoken"].append(name)
    return found


def asked(test: dict[str, Any], url: str, method: str) -> Any:
    """The answer of an address: status, headers, size, and the milliseconds that it took."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no address of the web")
    begun = time.monotonic()
    connection = kind(parts.hostname, parts.port, timeout=test["seconds"])
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, headers={"User-Agent": "deskward-collector"})
        answer = connection.getresponse()
        body = answer.read(MOST + 1)
        headers = {name.lower(): value[:500] for name, value in answer.getheaders()}
        return answer.status, headers, len(body), milliseconds(begun)
    finally:
        connection.close()


def web(test: dict[str, Any]) -> dict[str, Any]:
    """What an address answers, after redirections to the same host."""
    url, redirects = test["url"], 0
    while True:
        status, headers, size, took = asked(test, url, test.get("method", "GET"))
        if size > MOST:
            return {"reached": False, "problem": "too_large"}
        to = urllib.parse.urljoin(url, headers.get("location", ""))
        moved = status in (301, 302, 303, 307, 308) and "location" in headers
        if not moved or not test.get("follow", 0):
            break
        if redirects == test["follow"]:  # on and on
            return {"reached": False, "problem": "redirect"}
        if urllib.parse.urlsplit(to).netloc != urllib.parse.urlsplit(url).netloc:
            break  # only where the plan says is anything asked
        url, redirects = to, redirects + 1
    return {
        "status": status,
        "headers": {name: headers[name] for name in KEPT if name in headers},
        "size": size,
        "redirects": redirects,
        "url": url[:300],
        "milliseconds": took,
        "seconds": took / 1000,
    }


FOLLOWED = 5
"""Redirections that are followed where an address is asked several times."""


def performance(test: dict[str, Any]) -> dict[str, Any]:
    """How an address does that is asked several times, one after the other."""
    times: list[int] = []
    begun = time.monotonic()
    for _ in range(test["requests"]):
        if time.monotonic() - begun > test["seconds"]:
            break
        found = web({**test, "follow": FOLLOWED})
        if "problem" in found and not times:
            return found
        if found.get("status", 400) < 400:
            times.append(found["milliseconds"])
    times.sort()
    seen: dict[str, Any] = {"requests": test["requests"], "failed": test["requests"] - len(times)}
    if times:
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("slowest", 1.0)):
            seen[name] = times[max(0, -int(-part * len(times) // 1) - 1)]
    return seen


def clock(test: dict[str, Any]) -> dict[str, Any]:
    """How far a server's clock is off this computer's."""
    _status, headers, _size, took = asked(test, test["url"], "HEAD")
    told = parsedate_to_datetime(headers["date"])
    seconds = round(told.timestamp() - time.time())
    return {"seconds": seconds, "together": abs(seconds) <= test["most"], "milliseconds": took}


LOOKS = {
    "http": web,
    "performance": performance,
    "clock": clock,
    "tls": tls,
    "dns": dns,
    "tcp": tcp,
}


def within(seconds: float, work: Callable[..., Any], *given: Any) -> Any:
    """What a work gives; it is left alone after so many seconds, whatever it waits for."""
    done: list[Any] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            done.append(work(*given))
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)  # none is waited for at the end
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise socket.timeout("it took too long")
    return done[0]


def looked(test: dict[str, Any]) -> dict[str, Any]:
    """What one test sees; what cannot be reached is seen, too."""
    try:
        seen = within(WHOLE * test.get("seconds", 10.0), LOOKS[test["kind"]], test)
        return {"reached": True, "problem": "", **seen}
    except ssl.SSLError:
        problem = "tls"
    except socket.timeout:
        problem = "timeout"
    except socket.gaierror:
        problem = "name"
    except OSError:
        problem = "refused"
    except (ValueError, KeyError, TypeError, ArithmeticError, http.client.HTTPException):
        problem = "broken"
    return {"reached": False, "problem": problem}


def facts() -> dict[str, Any]:
    """What kind of computer this is, and what stands between it and the tests."""
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    return {
        "os": system[:100],
        "os_version": platform.release()[:100],
        "machine": platform.machine()[:100],
        "proxied": any(name in urllib.request.getproxies() for name in ("http", "https")),
        "hosts_file": in_hosts_file(),
    }


def in_hosts_file() -> bool:
    """Whether the hosts file of this computer names one of the hosts that are looked at."""
    tests = PLAN["tests"]
    wanted = {str(test.get(part, "")).lower() for test in tests for part in ("host", "name")}
    wanted |= {urllib.parse.urlsplit(test.get("url", "")).hostname or "" for test in tests}
    try:
        with open(HOSTS, encoding="utf-8", errors="replace") as file:
            lines = [line.partition("#")[0].split() for line in file]
    except OSError:
        return False
    return any(name.lower() in wanted - {"localhost"} for line in lines for name in line[1:])


UNCLEAR = (
    *(OSError, ValueError, KeyError, TypeError, RecursionError),
    http.client.HTTPException,
)
"""What goes wrong with an answer: it ends, comes too late, or is not what a desk says."""


class Stays(urllib.request.HTTPRedirectHandler):
    """Sends to the desk alone, wherever it is redirected to."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def sent(body: bytes, elapsed: int) -> str:
    """Send what was shown; returns what the desk says."""
    told = f"deskward collected\n{PLAN['collector']}\n{elapsed}\n".encode("ascii") + body
    headers = {
        "content-type": "application/json",
        "x-deskward-collector": PLAN["collector"],
        "x-deskward-elapsed": str(elapsed),
        "x-deskward-signature": hmac.new(PLAN["token"].encode("ascii"), told, "sha256").hexdigest(),
    }
    to: str = PLAN["to"]
    # The desk wrote this address into the program, over http or https.
    request = urllib.request.Request(to, body, headers, method="POST")  # noqa: S310 see above
    with urllib.request.build_opener(Stays).open(request, timeout=30) as answer:
        return message(answer.read(100_000))


def message(body: bytes) -> str:
    """What an answer of the desk says, as any terminal can show it: no signs that steer one."""
    said = str(json.loads(body)["message"])[:LONGEST]
    shown = "".join(sign if sign.isprintable() else " " for sign in said)
    return shown.encode("ascii", "backslashreplace").decode("ascii")


def target(test: dict[str, Any]) -> str:
    """Where a test goes, for people."""
    where = test.get("url") or test.get("name") or f"{test.get('host')}:{test.get('port')}"
    return f"{test['kind']} {where}"


def main(arguments: list[str]) -> int:
    """Look, show, ask, send. Exit code 1: nothing was sent; 2: nobody said that it was taken."""
    print(f"Looks for {PLAN['title']!a} (session {PLAN['session']}) from this computer at:")
    for test in PLAN["tests"]:
        print(f"  {target(test)!a}")
    print("and at its system, its clock, and whether a proxy or the hosts file is in use.")
    print("It changes nothing, and sends nothing before you agree. Looking ...", flush=True)
    begun = time.monotonic()
    found = {
        "collector": PLAN["collector"],
        "session": PLAN["session"],
        "suite": PLAN["suite"],
        "clock": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "facts": facts(),
        "seen": {test["id"]: looked(test) for test in PLAN["tests"]},
    }
    shown = json.dumps(found, indent=2)
    print(f"\nThis is what is sent to {PLAN['to']}, and nothing else:\n")
    print(shown)
    print("\nWith it go the seconds that have passed since, and a signature of both.")
    if "--show" in arguments:
        return 0
    print('Send it? Type "yes": ', end="", flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        print("Nothing was sent.")
        return 1
    try:
        elapsed = round(time.monotonic() - begun)
        said = within(ANSWER, sent, shown.encode("ascii"), elapsed)
    except urllib.error.HTTPError as error:
        print(f"The desk did not take it: {error.code} {refusal(error)!a}")
        return 2
    except urllib.error.URLError as error:
        print(f"The desk was not reached: {error!a}")
        return 2
    except UNCLEAR as error:
        print(f"It was sent. The desk's answer was not understood: {type(error).__name__}")
        return 2
    print(said)
    return 0


def refusal(error: urllib.error.HTTPError) -> str:
    """What the desk says of why it did not take it."""
    try:
        return str(within(ANSWER, lambda: message(error.read(100_000))))
    except UNCLEAR:
        return str(error.reason)[:LONGEST]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
