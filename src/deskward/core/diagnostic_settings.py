"""The settings of guided troubleshooting."""

from __future__ import annotations

from pydantic import DirectoryPath, Field

from deskward.core.setting_names import Group, prefixed


class Diagnostics(Group):
    """Troubleshooting along workflows."""

    model_config = prefixed("diagnostics_")

    workflows_dir: DirectoryPath | None = Field(
        None,
        validation_alias="workflows_dir",
        description="Folder of workflows of yours, beside those that ship with Deskward; one with "
        "the id of a shipped one takes its place.",
    )
