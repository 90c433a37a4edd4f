"""What all slices bring together, with every domain on: what most tests are about."""

from __future__ import annotations

from deskward.agent.offline.skills import Skills
from deskward.features import all_features
from deskward.gate.tool import Tool
from deskward.shipped import shipped_skills as shipped_skills_of

EVERYTHING = all_features()
GROUPS = EVERYTHING.groups
SKILLS = EVERYTHING.skills
KINDS = EVERYTHING.kinds
POLICIES = EVERYTHING.policies
RECORDS = EVERYTHING.records
CLAIMS = EVERYTHING.claims


def shipped_skills() -> Skills:
    """The offline skills that ship, with every domain on."""
    return shipped_skills_of(EVERYTHING)


def built_in_tools() -> dict[str, Tool]:
    """All tools of the desk itself, by name."""
    return {tool.name: tool for group in GROUPS for tool in group.tools}
