"""What is taken over of an answer of a system that knows customers, and what is not.

A part that is not of the form that it should be is left out, or shortened, and told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import jsonpath
from pydantic import BaseModel, ConfigDict, Field, field_validator

MOST_ENTRIES = 200
"""Products, and interactions."""
MOST_TEXT = 2_000
MOST_NAME = 200
"""Characters of a status, a version, and whatever else is called somehow."""
MOST_OTHER = 50 * MOST_TEXT
"""Characters of a value that is no text, as JSON."""
_EACH = ("[*]", ".*")
"""How a path ends that leads to each part of something."""

Path_ = Annotated[str, Field(min_length=1, max_length=300)]


class DescriptionPart(BaseModel):
    """A part of a system's description; what begins with `$` in it is JSONPath."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _paths(cls, value: Any, info: Any) -> Any:
        for path in value.values() if isinstance(value, dict) else (value,):
            if isinstance(path, str) and path.startswith("$"):
                try:
                    jsonpath.compile(path)
                except jsonpath.JSONPathError as error:
                    told = str(error).splitlines()[0]
                    raise ValueError(f"{path} is no JSONPath: {told}") from None
        return value


class Products(DescriptionPart):
    """Where products are in an answer: each of them, and in each what it is called."""

    each: Path_
    product_name: Path_
    version: Path_ | None = None
    license_type: Path_ | None = None
    support_tier: Path_ | None = None
    configuration: Path_ | None = None
    usage_stats: Path_ | None = None


class Interactions(DescriptionPart):
    """Where contacts with the customer are in an answer."""

    each: Path_
    kind: Path_
    at: Path_
    summary: Path_


class Taking:
    """What is taken over of one answer.

    Attributes:
        wrong: The parts that are not of the form that they should be.
    """

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def name(self, place: str, value: Any, most: int = MOST_NAME) -> str:
        """A text of one part; what is none is left out."""
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.wrong.append(place)
            return ""
        text = str(value)
        if len(text) > most:
            self.wrong.append(place)
        return text[:most]

    def anything(self, place: str, value: Any) -> Any:
        """A value of whatever form."""
        if isinstance(value, str):
            return self.name(place, value, MOST_TEXT)
        if len(str(value)) > MOST_OTHER:
            self.wrong.append(place)
            return None
        return value

    def products(self, part: Products | None, data: Any) -> list[dict[str, Any]]:
        """The products; one without a name is none that anybody could ask for."""
        found = []
        for place, entry in self._each("products", part, data):
            assert part is not None
            told: dict[str, Any] = {
                name: self.name(f"{place}.{name}", one_of(getattr(part, name), entry))
                for name in ("product_name", "version", "license_type", "support_tier")
            }
            for name in ("configuration", "usage_stats"):
                value = one_of(getattr(part, name), entry)
                if value is not None and not isinstance(value, dict):
                    self.wrong.append(f"{place}.{name}")
                    value = None
                told[name] = self.anything(f"{place}.{name}", value)
            if told["product_name"].strip():
                found.append(told)
            elif f"{place}.product_name" not in self.wrong:
                self.wrong.append(f"{place}.product_name")
        return found

    def interactions(self, part: Interactions | None, data: Any) -> list[dict[str, str]]:
        """The contacts."""
        return [
            {
                name: self.name(f"{place}.{name}", one_of(getattr(part, name), entry), most)
                for name, most in (("kind", MOST_NAME), ("at", MOST_NAME), ("summary", MOST_TEXT))
            }
            for place, entry in self._each("interactions", part, data)
        ]

    def facts(self, paths: Mapping[str, str], data: Any) -> dict[str, str | int | float | bool]:
        """Where the product runs."""
        found: dict[str, str | int | float | bool] = {}
        for name, path in paths.items():
            value, place = one_of(path, data), f"environment.{name}"
            if isinstance(value, str):
                found[name] = self.name(place, value, MOST_TEXT)
            elif isinstance(value, int | float):
                found[name] = value
            elif value is not None:
                self.wrong.append(place)
        return found

    def _each(
        self, name: str, part: Products | Interactions | None, data: Any
    ) -> Iterator[tuple[str, Any]]:
        """The entries of a list, with what each is called where it is wrong."""
        if part is None or not isinstance(data, dict | list):
            return
        if end := next((one for one in _EACH if part.each.endswith(one)), None):
            whole = jsonpath.finditer(part.each.removesuffix(end), data)
            if not all(one.value is None or isinstance(one.value, list | dict) for one in whole):
                self.wrong.append(name)
        for number, node in enumerate(jsonpath.finditer(part.each, data)):
            if number == MOST_ENTRIES:
                self.wrong.append(f"{name} (there are more than {MOST_ENTRIES})")
                break
            if isinstance(node.value, dict | list):
                yield f"{name}[{number}]", node.value
            else:
                self.wrong.append(f"{name}[{number}]")


def one_of(path: str | None, data: Any) -> Any:
    """The first that a path finds; None where it finds nothing."""
    if path is None or not isinstance(data, dict | list):
        return None
    return next((node.value for node in jsonpath.finditer(path, data)), None)
