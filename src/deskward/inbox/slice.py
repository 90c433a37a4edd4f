"""What mail that comes in brings to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.rotation import Sealed
from deskward.gate.sealing import sealed_anew
from deskward.gate.slice import Slice
from deskward.inbox.boxes import mail_boxes
from deskward.inbox.filing import JOB, RECORD, Inbox
from deskward.inbox.models import incoming_mails, mail_threads, mailboxes
from deskward.inbox.tools import tools

SLICE = Slice(
    tools=tools,
    tables=(incoming_mails, mail_threads, mailboxes, mail_boxes),
    jobs=lambda gate: {JOB: gate.port(Inbox).file},
    records={JOB: RECORD},
    sealed=(Sealed(mail_boxes, mail_boxes.c.id, sealed_anew("mail boxes", "sealed")),),
    policies=Path(__file__).with_name("policies"),
)
