"""How people name what the tools of tickets do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import OWN_WORDS, Wish

NAMES = tuple(
    "ticket tíquet тикет тікет заявк билет zgłoszeni チケット "
    "工单 工單 티켓 تذكرة כרטיס δελτίο टिकट ärende talep".split()
)
"""Parts of words that name a ticket where somebody speaks against one."""
_NEW = Wish("", against=NAMES)

WISHES = {
    "create_ticket": _NEW,
    "report_issue": _NEW,
    "answer_ticket": OWN_WORDS,
    "add_ticket_note": Wish("note add write", "note ticket"),
    "merge_tickets": Wish("merge join combine", "ticket"),
    "split_ticket": Wish("split", "ticket"),
    "link_tickets": Wish("link", "ticket"),
    "mark_spam": Wish("mark", "spam"),
    "save_ticket_view": Wish("save", "view"),
    "change_ticket_view": Wish("change rename share", "view"),
    "delete_ticket_view": Wish("delete remove", "view"),
    "change_tickets": Wish("set change update resolve close assign raise lower", "tickets"),
    "snooze_ticket": Wish("snooze postpone", "ticket"),
    "update_ticket": Wish(
        "set change update resolve close reopen assign reply mark raise lower",
        alone=("assignee",),
    ),
}
