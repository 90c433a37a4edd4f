"""What uploaded files bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.files.models import files
from deskward.files.tools import tools
from deskward.gate.slice import Slice

SLICE = Slice(
    tools=tools,
    tables=(files,),
    policies=Path(__file__).with_name("policies"),
)
