"""A server of access tokens (OAuth2, RFC 6749), and the tokens that Dovecot takes (JWT, RS256)."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.services.dovecot import ISSUER

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
"""What Dovecot checks tokens with."""


def _part(value: object) -> bytes:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user: str, *, lives: float = 3600, issuer: str = ISSUER) -> str:
    """An access token."""
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

    user: str
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, object]] = field(default_factory=list)
    """What it answers first, instead of a token."""


@contextlib.contextmanager
def token_server(user: str) -> Iterator[Issuer]:
    """Run a server that gives tokens for a mailbox."""
    found = Issuer(user)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found.asked.append({name: values[0] for name, values in parse_qs(body).items()})
            usual = 200, {"access_token": token(user), "expires_in": 3600, "token_type": "Bearer"}
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
