"""What mail brings to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.email.bounced import bounced_addresses
from deskward.email.kinds import KINDS
from deskward.email.models import emails
from deskward.email.outbox import JOB, RECORD, Outbox
from deskward.email.tools import tools
from deskward.gate.slice import Slice

SLICE = Slice(
    tools=tools,
    tables=(emails, bounced_addresses),
    jobs=lambda gate: {JOB: gate.port(Outbox).deliver},
    records={JOB: RECORD},
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
)
