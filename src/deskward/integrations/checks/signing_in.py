"""Signing in to PostgreSQL with a secret that settings name, to see that it answers. It is read."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from deskward.core.extras import extra
from deskward.diagnostics.suites.suite import Database
from deskward.integrations.checks.reaching import NotReached, Place, told_of
from deskward.integrations.checks.secrets import Secret

with extra("postgres", "SUITE_SECRETS_FILE"):
    import asyncpg

SECONDS = 30.0
"""What it may take; the test that it is for ends by its own time before."""
SETTINGS = {"application_name": "deskward", "default_transaction_read_only": "on"}


class ForHost(ssl.SSLContext):
    """Sees whether a certificate is for a host, though an address is connected to.

    asyncpg knows the name of what it connects to, which here is the very address that was judged.
    """

    host: str = ""

    def wrap_bio(self, *arguments: Any, **more: Any) -> ssl.SSLObject:
        """See `ssl.SSLContext`."""
        return super().wrap_bio(*arguments, **{**more, "server_hostname": self.host})


def for_host(host: str) -> ForHost:
    """What trusts this machine's authorities, for one host."""
    context = ForHost(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.host = host
    return context


async def sign_in(test: Database, place: Place, secret: Secret) -> dict[str, Any]:
    """What a database says to somebody who signs in and asks for nothing.

    Raises:
        NotReached: It broke off, or speaks no TLS where the secret wants it.
    """
    try:
        with told_of(place):
            connection = await asyncpg.connect(
                host=str(place.address),
                port=place.port,
                user=secret.named.user,
                password=secret.password.get_secret_value(),
                database=test.database,
                ssl=for_host(place.host) if secret.named.tls else False,
                timeout=SECONDS,
                server_settings=SETTINGS,
                statement_cache_size=0,
            )
            try:
                await connection.fetchval("SELECT 1")
                version = str(connection.get_server_version().major)
            finally:
                with contextlib.suppress(OSError):
                    connection.terminate()
    except asyncpg.PostgresError as error:
        answer = f"{error.sqlstate or ''} {error}".strip()[:300]
        return {"ready": False, "signed_in": False, "answer": answer}
    except asyncpg.InterfaceError as error:
        raise NotReached("broken", f"It broke off: {error}"[:300]) from None
    return {"ready": True, "signed_in": True, "version": version, "answer": "it lets us in"}
