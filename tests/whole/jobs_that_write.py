"""What jobs write, for `test_every_write.py`."""

JOBS = {
    "approval": "the approved call's own row",
    "change_tickets": "the rows of the calls that it makes, and that of `change_tickets`",
    "email.deliver": "the row of the call that wrote the mail",
    "erase_traces": "the row of `erase_customer`",
    "handle_ticket": "the rows of the calls that it makes",
    "inbox.file": "its own, `receive_mail`",
    "kafka.answer": "the rows of the turns that it begins",
    "kafka.send": "the row of the turn whose answer it publishes; of what was refused, none",
    "knowledge.index": "none: the index is a copy of what the database has",
    "knowledge.sync": "the row of the call that added the source, or had it read",
    "orders.payout": "the row of the call that granted the refund",
    "scrub": "the row of `erase_customer`",
    "source_health": "none: it asks another system how it is, and keeps that with itself",
    "sla_clocks": "none: it notes on the ticket that a clock of it runs out, and tells of it",
    "staff_left": "the row of the call, or the command, that disabled them",
    "webhooks.tell": "the row of the call that made it happen",
    "handover_waits": "the row of `hand_over`",
    "ticket_due_soon": "none: it tells what is on the ticket, and changes nothing of it",
    "wake_ticket": "the row of `snooze_ticket`",
    "incident_over": "the row of `resolve_incident`, or of the alerts that ended it",
    "incident_seen": "none: it notes down what several customers have told in their own calls",
    "incident_updated": "the row of `update_incident`",
    "diagnosis_quiet": "the row of the call after which nobody touched the session",
}
"""Every kind of job → the row in which the ledger tells of it."""
