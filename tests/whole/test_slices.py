"""What a slice brings is found by the one list in `features.py`; nothing else lists slices."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import deskward
from deskward.features import SLICES
from tests.everything import POLICIES, SKILLS

SOURCE = Path(str(deskward.__file__)).parent
FOLDERS = sorted(
    file.parent.name for file in SOURCE.glob("*/slice.py") if file.parent.name != "gate"
)


def imported(file: Path) -> set[str]:
    """The modules of deskward that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_every_folder_with_a_slice_is_listed_once() -> None:
    listed = [
        name for name in FOLDERS if f"deskward.{name}.slice" in imported(SOURCE / "features.py")
    ]
    assert listed == FOLDERS
    assert len(SLICES) == len(FOLDERS)


def test_nothing_but_the_composition_root_goes_over_slices() -> None:
    for file in SOURCE.rglob("*.py"):
        known = {f"deskward.{name}.slice" for name in FOLDERS} & imported(file)
        assert not known or file == SOURCE / "features.py", file


def test_what_lies_in_a_slices_folder_is_brought_by_it() -> None:
    for folder in ("skills", "policies"):
        there = {path.parent for path in SOURCE.glob(f"*/{folder}") if path.parent.name in FOLDERS}
        brought = {path.parent for path in (SKILLS if folder == "skills" else POLICIES)}
        assert there <= brought
    for file in SOURCE.glob("*/demo.py"):
        assert f"deskward.{file.parent.name}.demo.load" in imported(file.parent / "slice.py")


def test_the_contracts_on_imports_name_every_slice() -> None:
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["name"]: one for one in project["tool"]["importlinter"]["contracts"]}
    slices = {f"deskward.{name}" for name in FOLDERS}
    agent, doors, outside = (
        set(contracts[name][part])
        for name, part in (
            ("The agent knows tools, not features", "forbidden_modules"),
            ("Only doors know web frameworks", "source_modules"),
            ("Slices know no outside system: they declare a port", "source_modules"),
        )
    )
    assert slices <= agent
    assert slices <= doors
    assert slices <= outside
