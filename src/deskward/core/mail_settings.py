"""The settings of mail that comes in: the desk's addresses, its mailbox, and its door."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from deskward.core.setting_groups import LOOPBACK
from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Few, Seconds, WebAddress, by_tenant

SecretName = Literal["password", "client_secret", "refresh_token"]
"""What of a mailbox is secret."""


class Inbox(Group):
    """Mail that comes in, whichever way."""

    model_config = prefixed("mail_")

    addresses: str = Field(
        "",
        description="The desk's own addresses, separated by commas, by tenant: "
        "`support@desk.example, shop=help@shop.example, shop=@shop.example`. `@domain` is every "
        "address of it; one without a tenant is DEFAULT_TENANT_ID's. Mail for others is not taken "
        "over LMTP or SMTP, and mail from them is never answered.",
    )
    listen_host: str = Field("127.0.0.1", description="Address to listen on for mail.")
    listen_port: int | None = Field(
        None,
        gt=0,
        le=65535,
        description="Port on which `deskward serve` takes mail from your mail server. Unset: it "
        "takes none this way.",
    )
    listen_protocol: Literal["lmtp", "smtp"] = Field(
        "lmtp", description="What is spoken there; a mail server that delivers speaks `lmtp`."
    )
    max_mb: Few = Field(25, description="Size in megabytes of the largest mail that is taken.")
    spam_header: str = Field(
        "X-Spam-Flag",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="Field in which your mail server says that a mail is spam: `YES`, `true`, or "
        "what begins with `Yes,`. Such mail opens no ticket.",
    )
    answers_per_hour: Few = Field(
        20,
        description="Mails of one sender in an hour after which the desk answers none of them by "
        "itself; they are filed all the same.",
    )

    @property
    def owned(self) -> list[tuple[str, str]]:
        """Tenant, or an empty text for the default one, and address, or `@domain`."""
        return [(tenant, address.lower()) for tenant, address in by_tenant(self.addresses)]

    @field_validator("addresses")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for _, address in by_tenant(value):
            _, at, domain = address.rpartition("@")
            if not at or not domain or any(map(str.isspace, address)):
                raise ValueError(f"{address!r} is no mail address, and no @domain")
        return value

    @model_validator(mode="after")
    def _somebody_is_written_to(self) -> Inbox:
        if self.listen_port is not None and not self.owned:
            raise ValueError("MAIL_LISTEN_PORT needs MAIL_ADDRESSES: it takes mail for them alone")
        return self


class Imap(Group):
    """The mailbox that mail is fetched from for DEFAULT_TENANT_ID; others are declared."""

    model_config = prefixed("imap_")

    server: str | None = Field(
        None, description="Mail server with the desk's mailbox. Unset: no mail is fetched."
    )
    port: int = Field(993, gt=0, le=65535, description="Port of that server.")
    security: Literal["auto", "tls", "starttls", "none"] = Field(
        "auto",
        description="`tls` from the first byte, `starttls`, or `none`. `auto`: `starttls` on port "
        "143, otherwise `tls`; with a server on this machine `none` on other ports than 993.",
    )
    ca_file: FilePath | None = Field(
        None, description="PEM file of the authority that signed that server's certificate."
    )
    username: str | None = Field(None, description="Name to sign in with.")
    password: SecretStr | None = Field(None, description="Password there.")
    token_url: WebAddress | None = Field(
        None,
        description="Where access tokens are had (OAuth2), for XOAUTH2 instead of a password.",
    )
    client_id: str | None = Field(None, description="The desk's client id there.")
    client_secret: SecretStr | None = Field(None, description="The client's secret there.")
    refresh_token: SecretStr | None = Field(
        None,
        description="With it, tokens are had for the mailbox's owner; without, for the client.",
    )
    scope: str | None = Field(None, description="What the tokens are asked for.")
    folder: str = Field("INBOX", min_length=1, description="Folder that is read.")
    move_to: str | None = Field(
        None,
        description="Folder that mail is moved to once the desk has it. Unset: marked as read.",
    )
    poll: Seconds = Field(
        60.0,
        description="Seconds between looks where the server cannot tell of new mail (IDLE).",
    )

    @model_validator(mode="after")
    def _can_sign_in(self) -> Imap:
        if self.server is None:
            return self
        if self.username is None:
            raise ValueError("IMAP_USERNAME is needed with IMAP_SERVER")
        if (self.password is None) == (self.token_url is None):
            raise ValueError("IMAP_SERVER needs one of IMAP_PASSWORD and IMAP_TOKEN_URL")
        if self.token_url is not None and self.client_id is None:
            raise ValueError("IMAP_CLIENT_ID is needed with IMAP_TOKEN_URL")
        if self.security == "none" and self.server not in LOOPBACK:
            raise ValueError("IMAP_SECURITY=none would send what signs in in the clear")
        return self
