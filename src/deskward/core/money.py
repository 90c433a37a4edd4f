"""Amounts of money: integers of minor units, and how they are read and written."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from deskward.core.currencies import TENDER, places_of
from deskward.core.errors import InvalidInput
from deskward.core.written import Ours

JsonSchema = dict[str, Any]

_LETTER = re.compile(r"(?<=[^\W\d_])(?=\d)")
MOST = 2**53 - 1
"""Most minor units: as many as a JSON number holds exactly (RFC 8259, section 6)."""


def _in_use(currency: str) -> str:
    if currency not in TENDER:
        raise ValueError("there is no such currency; give its ISO 4217 code")
    return currency


Currency = Annotated[
    str,
    AfterValidator(_in_use),
    Field(
        pattern="^[A-Z]{3}$",
        json_schema_extra={"enum": TENDER},
        description="ISO 4217 code.",
        examples=["USD"],
    ),
]
"""A currency that one can pay in."""


def decimals_by_currency(price: Callable[[JsonSchema], JsonSchema]) -> JsonSchema:
    """Return the JSON Schema which says how many decimals a price has in an object's `currency`.

    Args:
        price: Puts the schema of a price to where the object has its prices.
    """
    places = {currency: places_of(currency) for currency in TENDER}
    return {
        "allOf": [
            {
                "if": {
                    "required": ["currency"],
                    "properties": {"currency": {"enum": [c for c in TENDER if places[c] == count]}},
                },
                "then": price({"pattern": rf"^[0-9]+(\.[0-9]{{0,{count}}}0*)?$"}),
            }
            for count in sorted(set(places.values()))
        ]
    }


class Money(BaseModel):
    """An amount of money (ISO 4217)."""

    amount: int = Field(description="In minor units, for example cents.", examples=[542050])
    currency: str = Field(pattern="^[A-Z]{3}$", examples=["USD"])
    value: Ours = Field(
        description="The same as a decimal number, which is how amounts are given.",
        examples=["5420.50"],
    )
    formatted: Ours = Field(description="For people.", examples=["$5,420.50"])

    @classmethod
    def of(cls, amount: int, currency: str) -> Money:
        """The amount with its texts."""
        return cls(
            amount=amount,
            currency=currency,
            value=decimal_of(amount, currency),
            formatted=format_money(amount, currency),
        )


@lru_cache(maxsize=4096)
def format_money(amount: int, currency: str) -> str:
    """An amount of minor units as people write it: `format_money(542050, "USD")` is `$5,420.50`.

    Between a letter and a digit is a space, as CLDR has it and Babel does not (UTS 35, part 3).
    """
    from babel.numbers import format_currency

    value = Decimal(amount).scaleb(-places_of(currency))
    return _LETTER.sub("\u00a0", format_currency(value, currency, locale="en_US"))


def decimal_of(amount: int, currency: str) -> str:
    """An amount of minor units as a decimal number: `decimal_of(4990, "USD")` is 49.90."""
    return f"{Decimal(amount).scaleb(-places_of(currency)):f}"


def minor_units(amount: str, currency: str) -> int:
    """A decimal number as minor units: `minor_units("5420.50", "USD")` is 542050.

    Raises:
        InvalidInput: There is no such currency, or it has fewer decimal places.
    """
    from babel.numbers import list_currencies

    if currency not in list_currencies():
        raise InvalidInput(f"There is no currency {currency!r}. Give its ISO 4217 code.")
    places = places_of(currency)
    scaled = Decimal(amount).scaleb(places)
    if scaled != scaled.to_integral_value():
        raise InvalidInput(f"{amount} is no amount of {currency}, which has {places} decimals.")
    return int(scaled)
