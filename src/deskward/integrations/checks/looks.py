"""What looks at things outside for the tests of suites."""

from __future__ import annotations

from collections.abc import Mapping

from deskward.diagnostics.suites.inside import Seen
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.suite import (
    Clock,
    Database,
    Dns,
    Http,
    Mail,
    Performance,
    Tcp,
    Test,
    Tls,
)
from deskward.integrations.checks import databases, http, mail, names, tls
from deskward.integrations.checks.reaching import NotReached
from deskward.integrations.checks.secrets import Secret


class OutsideLooks:
    """Looks by the network of this machine."""

    def __init__(self, secrets: Mapping[str, Secret] | None = None) -> None:
        """Make one.

        Args:
            secrets: What tests sign in with, by its name in suites.
        """
        self._secrets = secrets or {}

    async def look(self, test: Test, reach: Reach) -> Seen:
        """See `Looks`."""
        try:
            if isinstance(test, Database):
                return await databases.look(test, reach, self._secrets)
            return await _look(test, reach)
        except NotReached as error:
            return {"reached": False, "problem": error.problem}, str(error)


async def _look(test: Test, reach: Reach) -> Seen:
    match test:
        case Http():
            return await http.look(test, reach)
        case Performance():
            return await http.measure(test, reach)
        case Clock():
            return await http.clock(test, reach)
        case Tls():
            return await tls.look(test, reach)
        case Dns():
            return await names.look(test, reach)
        case Tcp():
            return await names.connect(test, reach)
        case Mail():
            return await mail.look(test, reach)
    raise TypeError(f"nothing looks at {test.kind}")
