"""Fresh demo desks for measuring, on embedded defaults and whatever the environment says."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.integrations.embeddings.lazy import kept_loaded


class DemoDesks:
    """Makes desks that all begin with the same demo data."""

    def __init__(self, folder: Path, policy_dir: Path | None = None) -> None:
        """Make a maker.

        Args:
            folder: An empty folder for their databases.
            policy_dir: Policies to measure, by default those that ship.
        """
        self._folder = folder
        self._policy_dir = policy_dir

    @contextlib.asynccontextmanager
    async def open(self, model: Model) -> AsyncIterator[Desk]:
        """A new desk whose model this is; it is gone when the block ends."""
        template = self._folder / "template" / "deskward.db"
        if not template.exists():
            async with open_desk(self._settings(template.parent), demo=True, model=model):
                pass
        place = Path(tempfile.mkdtemp(dir=self._folder))
        vectors = template.with_name("vectors.db")
        for file in (template, template.with_name("secret.key"), vectors):  # the key seals the data
            if file.exists():
                shutil.copy(file, place)
        try:
            with kept_loaded():  # the next desk needs the same
                async with open_desk(self._settings(place), demo=True, model=model) as desk:
                    yield desk
            if (made := place / vectors.name).exists():  # no desk after it makes them again
                shutil.copy(made, vectors)
        finally:
            shutil.rmtree(place)

    def _settings(self, folder: Path) -> Settings:
        return Settings.alone(data_dir=folder, policy_dir=self._policy_dir)
