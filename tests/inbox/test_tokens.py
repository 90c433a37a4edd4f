"""Signing in to a mailbox with access tokens: XOAUTH2 at Dovecot, tokens from a server (OAuth2)."""

from __future__ import annotations

import base64
import json
import smtplib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from deskward.core.mail_settings import Imap
from deskward.integrations.mail.imap import Mailbox, MailboxAway
from deskward.integrations.mail.tokens import TokenRefused, Tokens
from tests.inbox.shapes import mail
from tests.services.dovecot import ISSUER, Dovecot, dovecot

BOX = "support@desk.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _part(value: object) -> bytes:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user: str = BOX, *, lives: float = 3600, issuer: str = ISSUER) -> str:
    """An access token (JWT, RS256)."""
    now = int(time.time())
    claims = {
        "azp": "desk",
        "aud": "desk",
        "iss": issuer,
        "email": user,
        "iat": now - 10,
        "sub": user,
    }
    told = {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    signed = b".".join([_part(told), _part(claims | {"exp": int(now + lives)})])
    signature = KEY.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return b".".join([signed, _part(signature)]).decode()


@dataclass
class Issuer:
    """A server of tokens that is running."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, object]] = field(default_factory=list)
    """What it answers first, instead of a token."""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found.asked.append({name: values[0] for name, values in parse_qs(body).items()})
            usual = 200, {"access_token": token(), "expires_in": 3600, "token_type": "Bearer"}
            status, answer = found.answers.pop(0) if found.answers else usual
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}/token"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with dovecot(public) as running:
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
    [token(lives=-60), token(issuer="https://evil.example"), "junk"],
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
