"""GreenMail: a mail server of another make (SMTP and IMAP with IDLE), for the tests.

One jar, had by Maven in one pinned version, in a cache folder outside the repository. Set
DESKWARD_TEST_CACHE to choose the folder. Where it cannot be had, tests skip with the reason, or
fail if CI is set.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.services.programs import find_program, free_port, give_up, running

ARTIFACT = "com.icegreen:greenmail-standalone"
VERSION = "2.1.13"
SHA256 = "21b361e46e8ffe83afe7915a2b01231c4a163c8d0fa5de607e32ed19732d908d"
INSTALL_TIMEOUT = 240
"""Seconds; at first Maven fetches its own parts as well."""
PASSWORD = "mailbox-password"


@dataclass(frozen=True)
class GreenMail:
    """A running server. The name of a mailbox is its whole address."""

    smtp_port: int
    imap_port: int
    password: str = PASSWORD


@contextlib.contextmanager
def greenmail(*addresses: str) -> Iterator[GreenMail]:
    """Run a server with mailboxes of these addresses."""
    java = find_program("java", "default-jre-headless")
    jar = _jar()
    server = GreenMail(free_port(), free_port())
    users = ",".join(_user(address) for address in addresses)
    options = {
        "hostname": "127.0.0.1",
        "smtp.hostname": "127.0.0.1",
        "smtp.port": server.smtp_port,
        "imap.hostname": "127.0.0.1",
        "imap.port": server.imap_port,
        "users": users,
        "users.login": "email",
    }
    told = [f"-Dgreenmail.{name}={value}" for name, value in options.items()]
    small = ["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    with (
        tempfile.TemporaryDirectory(prefix="deskward-greenmail-") as folder,
        running(
            [java, *small, *told, "-jar", str(jar)],
            ports=[server.smtp_port, server.imap_port],
            log=Path(folder, "log"),
        ),
    ):
        yield server


def _user(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local}:{PASSWORD}@{domain}"


def _jar() -> Path:
    """The jar, fetched where it is missing; one that is not what it should be is none."""
    cache = os.environ.get("DESKWARD_TEST_CACHE") or Path.home() / ".cache" / "deskward-tests"
    jar = Path(cache, f"greenmail-standalone-{VERSION}.jar")
    if not jar.exists():
        maven = find_program("mvn", "maven")
        jar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=jar.parent) as fresh:
            _fetch(maven, Path(fresh))
            Path(fresh, jar.name).replace(jar)
    if hashlib.sha256(jar.read_bytes()).hexdigest() != SHA256:
        jar.unlink()
        give_up(f"{ARTIFACT}:{VERSION} is not the one that is known")
    return jar


def _fetch(maven: str, folder: Path) -> None:
    try:
        done = subprocess.run(
            [
                *(maven, "-q", "-B", "dependency:copy"),
                f"-Dartifact={ARTIFACT}:{VERSION}",
                f"-DoutputDirectory={folder}",
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        give_up(f"Maven took more than {INSTALL_TIMEOUT} s to fetch {ARTIFACT}")
    if done.returncode != 0:
        give_up(f"Maven could not fetch {ARTIFACT}: {(done.stdout + done.stderr)[-500:]}")
