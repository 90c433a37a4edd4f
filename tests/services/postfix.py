"""A mail server in front of the desk: Postfix, a private instance, in a scratch folder.

It takes mail for some domains by SMTP and hands it over by LMTP; nothing leaves this machine. It
can only run as root; where it cannot be had, tests skip with the reason, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.services.programs import find_program, free_port, give_up, wait_until_listening

_CONFIGURATION = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.desk.example
mydestination =
virtual_mailbox_domains = {domains}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
transport_maps = inline:{{{transports}}}
recipient_delimiter = +
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
default_transport = error:no mail leaves this test
relay_transport = error:no mail leaves this test
smtpd_relay_restrictions = reject_unauth_destination
smtpd_client_connection_rate_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
disable_dns_lookups = yes
local_recipient_maps =
alias_maps =
"""


@contextlib.contextmanager
def postfix(
    lmtp_port: int, domains: str, transports: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a server; yields its SMTP port.

    Args:
        lmtp_port: Where mail is handed over on this machine.
        domains: The domains that mail is taken for.
        transports: Domain → another way there, such as `lmtp:inet:127.0.0.1:2424`.
    """
    program = find_program("postfix", "postfix")
    if os.geteuid() != 0:
        give_up("Postfix runs only as root")
    with tempfile.TemporaryDirectory(prefix="deskward-postfix-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        port = free_port()
        ways = ", ".join(f"{{{name} = {way}}}" for name, way in (transports or {"-": "-"}).items())
        told = _CONFIGURATION.format(
            folder=folder, lmtp_port=lmtp_port, domains=domains, transports=ways
        )
        (folder / "etc" / "main.cf").write_text(told, encoding="utf-8")
        (folder / "etc" / "master.cf").write_text(_services(port), encoding="utf-8")
        subprocess.run([program, "-c", folder / "etc", "start"], check=True, capture_output=True)
        try:
            wait_until_listening(port)
            yield port
        finally:
            subprocess.run([program, "-c", folder / "etc", "stop"], capture_output=True)


def _services(port: int) -> str:
    """Debian's services, none in a jail, with SMTP on a port of ours."""
    shipped = Path("/usr/share/postfix/master.cf.dist").read_text(encoding="utf-8")
    lines = []
    for line in shipped.splitlines():
        fields = line.split()
        if not line or line[0] in "# \t" or len(fields) < 8:
            lines.append(line)
            continue
        if fields[:2] == ["smtp", "inet"]:
            fields[0] = f"127.0.0.1:{port}"
        fields[4] = "n"
        lines.append(" ".join(fields))
    if not any(line.startswith("postlog") for line in lines):
        lines.append("postlog unix-dgram n - n - 1 postlogd")
    return "\n".join(lines) + "\n"
