"""What a browser tells of itself in client hints (User-Agent Client Hints, WICG; RFC 8942).

Browsers have frozen User-Agent: Windows 11 says there that it is Windows 10, and each version of
Chrome is its first one. The hints tell what is so, in structured fields (RFC 9651).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.request import parse_http_list

Hints = dict[str, str]
"""Header → value, as a browser has sent it; names in whatever case."""
BRANDS = ("sec-ch-ua-full-version-list", "sec-ch-ua")
"""Headers with brands and versions, the better first."""
_BRAND = re.compile(r'"((?:[^"\\]|\\.){1,100})"\s{0,5};\s{0,5}v="([0-9.]{1,40})"')
_ENGINE = "chromium"
"""The brand that each browser of that family names beside its own."""
_BROWSERS = {"google chrome": "chrome", "microsoft edge": "edge"}
_SYSTEMS = {"chrome os": "chromeos", "chromium os": "chromeos"}


def of_client_hints(hints: Mapping[str, str]) -> dict[str, str]:
    """What client hints say, as facts with the names that a user agent has; unknown is left out."""
    told = {name.casefold(): value for name, value in hints.items()}
    facts: dict[str, str] = {}
    brands = next((found for one in BRANDS if (found := dict(_brands(told.get(one, ""))))), {})
    own = [name for name in brands if name != _ENGINE] or list(brands)
    if len(own) == 1:
        facts["browser"] = _BROWSERS.get(own[0], own[0])
        facts["browser_version"] = ".".join(brands[own[0]].split(".")[:2])
    system = _string(told.get("sec-ch-ua-platform", "")).casefold()
    if system and system != "unknown":
        facts["os"] = _SYSTEMS.get(system, system)
        version = _string(told.get("sec-ch-ua-platform-version", ""))
        facts["os_version"] = _windows(version) if system == "windows" else _two(version)
    facts["device"] = _string(told.get("sec-ch-ua-model", ""))
    return {name: value for name, value in facts.items() if value}


def _brands(field: str) -> Iterator[tuple[str, str]]:
    """The brands of a list, but for the one that stands there so that nobody counts on the rest."""
    for item in parse_http_list(field):
        if (found := _BRAND.fullmatch(item.strip())) is not None:
            name = " ".join(found[1].casefold().split())
            if not re.search(r"not.{0,3}a.{0,3}brand", name):
                yield name, found[2]


def _string(field: str) -> str:
    """A string of structured fields; empty where it is none."""
    found = re.fullmatch(r'\s{0,5}"([^"\\]{0,100})"\s{0,5}', field)
    return found[1].strip() if found else ""


def _two(version: str) -> str:
    return ".".join(version.split(".")[:2]) if re.fullmatch(r"[0-9.]+", version) else ""


def _windows(version: str) -> str:
    """Windows as it is sold, by the platform's version (Microsoft's table): from 13 on it is 11."""
    major = version.partition(".")[0]
    if not major.isdecimal() or not int(major):
        return ""  # 7 and 8 are told as 0.1 to 0.3
    return "11" if int(major) >= 13 else "10"
