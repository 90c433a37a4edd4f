"""Compare what is installed with a lock file, and name every difference.

    python tools/check_lock.py requirements.lock [SITE_PACKAGES]

`pip install` says that it is done, not that it did what the lock file says. SITE_PACKAGES is the
folder to look into; without it, it is the environment that runs this. It needs nothing but pip.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
BROUGHT_BY_VENV = {"pip", "setuptools"}
"""What an environment has before anything is installed."""


def locked(text: str) -> dict[str, str]:
    """Each package that a lock file wants on this machine, with its version."""
    lines = text.replace("\\\n", " ").splitlines()
    wanted = (_requirement(line) for line in lines if line.strip() and not line.startswith("#"))
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate()
    }


def _requirement(line: str) -> Requirement:
    return Requirement(line.partition(" --hash=")[0].strip())


def installed(folder: str | None) -> dict[str, str]:
    """Each installed package, with its version; the project itself is left out.

    Args:
        folder: Where to look; without it, in the environment that runs this.
    """
    found = distributions(path=[folder]) if folder else distributions()
    own = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["name"]
    return {
        canonicalize_name(each.name): each.version
        for each in found
        if canonicalize_name(each.name) != canonicalize_name(own)
    }


def differences(wanted: Mapping[str, str], present: Mapping[str, str]) -> Iterator[str]:
    """A line for each package that is missing, is not in the lock, or has another version."""
    for name in sorted(wanted.keys() | present.keys()):
        want, have = wanted.get(name), present.get(name)
        if want is None and name not in BROUGHT_BY_VENV:
            yield f"{name} {have} is installed, and not in the lock"
        elif have is None:
            yield f"{name} {want} is in the lock, and not installed"
        elif want is not None and want != have:
            yield f"{name} {have} is installed, and the lock says {want}"


def main(lock: str, folder: str | None = None) -> None:
    """Print the differences and end with 1 if there are any."""
    wanted = locked(Path(lock).read_text(encoding="utf-8"))
    found = list(differences(wanted, installed(folder)))
    if found:
        sys.exit("\n".join([f"This environment is not what {lock} says:", *found]))


if __name__ == "__main__":
    main(*sys.argv[1:])
