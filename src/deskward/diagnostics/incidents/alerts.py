"""What monitoring says, in the forms that are taken, as alerts of one form."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from deskward.core.errors import InvalidInput
from deskward.core.moments import Moment

MOST = 1_000
"""Alerts of one request."""
_NEVER = datetime(2, 1, 1, tzinfo=UTC)
"""Alertmanager writes the year 1 where an alert has not ended."""


_MOST = {
    "name": 200,
    "title": 200,
    "description": 4_000,
    "severity": 32,
    "product": 200,
    "version": 64,
    "test": 200,
    "code": 64,
}
"""Characters that are kept of each text."""
Body = TypeVar("Body", bound=BaseModel)


class Alert(BaseModel):
    """An alert, from wherever it came.

    Attributes:
        fingerprint: The same for each time that the same thing is told of.
        name: What kind of alert it is.
        started_at: When it began, by the clock of the monitoring.
        ended_at: When it ended, where it has.
        customer_message: What customers may be told of it.
    """

    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    firing: bool
    name: Annotated[str, Field(max_length=200)]
    title: Annotated[str, Field(max_length=200)]
    description: Annotated[str, Field(max_length=4_000)]
    customer_message: Annotated[str, Field(max_length=1_000)] | None
    severity: Annotated[str, Field(max_length=32)]
    product: Annotated[str, Field(max_length=200)]
    version: Annotated[str, Field(max_length=64)]
    test: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(max_length=64)]
    started_at: Moment
    ended_at: Moment | None


class _Theirs(BaseModel):
    """An alert of Alertmanager's."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    started_at: Annotated[Moment, Field(alias="startsAt")]
    ended_at: Annotated[Moment | None, Field(alias="endsAt")] = None
    fingerprint: str = ""


class _Alertmanager(BaseModel):
    """What Alertmanager posts to a webhook."""

    version: Literal["4"]
    alerts: Annotated[list[_Theirs], Field(max_length=MOST)]


class _Told(BaseModel):
    """An alert of the generic form."""

    id: Annotated[str, Field(min_length=1)]
    status: Literal["firing", "resolved"]
    title: Annotated[str, Field(min_length=1)]
    description: str = ""
    customer_message: str | None = None
    severity: str = ""
    product: str = ""
    version: str = ""
    test: str = ""
    code: str = ""
    started_at: Moment
    ended_at: Moment | None = None


class _Generic(BaseModel):
    """The generic form."""

    alerts: Annotated[list[_Told], Field(min_length=1, max_length=MOST)]


def of_alertmanager(body: bytes) -> list[Alert]:
    """The alerts of a request of Alertmanager's.

    What sessions are compared with comes from the labels `product`, `product_version`, `test` and
    `code`; what customers are told, from the annotation `customer_message` and from nothing else.

    Raises:
        InvalidInput: It is not of that form, or has too many alerts.
    """
    found = []
    for one in _read(_Alertmanager, body).alerts:
        labels, notes = one.labels, one.annotations
        name = labels.get("alertname", "")
        ended = one.ended_at if one.ended_at is not None and one.ended_at > _NEVER else None
        found.append(
            _alert(
                fingerprint=one.fingerprint or repr(sorted(labels.items())),
                firing=one.status == "firing",
                name=name,
                title=notes.get("summary") or name or "Alert",
                description=notes.get("description", ""),
                customer_message=notes.get("customer_message") or None,
                severity=labels.get("severity", ""),
                product=labels.get("product", ""),
                version=labels.get("product_version", ""),
                test=labels.get("test", ""),
                code=labels.get("code", ""),
                started_at=one.started_at,
                ended_at=ended,
            )
        )
    return found


def of_generic(body: bytes) -> list[Alert]:
    """The alerts of a request of the generic form.

    Raises:
        InvalidInput: It is not of that form, or has too many alerts.
    """
    return [
        _alert(
            fingerprint=one.id,
            firing=one.status == "firing",
            name=one.title,
            **one.model_dump(exclude={"id", "status"}),
        )
        for one in _read(_Generic, body).alerts
    ]


def _alert(fingerprint: str, customer_message: str | None, **told: Any) -> Alert:
    """An alert with its texts cut to what is kept of them, and a name where it has none.

    One odd character is no reason to lose it, and all that are told of with it.
    """
    cut = {name: _plain(str(told[name]))[:most] for name, most in _MOST.items()}
    cut["title"] = cut["title"] or cut["name"] or "Alert"
    said = _plain(customer_message or "")[:1_000]
    digest = hashlib.sha256(fingerprint.encode()).hexdigest()
    return Alert(**{**told, **cut}, fingerprint=digest, customer_message=said or None)


def _plain(text: str) -> str:
    """A text in one line, without the NUL that no database keeps."""
    return " ".join(text.replace("\0", " ").split())


def _read(form: type[Body], body: bytes) -> Body:
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidInput(f"{where}: {first['msg']}.") from None
