"""What notices bring to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.gate.slice import Slice
from deskward.notices.models import mailed, notices, switches
from deskward.notices.sending import look
from deskward.notices.tools import tools

SLICE = Slice(
    tools=tools,
    tables=(switches, notices, mailed),
    looks=lambda gate: [partial(look, gate)],
    policies=Path(__file__).with_name("policies"),
)
