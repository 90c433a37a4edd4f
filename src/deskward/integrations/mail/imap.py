"""A mailbox on a mail server (IMAP, RFC 9051), as the calls of one thread."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from deskward.core.mail_settings import Imap
from deskward.core.setting_groups import LOOPBACK
from deskward.integrations.mail.tokens import TokenRefused, Tokens

TIMEOUT = 30.0
"""Seconds that one command may take."""

log = logging.getLogger(__name__)


class MailboxAway(Exception):
    """The mailbox cannot be reached, or not be signed in to; says why."""


class Mailbox:
    """One connection to a mailbox. What it raises is `MailboxAway`, whatever the server did."""

    def __init__(self, settings: Imap, tokens: Tokens) -> None:
        self.settings = settings
        self._tokens = tokens
        self._client: Any = None
        self._ended = False

    def open(self) -> int:
        """Connect, sign in and choose the folder; gives its UIDVALIDITY."""
        settings = self.settings
        try:
            self._client = self._connect()
            if self._ended:
                raise MailboxAway("The desk stops.")
            self._sign_in()
            if settings.move_to and not self._client.folder_exists(settings.move_to):
                self._client.create_folder(settings.move_to)
            chosen = self._client.select_folder(settings.folder)
            return int(chosen[b"UIDVALIDITY"])
        except (MailboxAway, TokenRefused) as error:
            self.close()
            raise MailboxAway(str(error)) from None
        except LoginError as error:
            self.close()
            raise self._away("did not accept the name and what signs in", error) from None
        except _FAULTS as error:
            self.close()
            raise self._away("cannot be reached", error) from None

    def _sign_in(self) -> None:
        settings = self.settings
        if settings.token_url is None:
            assert settings.password is not None
            self._client.login(settings.username, settings.password.get_secret_value())
            return
        try:
            self._client.oauth2_login(settings.username, self._tokens.get())
        except LoginError:
            self._tokens.forget()
            raise

    def _connect(self) -> Any:
        settings = self.settings
        security = settings.security
        if security == "auto":
            near = settings.server in LOOPBACK and settings.port != 993
            security = "none" if near else "starttls" if settings.port == 143 else "tls"
        context = ssl.create_default_context()
        if settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file)
        client = IMAPClient(
            settings.server,
            settings.port,
            ssl=security == "tls",
            ssl_context=context if security == "tls" else None,
            timeout=TIMEOUT,
        )
        client.normalise_times = False
        if security == "starttls":
            client.starttls(context)
        return client

    def unread(self) -> list[int]:
        """The UIDs of mails that nobody has read."""
        found: list[int] = self._try(lambda: self._client.search(["UNSEEN"]))
        return sorted(found)

    def since(self, moment: datetime) -> list[int]:
        """The UIDs of mails that came since a day before."""
        found: list[int] = self._try(lambda: self._client.search(["SINCE", moment.date()]))
        return sorted(found)

    def above(self, uid: int) -> list[int]:
        """The UIDs of mails that came after one."""
        found = self._try(lambda: self._client.search(["UID", f"{uid + 1}:*"]))
        # `*` is the last mail, also where that one is below.
        return sorted(each for each in found if each > uid)

    def sizes(self, uids: Sequence[int]) -> list[tuple[int, int]]:
        """UIDs with the size of each mail; those that are gone are left out."""
        found = self._try(lambda: self._client.fetch(list(uids), ["RFC822.SIZE"]))
        return [(uid, int(found[uid][b"RFC822.SIZE"])) for uid in uids if uid in found]

    def fetch(self, uid: int, *, whole: bool) -> bytes | None:
        """A mail as it is, or its head; None where it is gone. It stays unread."""
        part = "BODY.PEEK[]" if whole else "BODY.PEEK[HEADER]"
        found = self._try(lambda: self._client.fetch([uid], [part]))
        content = found.get(uid, {}).get(part.replace(".PEEK", "").encode())
        return bytes(content) if content is not None else None

    def settle(self, uids: Sequence[int]) -> None:
        """Mark mails as read, or move them where they are to go: the desk has them."""
        target = self.settings.move_to
        if not uids:
            return
        self._try(lambda: self._client.add_flags(list(uids), [b"\\Seen"], silent=True))
        if target is None:
            return
        try:
            self._try(lambda: self._client.move(list(uids), target))
        except CapabilityError:
            self._try(lambda: self._client.copy(list(uids), target))
            self._try(lambda: self._client.delete_messages(list(uids), silent=True))
            self._try(lambda: self._client.expunge(list(uids)))

    def wait(self, seconds: float) -> bool:
        """Wait for new mail as long as that; False where the server cannot tell (no IDLE)."""
        if not self._try(lambda: self._client.has_capability("IDLE")):
            return False

        def idle() -> None:
            self._client.idle()
            try:
                self._client.idle_check(timeout=seconds)
            finally:
                self._client.idle_done()

        self._try(idle)
        return True

    def close(self) -> None:
        """Let go of the connection; also while another thread waits on it, which then fails."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.shutdown()
            except _FAULTS:
                log.debug("the connection was gone already")

    def end(self) -> None:
        """Let go of the connection for good: another thread may be opening it just now."""
        self._ended = True
        self.close()

    def _try(self, call: Any) -> Any:
        try:
            return call()
        except CapabilityError:
            raise
        except _FAULTS as error:
            raise self._away("does not answer", error) from None

    def _away(self, what: str, error: BaseException) -> MailboxAway:
        settings = self.settings
        reason = str(error) or type(error).__name__
        secrets = (settings.password, settings.client_secret, settings.refresh_token)
        for secret in (*(each.get_secret_value() for each in secrets if each), self._tokens.last):
            if secret:  # a server may say what it was told
                reason = reason.replace(secret, "…")
        reason = reason[:200]
        return MailboxAway(f"The mailbox at {settings.server}:{settings.port} {what}: {reason}")


# A connection that is closed under a thread is an AttributeError, or a ValueError, of the library.
_FAULTS = (IMAPClientError, OSError, AttributeError, ValueError, KeyError, AssertionError)
