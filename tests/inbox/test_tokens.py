"""Signing in to a mailbox with access tokens: XOAUTH2 at Dovecot, tokens from a server (OAuth2)."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator

import pytest

from deskward.core.mail_settings import Imap
from deskward.integrations.mail.imap import Mailbox, MailboxAway
from deskward.integrations.mail.tokens import TokenRefused, Tokens
from tests.inbox.shapes import mail
from tests.services.dovecot import Dovecot, dovecot
from tests.services.tokens import PUBLIC, Issuer, token, token_server

BOX = "support@desk.example"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with token_server(BOX) as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(PUBLIC) as running:
        yield running


def settings_of(issuer: Issuer, port: int = 1, **more: str) -> Imap:
    told = {"client_id": "desk", "client_secret": "s3cret", "refresh_token": "r3fresh"} | more
    return Imap.model_validate(
        {
            "imap_server": "127.0.0.1",
            "imap_port": port,
            "imap_username": BOX,
            "imap_token_url": issuer.url,
            **{f"imap_{name}": value for name, value in told.items()},
        }
    )


@pytest.mark.slow
def test_a_mailbox_is_read_with_a_token(server: Dovecot, issuer: Issuer) -> None:
    with smtplib.LMTP("127.0.0.1", server.lmtp_port) as client:
        client.sendmail("anna@example.com", [BOX], mail("Hello"))
    settings = settings_of(issuer, server.imap_port)
    tokens = Tokens(settings)
    for _ in range(2):
        mailbox = Mailbox(settings, tokens)
        assert mailbox.open() > 0
        assert len(mailbox.unread()) == 1
        mailbox.close()
    assert issuer.asked == [
        {
            "grant_type": "refresh_token",
            "client_id": "desk",
            "client_secret": "s3cret",
            "refresh_token": "r3fresh",
        }
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [token(BOX, lives=-60), token(BOX, issuer="https://evil.example"), "junk"],
    ids=["expired", "another's", "junk"],
)
def test_a_token_that_is_refused_is_not_used_again(
    server: Dovecot, issuer: Issuer, wrong: str
) -> None:
    issuer.answers.append((200, {"access_token": wrong, "expires_in": 3600}))
    settings = settings_of(issuer, server.imap_port)
    mailbox = Mailbox(settings, Tokens(settings))
    with pytest.raises(MailboxAway, match="did not accept"):
        mailbox.open()
    mailbox.close()
    assert mailbox.open() > 0
    mailbox.close()
    assert len(issuer.asked) == 2


def test_tokens_are_kept_until_shortly_before_their_end(issuer: Issuer, monkeypatch) -> None:
    tokens = Tokens(settings_of(issuer))
    first = tokens.get()
    assert tokens.get() == first
    later = time.monotonic() + 3600 - 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    tokens.get()
    assert len(issuer.asked) == 2


@pytest.mark.parametrize(
    "answer", [(400, {"error": "invalid_grant"}), (200, {}), (500, b"<html>"), (200, b"[]")]
)
def test_no_token_is_said_without_a_secret(issuer: Issuer, answer: tuple[int, object]) -> None:
    issuer.answers.append(answer)
    with pytest.raises(TokenRefused) as refused:
        Tokens(settings_of(issuer, scope="mail")).get()
    for secret in ("s3cret", "r3fresh"):
        assert secret not in str(refused.value)
    assert issuer.asked[0]["scope"] == "mail"


def test_the_desk_itself_asks_where_there_is_no_refresh_token(issuer: Issuer) -> None:
    Tokens(settings_of(issuer, refresh_token="")).get()
    assert issuer.asked[0]["grant_type"] == "client_credentials"
    assert "refresh_token" not in issuer.asked[0]
