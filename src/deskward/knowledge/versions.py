"""Which versions of a product a document holds for."""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version


def holds(specifier: str, version: str) -> bool:
    """Whether a specifier (PEP 440) holds for a version; what is neither is compared as written.

    A version counts as released even where it is a trial one: who asks about it, has it.
    """
    if specifier.casefold().strip() == version.casefold().strip():
        return True
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
