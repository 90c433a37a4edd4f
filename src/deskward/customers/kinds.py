"""The kinds of value of customers that a sentence may name."""

from __future__ import annotations

import re

from deskward.text.finding import Kind

_USER = re.compile(r"\b(user_\w+)\b")


def _user(text: str, answers: bool) -> str | None:
    match = _USER.search(text)
    return match.group(1) if match else None


KINDS: dict[str, Kind] = {"user_id": Kind(_user, is_id=True)}
