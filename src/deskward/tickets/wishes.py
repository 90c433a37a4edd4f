"""How people name what the tools of tickets do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import OWN_WORDS, Wish

WISHES = {
    "create_ticket": OWN_WORDS,
    "report_issue": OWN_WORDS,
    "update_ticket": Wish("set change update resolve close reopen assign reply mark raise lower"),
}
