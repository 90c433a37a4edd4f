"""Secrets that tests sign in with: named in suites, and each for hosts that the operator says.

secrets:
  orders-db: {variable: ORDERS_DB_PASSWORD, user: monitor, hosts: [db.example.com]}
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from deskward.core.marked_yaml import plain_yaml
from deskward.core.outside import NotAllowed

Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,250}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(_Part):
    """A secret.

    Attributes:
        variable: The environment variable with the password.
        user: Whose it is.
        hosts: Where it may be told, and nowhere else: the host of a test may be a customer's word.
        tls: Whether it is told over TLS alone, to a certificate that is trusted for the host.
    """

    variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,100}$")]
    user: Annotated[str, Field(min_length=1, max_length=100)]
    hosts: tuple[Host, ...] = Field(min_length=1, max_length=50)
    tls: bool = True


class _File(_Part):
    secrets: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")], Named]


@dataclass(frozen=True)
class Secret:
    """A secret and what it may be used for."""

    named: Named
    password: SecretStr

    def check(self, name: str, host: str) -> None:
        """See that it may be told to a host.

        Raises:
            NotAllowed: It may not.
        """
        if host.casefold().rstrip(".") not in {one.casefold() for one in self.named.hosts}:
            raise NotAllowed(f"the secret {name} is not for {host[:200]}")


def read_secrets(file: Path | None) -> Mapping[str, Secret]:
    """The secrets that a file names.

    Raises:
        ValueError: It cannot be used, or a variable is not set; it says why.
    """
    found = {}
    for name, one in named_in(file).items() if file is not None else ():
        if not (password := os.environ.get(one.variable)):
            told = f"SUITE_SECRETS_FILE: {name}: the variable {one.variable} is not set"
            raise ValueError(told)
        found[name] = Secret(one, SecretStr(password))
    return found


def named_in(file: Path) -> Mapping[str, Named]:
    """What a file says of each secret, by its name; whether its variable is set is not asked.

    Raises:
        ValueError: It cannot be used; it says why.
    """
    try:
        return _File.model_validate(plain_yaml(file.read_text("utf-8"))).secrets
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"SUITE_SECRETS_FILE: {file}: {where}: {first['msg']}") from None
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise ValueError(f"SUITE_SECRETS_FILE: {file}: {error}") from None
