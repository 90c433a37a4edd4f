"""The settings of guided troubleshooting."""

from __future__ import annotations

from datetime import timedelta

from pydantic import DirectoryPath, Field, FilePath

from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Many, WebAddress


class Diagnostics(Group):
    """Troubleshooting along workflows."""

    model_config = prefixed("diagnostics_")

    workflows_dir: DirectoryPath | None = Field(
        None,
        validation_alias="workflows_dir",
        description="Folder of workflows of yours, beside those that ship with Deskward; one with "
        "the id of a shipped one takes its place.",
    )
    suites_dir: DirectoryPath | None = Field(
        None,
        validation_alias="suites_dir",
        description="Folder of suites of tests of yours, beside those that ship with Deskward; one "
        "with the id of a shipped one takes its place.",
    )
    suite_secrets_file: FilePath | None = Field(
        None,
        validation_alias="suite_secrets_file",
        description="YAML file of the secrets that tests of databases sign in with: their names, "
        "the variables with them, and the hosts that they are for.",
    )
    crm_file: FilePath | None = Field(
        None,
        validation_alias="crm_file",
        description="YAML file of other systems that know customers, asked over REST: their "
        "addresses, the variables with their keys, and where in an answer what is.",
    )
    collector_url: WebAddress | None = Field(
        None,
        description="The desk's address as customers' machines reach it: there programs send to "
        "that look at something from such a machine. Without, none are made.",
    )
    collector_minutes: Many = Field(
        60, description="Minutes after which such a program can no longer send."
    )
    run_days: Many = Field(
        90,
        description="Days after which a run of tests is removed, with all that was seen. What it "
        "has answered in a session stays.",
    )
    quiet_hours: Many = Field(
        72,
        description="Hours after which a fix counts as confirmed, if nobody says that it has not "
        "helped.",
    )
    open_days: Many = Field(
        14, description="Days after which a diagnostic session that nobody answers is ended."
    )

    incident_customers: int = Field(
        5,
        ge=0,
        le=1_000_000,
        description="Customers who have seen the same, unsettled, after which the desk proposes an "
        "incident to staff; 0: never.",
    )
    incident_minutes: Many = Field(60, description="Minutes within which they have seen it.")
    incident_opens: bool = Field(
        False,
        description="Whether such an incident is open at once, so that whoever sees the same joins "
        "it and is asked no more.",
    )

    @property
    def noticed_within(self) -> timedelta:
        """Within how long several customers see the same."""
        return timedelta(minutes=self.incident_minutes)

    @property
    def collects_for(self) -> timedelta:
        """How long a collector can be used."""
        return timedelta(minutes=self.collector_minutes)

    @property
    def keeps_runs_for(self) -> timedelta:
        """After how long a run of tests is removed."""
        return timedelta(days=self.run_days)

    @property
    def confirms_after(self) -> timedelta:
        """After how long a fix counts as confirmed."""
        return timedelta(hours=self.quiet_hours)

    @property
    def ends_after(self) -> timedelta:
        """After how long a session that nobody answers is ended."""
        return timedelta(days=self.open_days)
