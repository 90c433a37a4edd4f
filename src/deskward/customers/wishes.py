"""How people name what the tools of customers do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

WISHES = {
    "create_customer": Wish("create add make register", "customer"),
    "update_customer": Wish("change update set add remove", "customer"),
}
