"""Systems that know customers, asked over REST as a file describes: addresses, keys, JSONPath.

sources:
  - name: crm
    url: https://crm.example.com/api/accounts/{crm}
    authentication: {bearer: CRM_TOKEN}
    account_status: $.status
    products: {each: "$.licences[*]", product_name: $.product, version: $.version}
    fields: {account_manager: $.owner.name}
    environment: {integration_billing: $.integrations.billing.status}
"""

from __future__ import annotations

import asyncio
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

import httpx2
import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from deskward.core.apart import apart
from deskward.core.errors import TimeLimitExceeded
from deskward.core.foreign_json import TooMuchJson, parts_in, read_json, steps_of
from deskward.core.marked_yaml import plain_yaml
from deskward.customers.models import Profile
from deskward.diagnostics.context.sources import Known, Source, SourceFailed
from deskward.integrations.crm.taking import (
    DescriptionPart,
    Interactions,
    Path_,
    Products,
    Taking,
    one_of,
)

MOST = 1_000_000
"""Bytes of an answer."""
_PLACE = re.compile(r"\{([a-z][a-z0-9_.-]*)\}")

Fact = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Tenant = Annotated[str, Field(min_length=1, max_length=64)]


class Authentication(DescriptionPart):
    """How a system knows the desk: names of environment variables, never what they hold.

    Attributes:
        bearer: The variable with a token.
        basic: The variable with `user:password`.
        header: The name of a header whose value is in the variable `value`.
    """

    bearer: str | None = None
    basic: str | None = None
    header: str | None = None
    value: str | None = None


class Health(DescriptionPart):
    """How it is seen whether a system is well: by an address that answers with 200 then.

    Attributes:
        every: Seconds between two looks.
    """

    url: Annotated[str, Field(pattern=r"^https?://[^\s{}]+$", max_length=1_000)]
    every: float = Field(300.0, ge=10, le=86_400)


class Rest(DescriptionPart):
    """One system.

    Attributes:
        url: Its address; `{customer_id}` is the desk's id, `{SYSTEM}` the id that the customer has
            in that system (`external_ids`).
        tenants: Whose customers it knows; without any, those of the desk's own tenant alone.
        seconds: For an answer.
        remembered: Seconds for which an answer counts.
        health: How it is seen whether it is well.
        account_status, products, interactions, fields, environment: Where in an answer what is.
    """

    name: Name
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=1_000)]
    tenants: frozenset[Tenant] = frozenset()
    authentication: Authentication = Authentication()
    seconds: float = Field(5.0, gt=0, le=30)
    remembered: float = Field(300.0, ge=0, le=86_400)
    account_status: Path_ | None = None
    products: Products | None = None
    interactions: Interactions | None = None
    fields: dict[Name, Path_] = Field(default_factory=dict)
    environment: dict[Fact, Path_] = Field(default_factory=dict)
    health: Health | None = None

    @field_validator("url", mode="after")
    @classmethod
    def _host_is_written_out(cls, value: str) -> str:
        if "{" in urlsplit(value).netloc:
            raise ValueError("the host is written out: an id would choose who is told the key")
        return value

    @model_validator(mode="after")
    def _checked_at_the_same_host(self) -> Rest:
        if self.health is not None and _origin(self.health.url) != _origin(self.url):
            raise ValueError("`health` is at another host, which would be told the key")
        return self


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.casefold()


class _File(DescriptionPart):
    sources: tuple[Rest, ...] = Field(max_length=20)


