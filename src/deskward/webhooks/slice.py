"""What webhooks bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.rotation import Sealed
from deskward.gate.sealing import sealed_anew
from deskward.gate.slice import Slice
from deskward.webhooks.delivery import JOB, Teller
from deskward.webhooks.models import webhooks
from deskward.webhooks.tools import tools

SLICE = Slice(
    tools=tools,
    tables=(webhooks,),
    jobs=lambda gate: {JOB: gate.port(Teller).deliver},
    looks=lambda gate: [gate.port(Teller).look],
    sealed=(Sealed(webhooks, webhooks.c.id, sealed_anew("webhooks", "secret")),),
    policies=Path(__file__).with_name("policies"),
)
