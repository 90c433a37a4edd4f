"""Where the secrets of conversations wait, in memory only, until a tool takes them.

They are held for a few minutes, never in the database; after a restart the customer is asked again.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from pydantic import SecretStr

from deskward.core.errors import InvalidInput

LIFETIME = 600.0
"""Seconds that a secret is held after its session last used one."""
SWEEP = 10.0
"""Seconds between looks at all vaults."""

PLACEHOLDER = re.compile(r"\[\[(?:password|phrase|card|code|key):\d+\]\]")


@dataclass
class Vault:
    """The secrets of one conversation, in memory only."""

    values: dict[str, SecretStr] = field(default_factory=dict)
    last_used: float = field(default_factory=time.monotonic)

    def hide(self, kind: str, secret: str) -> str:
        """Keep a secret; returns the placeholder that stands for it."""
        self.last_used = time.monotonic()
        for placeholder, known in self.values.items():
            if known.get_secret_value() == secret and placeholder.startswith(f"[[{kind}:"):
                return placeholder
        placeholder = f"[[{kind}:{len(self.values) + 1}]]"
        self.values[placeholder] = SecretStr(secret)
        return placeholder

    def resolve(self, text: str) -> SecretStr | None:
        """The secret behind a placeholder, or None where the text is no placeholder.

        Raises:
            InvalidInput: The placeholder's secret is not held, or no longer.
        """
        if not PLACEHOLDER.fullmatch(text):
            return None
        found = self.values.get(text)
        if found is None:
            raise InvalidInput("That secret is no longer held. Please type it again.")
        self.last_used = time.monotonic()
        return found


class Vaults:
    """The vaults of all conversations of this process."""

    def __init__(self) -> None:
        self._vaults: dict[tuple[str, ...], Vault] = {}
        self._swept = time.monotonic()

    def of(self, *conversation: str) -> Vault:
        """The conversation's vault; those unused for `LIFETIME` are emptied on the way.

        All are looked at once in `SWEEP`, this one always.
        """
        moment = time.monotonic()
        limit = moment - LIFETIME
        if moment - self._swept > SWEEP:
            self._swept = moment
            for key in [k for k, vault in self._vaults.items() if vault.last_used < limit]:
                del self._vaults[key]
        found = self._vaults.get(conversation)
        if found is None or found.last_used < limit:
            found = self._vaults[conversation] = Vault()
        return found
