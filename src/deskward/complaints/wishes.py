"""How people name what the tools of complaints do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import OWN_WORDS, Wish

WISHES = {
    "register_complaint": OWN_WORDS,
    "update_complaint": Wish("change update set raise lower mark", "complaint"),
    "resolve_complaint": Wish("resolve settle close", "complaint"),
    "archive_complaint": Wish("archive", "complaint"),
}
