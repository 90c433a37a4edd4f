"""How people name what the tools of complaints do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

NAMES = tuple(
    "complain beschwer reklam réclam plainte queja reclam klacht şikayet şikâyet "
    "жалоб скарг 苦情 クレーム 投诉 投訴 불만 شكوى παράπον skarg".split()
)
"""Parts of words that name a complaint where somebody speaks against one."""

WISHES = {
    "register_complaint": Wish("", against=NAMES),
    "update_complaint": Wish("change update set raise lower mark", "complaint"),
    "resolve_complaint": Wish("resolve settle close", "complaint"),
    "archive_complaint": Wish("archive", "complaint"),
}
