"""The settings of escalation: how long customers may wait, and who then has to look."""

from __future__ import annotations

from pydantic import Field, FilePath

from deskward.core.setting_names import Group, prefixed


class Escalation(Group):
    """Service levels and escalation."""

    model_config = prefixed("escalation_")

    sla_file: FilePath | None = Field(
        None,
        validation_alias="sla_file",
        description="File of your own policies of how soon customers are to be answered, instead "
        "of those that ship with Deskward. `deskward escalation check` tells what is wrong in it.",
    )
    rules_file: FilePath | None = Field(
        None,
        validation_alias="escalation_rules",
        description="File of your own rules of when somebody else has to look, instead of those "
        "that ship with Deskward.",
    )
    specialists_file: FilePath | None = Field(
        None,
        validation_alias="specialists_file",
        description="File of the types of specialists that you have, instead of those that ship "
        "with Deskward.",
    )
