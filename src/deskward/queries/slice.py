"""What queries bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.queries.models import registered_queries
from deskward.queries.tools import tools

SLICE = Slice(
    tools=tools,
    tables=(registered_queries,),
    policies=Path(__file__).with_name("policies"),
)