def read_sources(file: Path | None, tenant: str) -> list[Source]:
    """The systems that a file describes.

    Args:
        tenant: Whose customers a system knows that names no tenants: the desk's own tenant.

    Raises:
        ValueError: It cannot be used; it says why.
    """
    if file is None:
        return []
    try:
        read = _File.model_validate(plain_yaml(file.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"CRM_FILE: {file}: {where}: {first['msg']}") from None
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise ValueError(f"CRM_FILE: {file}: {error}") from None
    return [RestSource(one, one.tenants or frozenset((tenant,))) for one in read.sources]


class RestSource:
    """A system that is asked over REST."""

    def __init__(self, rest: Rest, tenants: frozenset[str]) -> None:
        """Take its description.

        Args:
            tenants: Whose customers it knows.

        Raises:
            ValueError: A variable that it names is not set.
        """
        self._rest = rest
        self._tenants = tenants
        self._headers = {"accept": "application/json", **_headers(rest)}
        self._paths = _paths_of(rest)

    @property
    def name(self) -> str:
        """What it is called."""
        return self._rest.name

    @property
    def tenants(self) -> frozenset[str]:
        """See `Source`."""
        return self._tenants

    @property
    def remembered(self) -> float:
        """Seconds for which what it has told counts."""
        return self._rest.remembered

    @property
    def checked_every(self) -> float | None:
        """See `Source`."""
        return self._rest.health.every if self._rest.health is not None else None

    async def check(self) -> None:
        """See `Source`."""
        assert self._rest.health is not None
        if await self._answer(self._rest.health.url) is None:
            raise SourceFailed("It answers with 404.")

    async def known(self, customer: Profile) -> Known | None:
        """See `Source`."""
        url = _address(self._rest.url, customer)
        content = await self._answer(url) if url is not None else None
        if content is None:
            return None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise SourceFailed("Its answer is no JSON.") from None
        given = {"rest": self._rest.model_dump(mode="json"), "text": text}
        try:
            steps = steps_of(self._paths, parts_in(text))
            found = await apart(read_answer, given, steps, limit=self._rest.seconds)
        except TimeLimitExceeded:
            raise SourceFailed("Its answer costs too much to look at.") from None
        if "problem" in found:
            raise SourceFailed(found["problem"])
        return Known(**found)

    async def _answer(self, url: str) -> bytes | None:
        """What an address answers, in time; None where it knows nothing such.

        Raises:
            SourceFailed: It does not answer in order.
        """
        try:
            async with asyncio.timeout(self._rest.seconds):
                return await self._asked(url)
        except TimeoutError:
            raise SourceFailed(
                f"It did not answer within {self._rest.seconds:g} seconds."
            ) from None
        except httpx2.HTTPError as error:
            raise SourceFailed(f"It is not reached: {type(error).__name__}.") from None

    async def _asked(self, url: str) -> bytes | None:
        async with (
            httpx2.AsyncClient(
                trust_env=False,
                follow_redirects=False,  # the key would go along
                headers=self._headers,
                timeout=self._rest.seconds,
            ) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code == 404:
                return None
            if response.status_code != 200:
                raise SourceFailed(f"It answers with {response.status_code}.")
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > MOST:
                    raise SourceFailed(f"Its answer has more than {MOST:,} bytes.")
        return bytes(content)


def read_answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer tells, as a system's description says; `problem` where it is none."""
    rest = Rest.model_validate(given["rest"])
    try:
        data = read_json(given["text"])
    except TooMuchJson as error:
        return {"problem": f"Its answer is not read: {error}."}
    except ValueError:
        return {"problem": "Its answer is no JSON."}
    taken = Taking()
    return {
        "account_status": taken.name("account_status", one_of(rest.account_status, data)) or None,
        "products": taken.products(rest.products, data),
        "interactions": taken.interactions(rest.interactions, data),
        "fields": {
            name: taken.anything(f"fields.{name}", one_of(path, data))
            for name, path in rest.fields.items()
        },
        "environment": taken.facts(rest.environment, data),
        "wrong": taken.wrong,
    }


def _address(url: str, customer: Profile) -> str | None:
    """The address that a customer has in a system; None where they are not known there.

    Raises:
        SourceFailed: Their id there would lead to another address.
    """
    ids = {one.system.casefold(): one.id for one in customer.external_ids}
    ids["customer_id"] = customer.customer_id
    wanted = _PLACE.findall(url)
    if any(name not in ids for name in wanted):
        return None
    address = _PLACE.sub(lambda found: quote(ids[found[1]], safe=""), url)
    # Servers take %2F for a slash, and leave a folder at two dots, before they look who is asked.
    names = re.split(r"[/\\]", unquote(unquote(urlsplit(address).path)))
    if {".", ".."} & {name.strip() for name in names}:
        raise SourceFailed("The customer's id there is none that an address can hold.")
    return address


def _paths_of(rest: Rest) -> list[str]:
    """All paths of a description."""
    parts = [one.model_dump() for one in (rest.products, rest.interactions) if one is not None]
    told = [
        rest.account_status,
        *rest.fields.values(),
        *rest.environment.values(),
        *(path for one in parts for path in one.values()),
    ]
    return [path for path in told if path is not None]


def _headers(rest: Rest) -> dict[str, str]:
    told = rest.authentication
    if told.bearer is not None:
        return {"authorization": f"Bearer {_variable(rest, told.bearer)}"}
    if told.basic is not None:
        pair = b64encode(_variable(rest, told.basic).encode()).decode("ascii")
        return {"authorization": f"Basic {pair}"}
    if told.header is not None and told.value is not None:
        return {told.header: _variable(rest, told.value)}
    return {}


def _variable(rest: Rest, name: str) -> str:
    if not (value := os.environ.get(name)):
        raise ValueError(f"CRM_FILE: {rest.name}: the variable {name} is not set")
    return value
