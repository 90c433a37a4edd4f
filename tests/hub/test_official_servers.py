"""The protocol's own servers (npm), as a file of Claude Desktop names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deskward.core.settings import Settings
from tests.hub.test_many import desk_of, looking_often, straight, until
from tests.services.mcp_file import write
from tests.services.npm import installed, newer_node

pytestmark = [
    pytest.mark.xdist_group("hub"),
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.usefixtures("looking_often"),
]
__all__ = ["looking_often"]
VERSION = "2026.8.31"
EVERYTHING = ("@modelcontextprotocol/server-everything", VERSION)
FILES = ("@modelcontextprotocol/server-filesystem", VERSION)


def entry(package: tuple[str, str], *arguments: str) -> dict[str, Any]:
    """What starts a package's one program."""
    folder = installed(*package)
    program = next(iter(json.loads((folder / "package.json").read_text("utf-8"))["bin"].values()))
    return {"command": newer_node(), "args": [str(folder / program), *arguments]}


async def test_they_work_as_they_are(
    sqlite_settings: Settings, offline: Any, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "note.txt").write_text("Grüße", encoding="utf-8")
    servers = {"everything": entry(EVERYTHING), "files": entry(FILES, str(shared))}
    file = write(tmp_path / "mcp.json", servers)
    async with desk_of(sqlite_settings, file, offline) as desk:
        await until(
            lambda: {"everything__echo", "files__read_text_file"} <= desk.gate.tools.keys(), 120
        )
        names = sorted(name for name in desk.gate.tools if "__" in name)
        print(names)
        echo = await straight(desk, "everything__echo", {"message": "hello"})
        assert "hello" in echo.value["text"]
        read = await straight(desk, "files__read_text_file", {"path": str(shared / "note.txt")})
        assert "Grüße" in str(read.value)
        image = await straight(desk, "everything__get_tiny_image", {})
        assert [block["type"] for block in image.value["mcp_content"]] == ["image"]
        with pytest.raises(Exception, match=r"denied|outside|allowed"):
            await straight(desk, "files__read_text_file", {"path": "/etc/passwd"})
