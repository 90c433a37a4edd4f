"""The peers of the tests, each for one round trip."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis

from tests.services.dovecot import dovecot
from tests.services.mail import Drop, Mail, mail
from tests.services.redis import redis


@pytest.mark.xdist_group("redis")
def test_redis_answers_goes_away_and_comes_back() -> None:
    with redis() as server, Redis.from_url(server.url) as client:
        assert client.ping()
        client.set("key", "value")
        server.stop()
        with pytest.raises(RedisConnectionError):
            client.ping()
        server.start()
        assert client.get("key") is None


@pytest.mark.xdist_group("mail")
def test_mail_reaches_every_mailbox_of_its_envelope() -> None:
    with dovecot() as boxes, mail(boxes) as server, _client(server) as client:
        client.send_message(
            _message("anna@example.com"), to_addrs=["anna@example.com", "BCC@b.example"]
        )
        for address in ("anna@example.com", "bcc@b.example"):
            (message,) = boxes.messages(address)
            assert message["Delivered-To"].lower() == address
            assert message["To"] == "anna@example.com"
            assert message["Bcc"] is None
            assert message.get_content().split() == ["Hello", "Anna,", "grüß", "dich"]
        assert boxes.messages("nobody@example.com") == []
        (received,) = server.received
        assert received.recipients == ("anna@example.com", "BCC@b.example")
        assert (received.user, received.encrypted) == (server.user, True)


@pytest.mark.xdist_group("mail")
def test_mail_by_implicit_tls_is_recorded() -> None:
    with mail(implicit_tls=True) as server, _client(server, implicit_tls=True) as client:
        client.send_message(_message("anna@example.com"))
        assert [received.recipients for received in server.received] == [("anna@example.com",)]


@pytest.mark.xdist_group("mail")
def test_mail_wants_tls_and_the_password() -> None:
    with mail() as server, smtplib.SMTP("localhost", server.port) as client:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.login(server.user, server.password)
        client.starttls(context=ssl.create_default_context(cafile=server.certificate))
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.send_message(_message("anna@example.com"))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(server.user, "another password")


@pytest.mark.xdist_group("mail")
def test_mail_fails_as_told() -> None:
    with mail() as server:
        server.faults.refused = {"gone@example.com"}
        server.faults.delayed = {"later@example.com"}
        with _client(server) as client:
            addresses = ["anna@example.com", "gone@example.com", "later@example.com"]
            problems = client.send_message(_message("anna@example.com"), to_addrs=addresses)
            assert {address: code for address, (code, _) in problems.items()} == {
                "gone@example.com": 550,
                "later@example.com": 451,
            }
            server.faults.answer = "554 5.7.1 Spam"
            with pytest.raises(smtplib.SMTPDataError):
                client.send_message(_message("anna@example.com"))
        assert [received.recipients for received in server.received] == [("anna@example.com",)]


@pytest.mark.xdist_group("mail")
@pytest.mark.parametrize(("drop", "taken"), [(Drop.BEFORE, 0), (Drop.AFTER, 1)])
def test_mail_drops_the_connection(drop: Drop, taken: int) -> None:
    with mail() as server, _client(server) as client:
        server.faults.drop = drop
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.send_message(_message("anna@example.com"))
        assert len(server.received) == taken


@pytest.mark.xdist_group("mail")
def test_mail_is_slow() -> None:
    with mail() as server, _client(server) as client:
        server.faults.delay = 60
        assert client.sock
        client.sock.settimeout(0.2)
        with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
            client.send_message(_message("anna@example.com"))
        assert server.received == []


@contextlib.contextmanager
def _client(server: Mail, *, implicit_tls: bool = False) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=server.certificate)
    with (
        smtplib.SMTP_SSL(server.host, server.port, context=context)
        if implicit_tls
        else smtplib.SMTP(server.host, server.port)
    ) as client:
        if not implicit_tls:
            client.starttls(context=context)
        client.login(server.user, server.password)
        yield client


def _message(recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Hello"
    message["From"] = "desk@example.com"
    message["To"] = recipient
    message.set_content("Hello Anna, grüß dich\n")
    return message
