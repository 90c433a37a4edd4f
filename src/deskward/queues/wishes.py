"""How people name what the tools of queues do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

WISHES = {
    "route_to_specialist": Wish("route escalate send give pass", "ticket specialist queue"),
    "claim_escalation": Wish("claim take begin start", "escalation ticket"),
    "release_escalation": Wish("release return give back", "escalation ticket"),
    "finish_escalation": Wish("finish end close complete", "escalation"),
}
