"""Notices: mails by which staff and customers hear of what concerns them."""
