"""The port to a mail server, and what can come of a delivery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from typing import Protocol


class Refused(Exception):
    """The server will never take the mail."""


class NotNow(Exception):
    """The mail was surely not taken, and may be later."""


class Unclear(Exception):
    """The server had the whole mail, and did not say whether it took it."""


class Mailer(Protocol):
    """Something that takes mails. Adapters are in `integrations/`."""

    configured: bool
    """Whether mails really leave."""

    async def deliver(
        self,
        message: EmailMessage,
        recipients: Sequence[str],
        *,
        sender: str,
        before_content: Callable[[], Awaitable[None]],
    ) -> dict[str, str]:
        """Hand a mail over.

        Args:
            message: The mail; without its Bcc.
            recipients: All addresses that it goes to.
            sender: The address that it comes from, to which it is given back if it bounces.
            before_content: Awaited when all is ready, just before the server gets the mail itself.

        Returns:
            Recipients that the server did not take, and why; there is at least one other.

        Raises:
            Refused: No recipient was taken, or the mail was not.
            NotNow: It can be tried again.
            Unclear: It must not be tried again.
        """
        ...

    async def test(self) -> str:
        """Connect and sign in; returns what to tell.

        Raises:
            Refused: The server says no.
            NotNow: It cannot be reached.
        """
        ...
