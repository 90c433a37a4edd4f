"""How people name what the tools of escalation do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

WISHES = {
    "create_escalation_ticket": Wish("escalate pass give send", "ticket specialist escalation"),
}
