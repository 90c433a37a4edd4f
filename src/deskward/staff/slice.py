"""What the staff's directory brings to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.staff.demo import load
from deskward.staff.tools import tools

SLICE = Slice(tools=tools, demo=load, policies=Path(__file__).with_name("policies"))
