"""What sends mail: from settings to one `Mailer`."""

from __future__ import annotations

from deskward.core.extras import extra
from deskward.core.settings import Settings
from deskward.email.mailer import Mailer
from deskward.integrations.mail.console import ConsoleMailer


def choose_mailer(settings: Settings) -> Mailer:
    """The server at SMTP_SERVER, or the log where it is unset.

    Raises:
        ValueError: The part that speaks SMTP is not installed.
    """
    if settings.mail.server is None:
        return ConsoleMailer()
    with extra("smtp", "SMTP_SERVER"):
        from deskward.integrations.mail.smtp import SmtpMailer

    password = settings.mail.sender_password
    return SmtpMailer(
        settings.mail.server,
        settings.mail.port,
        sender=settings.mail.sender_email or "",
        username=settings.mail.username,
        password=password.get_secret_value() if password else None,
        security=settings.mail.security,
        ca_file=settings.mail.ca_file,
    )
