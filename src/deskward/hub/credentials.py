"""What the desk shows a server of itself: an OAuth client's credentials, a certificate (mTLS)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, max_length=4_000)]
Method = Literal["client_secret_basic", "client_secret_post"]


class ToldOAuth(BaseModel):
    """`oauth` in a server's entry."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    issuer: Text
    client_id: Text = Field(alias="clientId")
    client_secret: Text = Field(alias="clientSecret")
    scope: Text | None = None
    method: Method = "client_secret_basic"
    origins: list[Text] = Field(default_factory=list, max_length=10)

    def of(self, url: str) -> OAuth:
        """The credentials for a server at an address.

        Raises:
            ValueError: A secret or a token would be sent in the clear.
        """
        for where in (url, self.issuer, *self.origins):
            if not _is_safe(where):
                raise ValueError(
                    f"oauth: {_shown(where)} is no https address: secrets would go in the clear"
                )
        known = frozenset(map(origin_of, (url, self.issuer, *self.origins)))
        return OAuth(
            *(self.issuer, self.client_id, self.client_secret, self.scope, self.method, known)
        )


@dataclass(frozen=True)
class OAuth:
    """A client of an authorization server (OAuth 2.1, client credentials: RFC 6749, section 4.4).

    Attributes:
        issuer: The only authorization server that the secret is sent to (RFC 8414).
        origins: All that may be asked on the way there, with the server's own: what a server says
            of where to sign in leads nowhere else.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None
    method: Method
    origins: frozenset[str]


class Tls(BaseModel):
    """`tls` in a server's entry: files in PEM, read again with each connection.

    Attributes:
        ca: Who has signed the server's certificate. Default: the system's authorities.
        password: Of the key.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    cert: Text | None = None
    key: Text | None = None
    ca: Text | None = None
    password: Text | None = Field(None, repr=False)

    @model_validator(mode="after")
    def _whole(self) -> Tls:
        if self.cert is None and (self.key or self.password):
            raise ValueError("a key needs its certificate (cert)")
        if self.cert is None and self.ca is None:
            raise ValueError("it names neither a certificate (cert) nor an authority (ca)")
        return self

    def context(self) -> ssl.SSLContext:
        """What a connection is opened with.

        Raises:
            ValueError: A file cannot be used; says which.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"tls: ca {self.ca} cannot be used: {_why(error)}") from None
        if self.cert is not None:
            # Without a password OpenSSL would ask for one on the terminal.
            secret = self.password or ""
            try:
                context.load_cert_chain(self.cert, self.key, lambda: secret)
            except (OSError, ssl.SSLError) as error:
                where = self.key or self.cert
                told = f"tls: cert {self.cert} with key {where} cannot be used: {_why(error)}"
                raise ValueError(told) from None
        return context


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme != "http":
        return False
    try:
        return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"[:100]


def _why(error: OSError) -> str:
    return error.strerror or str(error)
