"""Mail where no server is set: printed, so that a newcomer sees what would be sent."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage


class ConsoleMailer:
    """Prints mails to standard error."""

    configured = False

    async def deliver(
        self,
        message: EmailMessage,
        recipients: Sequence[str],
        *,
        sender: str,
        before_content: Callable[[], Awaitable[None]],
    ) -> dict[str, str]:
        """See `Mailer.deliver`."""
        await before_content()
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        files = ", ".join(part.get_filename() or "?" for part in message.iter_attachments())
        print(
            f"---- a mail, printed because SMTP_SERVER is not set ----\n"
            f"To: {', '.join(recipients)}\nSubject: {message['Subject']}\n"
            + (f"Files: {files}\n" if files else "")
            + f"\n{text}----",
            file=sys.stderr,
        )
        return {}

    async def test(self) -> str:
        """See `Mailer.test`."""
        return "No mail server is set (SMTP_SERVER): mails are only printed."
