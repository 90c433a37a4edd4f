"""What the desk knows of a document: from its front matter, the rules for its path, its source."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deskward.knowledge.formats.languages import UNKNOWN, tagged
from deskward.knowledge.formats.reading import Read
from deskward.knowledge.passages import Audience

READER = "1"
"""Grows when documents are to be read anew, because they would be read otherwise."""
MOST_TAGS = 20

_SPECIFIER = re.compile(r"(==|!=|>=|<=|~=|>|<)\s{0,9}v?\d{1,9}(?:\.\d{1,9}){0,5}(?:\.\*)?")
_SERIES = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:\.[x*])?", re.IGNORECASE)
_RANGE = re.compile(
    r"v?(\d{1,9}(?:\.\d{1,9}){0,5})\s{0,9}[-–]\s{0,9}v?(\d{1,9}(?:\.\d{1,9}){0,5})", re.IGNORECASE
)

Text = Annotated[str, Field(max_length=100)]
Glob = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="`*` is any part of a path, also with slashes in it.",
        examples=["guides/*"],
    ),
]


class Told(BaseModel):
    """What is said of documents; what is empty says nothing."""

    model_config = ConfigDict(extra="forbid")

    audience: Audience | None = Field(
        None,
        description="Who may read them: `customer` is everybody. Unset: staff alone, but where "
        "their front matter says otherwise.",
    )
    product: Text = ""
    versions: Text = Field(
        "",
        description="Versions of the product that they hold for: `>=2,<3`, `2.x`, `2.1 - 2.5`.",
        examples=["2.x"],
    )
    category: Text = ""
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field([], max_length=MOST_TAGS)
    language: Text = Field("", description="As BCP 47 writes it. Unset: found out.")


class Rule(Told):
    """What is said of the documents at some paths."""

    path: Glob


class Settings(Told):
    """How a source is read."""

    include: list[Glob] = Field([], max_length=30, description="Only these paths. Unset: all.")
    exclude: list[Glob] = Field([], max_length=30, description="Not these paths.")
    rules: list[Rule] = Field(
        [], max_length=30, description="What is said of some paths; a later rule wins."
    )
    branch: Annotated[str, Field(max_length=200)] = Field(
        "", description="Of Git: the branch or tag. Unset: the repository's own."
    )
    folder: Annotated[str, Field(max_length=500)] = Field(
        "", description="Of a repository: only what is in this folder of it."
    )
    endpoint: Annotated[str, Field(max_length=500)] = Field(
        "",
        description="Of a bucket: its service. Unset: Amazon's.",
        examples=["https://objects.example.com"],
    )
    region: Annotated[str, Field(max_length=60, pattern="^[a-z0-9-]*$")] = Field(
        "", description="Of a bucket: its region. Unset: `us-east-1`.", examples=["eu-central-1"]
    )
    address: Annotated[str, Field(max_length=500)] = Field(
        "",
        description="Where readers find a document, with `{path}`. Unset: where it was read.",
        examples=["https://docs.example.com/{path}"],
    )

    def takes(self, path: str) -> bool:
        """Whether documents of this path are read."""
        if self.include and not any(fnmatch.fnmatchcase(path, one) for one in self.include):
            return False
        return not any(fnmatch.fnmatchcase(path, one) for one in self.exclude)

    @property
    def print(self) -> str:
        """Changes with whatever has documents be read anew."""
        told = f"{READER} {self.model_dump_json()}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


class Unreadable(ValueError):
    """Stored settings that this version does not understand; the message says what in them."""


def stored_settings(values: object) -> Settings:
    """A source's settings as its row has them.

    Raises:
        Unreadable: Another version wrote them, or something else than the desk did.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise Unreadable(
            f"Its stored settings are not understood ({said[:200]}). Another version of Deskward "
            "may have written them. Set them anew with `change_source`."
        ) from None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the desk knows of a document.

    Attributes:
        doubts: What of its front matter was not understood.
    """

    title: str
    product: str
    versions: str
    category: str
    tags: tuple[str, ...]
    language: str
    audience: Audience
    doubts: tuple[str, ...] = field(default=())


def facts_of(path: str, settings: Settings, read: Read, *, trusted: bool = True) -> Facts:
    """What the desk knows of a document.

    Its front matter counts most, then the last rule for its path, then its source.

    Args:
        trusted: Whether its own word on who may read it counts: not where strangers may write it.
    """
    said = _said(path, settings)
    told = read.told
    doubts: list[str] = []
    own = str(told.get("audience", "")).strip().casefold()
    audience: Audience = said.audience or "staff"
    if own in ("customer", "staff") and trusted:
        audience = "customer" if own == "customer" else "staff"
    elif own and trusted:
        audience = "staff"
        doubts.append(f"its audience {own[:40]!r} is neither customer nor staff: it is for staff")
    versions = said.versions
    for name in ("versions", "version"):
        if told.get(name):
            versions = " ".join(_texts(told[name]))
            break
    specified = specifiers(versions)
    if versions and specified is None:
        doubts.append(f"its versions {versions[:60]!r} are not understood: it holds for none")
        specified = "<0"
    language = said.language or read.language
    if told.get("language") or told.get("lang"):
        language = read.language
    return Facts(
        title=read.title,
        product=_text(told.get("product")) or said.product,
        versions=specified or "",
        category=_text(told.get("category")) or said.category,
        tags=_tags(told, said),
        language=tagged(language) or UNKNOWN,
        audience=audience,
        doubts=tuple(doubts),
    )


def specifiers(text: str) -> str | None:
    """Versions as PEP 440 writes specifiers: `2.x` is `==2.*`; None where they are none."""
    text = text.strip()
    if not text or text in ("*", "all"):
        return ""
    if series := _SERIES.fullmatch(text):
        return f"=={series[1]}.*"
    if between := _RANGE.fullmatch(text):
        return f">={between[1]},<={between[2]}"
    parts = [part.strip() for part in text.split(",")]
    if all(_SPECIFIER.fullmatch(part) for part in parts):
        return ",".join("".join(part.split()).replace("v", "") for part in parts)
    return None


def _said(path: str, settings: Settings) -> Told:
    """What a source's settings say of a path."""
    said = {name: getattr(settings, name) for name in Told.model_fields}
    for rule in settings.rules:
        if fnmatch.fnmatchcase(path, rule.path):
            said |= {name: value for name in Told.model_fields if (value := getattr(rule, name))}
    return Told(**said)


def _tags(told: Mapping[str, Any], said: Told) -> tuple[str, ...]:
    named = [one for name in ("tags", "keywords") for one in _texts(told.get(name, []))]
    parts = [part.strip() for one in named for part in one.split(",")]
    return tuple(dict.fromkeys(part[:100] for part in [*parts, *said.tags] if part))[:MOST_TAGS]


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _text(value: Any) -> str:
    return " ".join(" ".join(_texts(value)).split())[:200] if value else ""
