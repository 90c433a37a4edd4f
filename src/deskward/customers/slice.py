"""What customers bring to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.customers.demo import load
from deskward.customers.kinds import KINDS
from deskward.customers.models import customers
from deskward.customers.tools import SCRUB, scrub, tools
from deskward.gate.slice import Slice

SLICE = Slice(
    tools=tools,
    tables=(customers,),
    jobs=lambda gate: {SCRUB: partial(scrub, gate.database)},
    demo=load,
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
)
