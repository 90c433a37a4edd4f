"""Policies for tests: those that ship, and such of a test's own text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deskward.gate.policy.engine import Policy
from deskward.gate.tool import Tool
from deskward.security.roles import FILE as ROLES
from deskward.shipped import policy_files
from tests.everything import EVERYTHING

FILES = policy_files(None, EVERYTHING)
"""The files that ship: name → text."""


def policy_of(text: str | Mapping[str, str], tools: Iterable[Tool]) -> Policy:
    """Policies of this text, or of these files, with the roles that ship."""
    files = {"a.cedar": text} if isinstance(text, str) else text
    return Policy({ROLES: FILES[ROLES], **files}, tools)
