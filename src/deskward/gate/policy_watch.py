"""Keeping a gate's policies as the database says, in every process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from deskward.core.database import Database
from deskward.core.errors import NotFound
from deskward.core.tasks import background
from deskward.gate.call import Gate
from deskward.gate.policy.engine import Policy
from deskward.gate.policy.versions import files_of, in_slots
from deskward.security.roles import FILE as ROLES

LOOK_EVERY = 1.0
"""Seconds between looks for a change by another process."""

_OR_FILES = {"rollback": " or `deskward policy rollback files`"}
"""What else helps where the version before cannot be used either."""

log = logging.getLogger(__name__)


class PolicyWatch:
    """Keeps a gate's policies as the database says."""

    def __init__(self, gate: Gate, database: Database) -> None:
        self._gate = gate
        self._database = database
        self._files = gate.policy
        self._roles = gate.policy.files[ROLES]
        self._slots: dict[str, str | None] = {}

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Watch while the block runs.

        Raises:
            ValueError: The published policies cannot be used.
        """
        await self.look()
        async with background(self._keep()):
            yield

    async def look(self) -> None:
        """Take over what has changed."""
        slots = await in_slots(self._database.reader)
        if slots == self._slots:
            return
        active = await self._policy(slots.get("active"), "rollback") or self._files
        self._gate.shadow = await self._policy(slots.get("shadow"), "unshadow")
        active.know(self._gate.tools.values())
        self._gate.policy = active
        self._slots = slots
        shadow = self._gate.shadow.version if self._gate.shadow else "none"
        log.info("policies: %s, in shadow: %s", active.version, shadow)

    async def _policy(self, version: str | None, way_out: str) -> Policy | None:
        """A published version's policies.

        Args:
            way_out: The command of `deskward policy` that takes another one.

        Raises:
            ValueError: They cannot be used. No others count instead: those could allow more.
        """
        if version is None:
            return None
        try:
            files = await files_of(self._database.reader, version)
            return Policy(files, self._gate.tools.values(), roles=self._roles)
        except (ValueError, NotFound) as error:
            problem = " ".join(str(error).split())
            raise ValueError(
                f"the published policies of version {version} cannot be used. Take others with "
                f"`deskward policy {way_out}`{_OR_FILES.get(way_out, '')}. {problem}"
            ) from error

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except Exception:
                log.exception(
                    "the policies could not be looked for; those that are loaded count on"
                )
