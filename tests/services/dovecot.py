"""Mailboxes for the tests: Dovecot, in a scratch folder, on free ports of this machine.

Mail comes in by LMTP and is read by IMAP. Every address has a mailbox, and all have one password.
Where its programs cannot be found, tests skip with the reason, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import getpass
import grp
import imaplib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.services.programs import find_program, free_port, running

USER = "anna@example.com"
PASSWORD = "mailbox-password"
ROOTS_USER = "dovecot"
"""Whom to run as where this is root; Debian's package makes the user."""

_CONFIGURATION = """
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
ssl = no
disable_plaintext_auth = no
log_path = /dev/stderr
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail/%u
postmaster_address = postmaster@example.com
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u allow_all_users=yes
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
"""

_OAUTH = """
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth.conf
}}
"""
_TOKENS = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
issuers = {issuer}
username_attribute = email
client_id = desk
"""
ISSUER = "https://tokens.example"
"""Whose access tokens are taken, of the user in `email`, for `desk`; they name the key `k1`."""


@dataclass(frozen=True)
class Dovecot:
    """A running server."""

    imap_port: int
    lmtp_port: int
    user: str = USER
    password: str = PASSWORD

    def messages(self, user: str = USER) -> list[EmailMessage]:
        """What is in the mailbox of an address, oldest first, read by IMAP."""
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=10) as client:
            client.login(_quoted(user), self.password)
            client.select("INBOX", readonly=True)
            _, (numbers, *_) = client.search(None, "ALL")
            found = [client.fetch(number.decode(), "(RFC822)") for number in numbers.split()]
        return [
            email.message_from_bytes(part[1], policy=email.policy.default)
            for _, parts in found
            for part in parts
            if isinstance(part, tuple)
        ]


@contextlib.contextmanager
def dovecot(public_key: bytes | None = None) -> Iterator[Dovecot]:
    """Run a server; yields its ports, and an address with its password.

    Args:
        public_key: PEM of the key (RSA) with which access tokens are signed, for XOAUTH2.
    """
    program = find_program("dovecot", "dovecot-imapd")
    find_program("lmtp", "dovecot-lmtpd")
    with tempfile.TemporaryDirectory(prefix="deskward-dovecot-") as folder:
        # Not as root: its parts then need no user but one.
        user = ROOTS_USER if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user, user)
        server = Dovecot(free_port(), free_port())
        configuration = Path(folder, "dovecot.conf")
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                user=user or getpass.getuser(),
                group=user or grp.getgrgid(os.getegid()).gr_name,
                password=PASSWORD,
                imap_port=server.imap_port,
                lmtp_port=server.lmtp_port,
            )
            + (_with_tokens(Path(folder), public_key) if public_key else ""),
            encoding="utf-8",
        )
        with running(
            [program, "-F", "-c", str(configuration)],
            ports=[server.imap_port, server.lmtp_port],
            log=Path(folder, "log"),
            user=user,
        ):
            yield server


def _with_tokens(folder: Path, public_key: bytes) -> str:
    keys = folder / "keys" / "desk" / "RS256"
    keys.mkdir(parents=True)
    (keys / "k1").write_bytes(public_key)
    told = _TOKENS.format(folder=folder, issuer=ISSUER)
    (folder / "oauth.conf").write_text(told, encoding="utf-8")
    return _OAUTH.format(folder=folder)


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
