"""A tenant's hours as customers read them, in their language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

from deskward.security.tenants import Tenant, spans_of


def hours_in(language: str, tenant: Tenant | None) -> str | None:
    """When people work there: `Monday–Friday 9:00 AM–5:00 PM, Saturday … (Berlin)`; None if unsaid.

    Args:
        language: A language that Babel knows.
    """
    spans = spans_of(tenant.hours) if tenant is not None else {}
    if tenant is None or not spans:
        return None
    from babel.dates import format_time, get_day_names, get_timezone_location  # some MB

    names = get_day_names("wide", "stand-alone", locale=language)
    parts = []
    for first, last in _runs({day: tuple(sorted(told)) for day, told in spans.items()}):
        days = names[first] if first == last else f"{names[first]}–{names[last]}"
        times = [
            "–".join(format_time(_shown(moment), "short", locale=language) for moment in span)
            for span in sorted(spans[first])
        ]
        parts.append(f"{days} {', '.join(times)}")
    place = get_timezone_location(tenant.time_zone or "UTC", locale=language, return_city=True)
    return f"{'; '.join(parts)} ({place})"


def _shown(moment: time) -> time:
    """A time of the day; its end, which no clock shows, is the next one's beginning."""
    return time.min if moment == time.max else moment


def _runs(spans: dict[int, tuple[object, ...]]) -> Iterator[tuple[int, int]]:
    """Days that follow each other and have the same times, as the first and the last of them."""
    first = None
    for day in range(7):
        if day not in spans:
            continue
        if first is None or spans.get(day - 1) != spans[day]:
            first = day
        if spans.get(day + 1) != spans[day]:
            yield first, day
