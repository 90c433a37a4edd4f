"""A desk whose mail goes to a server of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Principal
from tests.conftest import STAFF
from tests.services.mail import Mail, mail

Send = Callable[..., Any]


@pytest.fixture(scope="module")
def mail_server() -> Iterator[Mail]:
    """One mail server for a module's tests."""
    with mail() as server:
        yield server


@pytest.fixture
def server(mail_server: Mail) -> Mail:
    """The mail server, as if new."""
    mail_server.received.clear()
    mail_server.faults = type(mail_server.faults)()
    mail_server.connections = 0
    return mail_server


def with_mail(settings: Settings, server: Mail, **changes: Any) -> Settings:
    """Settings that send mail to a server."""
    fields = {
        "smtp_server": server.host,
        "smtp_port": server.port,
        "smtp_ca_file": server.certificate,
        "sender_email": server.user,
        "sender_password": server.password,
        "notices": False,  # tests of other mail count what comes; those of notices have them on
        **changes,
    }
    return settings.changed(**fields)


@pytest.fixture
async def desk(sqlite_settings: Settings, server: Mail, offline) -> AsyncIterator[Desk]:
    """A desk that sends mail."""
    async with open_desk(with_mail(sqlite_settings, server), model=offline) as opened:
        yield opened


@pytest.fixture
def send(desk: Desk) -> Send:
    """A short way through the gate, as staff unless another principal is given."""

    async def call(
        name: str, principal: Principal = STAFF, key: str | None = None, **arguments: Any
    ) -> Outcome:
        return await desk.gate.call(
            name, arguments, Context(principal, "rest"), idempotency_key=key
        )

    return call
