"""Reading workflows from their files. Each problem is told with its file and line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deskward.core.marked_yaml import Place, Problem, WrongFiles, line_of, read_marked
from deskward.diagnostics.workflow import Workflow

__all__ = ["Place", "Problem", "Source", "WrongWorkflows", "files_in", "line_of", "read"]


@dataclass(frozen=True)
class Source:
    """A workflow, and where its parts stand in its file."""

    file: Path
    workflow: Workflow
    lines: dict[Place, int]

    def problem(self, place: Place, text: str) -> Problem:
        """A problem of a part of it."""
        return Problem(self.file, line_of(self.lines, place), text)


class WrongWorkflows(WrongFiles):
    """Workflows that cannot be used."""


def read(file: Path) -> tuple[Source | None, list[Problem]]:
    """Read one file: the workflow, or what keeps it from being one."""
    found, problems = read_marked(
        file, Workflow, called="a workflow's file", example="`workflow: …`, `version: 1`, …"
    )
    if found is None:
        return None, problems
    return Source(file, found.content, dict(found.lines)), problems


def files_in(folder: Path) -> list[Path]:
    """The files of workflows in a folder and those in it, in order.

    Raises:
        FileNotFoundError: There is no such folder or file.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    return sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
