"""How people name what the tools of complaints do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

_COMPLAINT = (
    "complaint complaints beschwerde réclamation plainte queja reclamación reclamo queixa klacht"
)

WISHES = {
    "register_complaint": Wish(
        "complain register make file submit lodge beschweren einreichen déposer plaindre poner "
        "presentar fare presentare fazer apresentar indienen",
        f"{_COMPLAINT} complain beschweren plaindre",
    ),
    "update_complaint": Wish("change update set raise lower mark", "complaint"),
    "resolve_complaint": Wish("resolve settle close", "complaint"),
    "archive_complaint": Wish("archive", "complaint"),
}
