"""What mail that comes in brings to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.inbox.filing import JOB, RECORD, Inbox
from deskward.inbox.models import incoming_mails, mail_threads, mailboxes
from deskward.inbox.tools import tools

SLICE = Slice(
    tools=tools,
    tables=(incoming_mails, mail_threads, mailboxes),
    jobs=lambda gate: {JOB: gate.port(Inbox).file},
    records={JOB: RECORD},
    policies=Path(__file__).with_name("policies"),
)
