"""Fields that the operator declares besides those that every record has.

`CUSTOMER_FIELDS=contract=text, seats=number, since=date, plan=choice:basic|pro`
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from deskward.core.errors import Conflict, InvalidInput

Value = str | float
"""What a field holds: a date is text of the form 2026-03-31."""
FieldKind = Literal["text", "number", "date", "choice"]
_KINDS: dict[str, FieldKind] = {kind: kind for kind in get_args(FieldKind)}

LONGEST = 1_000
"""Most characters of a text."""
_LARGEST = 10.0**15
"""Below it every whole number is exact."""


@dataclass(frozen=True)
class CustomField:
    """One declared field.

    Attributes:
        choices: Of a choice, what can be chosen.
    """

    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()

    def value_of(self, given: object) -> Value:
        """A value of the field, from what a caller or a line of a file gives.

        Raises:
            InvalidInput: It is none.
        """
        match self.kind:
            case "number":
                return self._number(given)
            case "date":
                return self._date(given)
        if not isinstance(given, str) or not given.strip() or len(given) > LONGEST:
            raise self._wrong(f"a text of 1 to {LONGEST} characters")
        if self.kind == "choice" and given not in self.choices:
            raise self._wrong(f"one of {', '.join(self.choices)}")
        return given

    def _number(self, given: object) -> float:
        if isinstance(given, str):
            try:
                given = float(unicodedata.normalize("NFKC", given))
            except ValueError:
                given = None
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise self._wrong("a number, such as 12.5")
        if not -_LARGEST < given < _LARGEST:
            raise self._wrong("a number of at most 15 digits")
        return int(given) if given == int(given) else float(given)

    def _date(self, given: object) -> str:
        try:
            if isinstance(given, str) and date.fromisoformat(given).isoformat() == given:
                return given
        except ValueError:
            pass
        raise self._wrong("a date of the form 2026-03-31")

    def _wrong(self, wanted: str) -> InvalidInput:
        return InvalidInput(f"The field {self.name!r} takes {wanted}.")


class CustomFields:
    """The fields that are declared of one kind of record."""

    def __init__(self, declared: Mapping[str, CustomField] | None = None) -> None:
        self.declared = dict(declared or {})

    @classmethod
    def parse(cls, text: str) -> CustomFields:
        """Read a declaration.

        Raises:
            ValueError: It is not of the form that is shown above.
        """
        declared: dict[str, CustomField] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            name, _, told = (piece.strip() for piece in part.partition("="))
            word, _, choices = told.partition(":")
            kind = _KINDS.get(word)
            if not name or kind is None or name in declared:
                raise ValueError(
                    f"{part!r} declares no field: write name=text, name=number, name=date or "
                    "name=choice:one|two, each name once"
                )
            chosen = tuple(filter(None, map(str.strip, choices.split("|"))))
            if bool(chosen) != (kind == "choice"):
                raise ValueError(
                    f"{part!r}: a choice, and nothing else, has values: choice:one|two"
                )
            declared[name] = CustomField(name, kind, chosen)
        return cls(declared)

    def checked(self, given: Mapping[str, object]) -> dict[str, Value | None]:
        """The values, each of its field's kind; None of a field takes its value away.

        Raises:
            Conflict: One is of no field that the desk has declared.
            InvalidInput: One is not of its kind.
        """
        found: dict[str, Value | None] = {}
        for name, value in given.items():
            if name not in self.declared:
                known = ", ".join(self.declared) or "none is declared"
                raise Conflict(
                    f"There is no field {name!r}. The declared ones: {known}.",
                    details={"field": "fields"},
                )
            found[name] = None if value is None else self.declared[name].value_of(value)
        return found
