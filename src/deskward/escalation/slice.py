"""What escalation brings to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.escalation.models import sla_escalations, sla_rules, sla_watch
from deskward.escalation.timers import CHECK, check, look
from deskward.escalation.tools import tools
from deskward.gate.slice import Slice

SLICE = Slice(
    tools=tools,
    tables=(sla_watch, sla_escalations, sla_rules),
    jobs=lambda gate: {CHECK: partial(check, gate)},
    looks=lambda gate: [partial(look, gate)],
    claims=Path(__file__).with_name("claims.yaml"),
    policies=Path(__file__).with_name("policies"),
)
