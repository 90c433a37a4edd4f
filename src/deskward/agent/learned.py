"""What was learned, kept between starts: learning takes seconds, and reading it none.

It stands in the user's cache (XDG Base Directory Specification: `XDG_CACHE_HOME`, by default
`~/.cache`), named by all that it follows from. Without a cache to write to, it is learned anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deskward.agent.linear import Array

log = logging.getLogger(__name__)


class Learned:
    """The arrays that follow from some material by some code."""

    def __init__(self, material: Any, *code: str) -> None:
        """Name them.

        Args:
            material: What is learned from, as JSON.
            code: The names of the modules that learn: a change in any makes it another thing. They
                are not imported, nor numpy, to tell what it is called.
        """
        name = hashlib.sha256(json.dumps([version("numpy"), material]).encode())
        for module in code:
            spec = find_spec(module)
            assert spec is not None
            name.update(Path(str(spec.origin)).read_bytes())
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._path = folder / "deskward" / f"learned-{name.hexdigest()[:32]}.npz"

    @property
    def is_kept(self) -> bool:
        """Whether there is something to be read."""
        return self._path.exists()

    def read(self) -> dict[str, Array] | None:
        """The arrays, or None where they are not kept or cannot be read."""
        import numpy as np

        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return dict(kept)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            log.warning("%s is not used: %s", self._path, error)
            return None

    def write(self, arrays: Mapping[str, Array]) -> None:
        """Keep the arrays, if there is a place for them."""
        import numpy as np

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                dir=self._path.parent, suffix=".npz", delete=False
            ) as file:
                np.savez(file, allow_pickle=False, **arrays)
            # Whoever reads at the same time sees the whole file or none.
            os.replace(file.name, self._path)
        except OSError as error:
            log.info("what was learned is not kept: %s", error)
            with contextlib.suppress(OSError, UnboundLocalError):
                os.unlink(file.name)
