"""Lines of a file that are taken over as records together, each by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from deskward.core.database import Connection
from deskward.core.errors import InvalidInput
from deskward.core.line_files import Report


class FileLine(Protocol):
    """A line of a file, as a feature has read it."""

    @property
    def number(self) -> int:
        """Its number in the file."""
        ...

    @property
    def told(self) -> object | None:
        """What it says; None where it cannot be."""
        ...

    @property
    def record(self) -> str:
        """The id of the record that it is about, where it names one."""
        ...


One = TypeVar("One", bound=FileLine)
OneOf = TypeVar("OneOf", bound=FileLine, contravariant=True)
Seen = TypeVar("Seen")


class Taking(Protocol[OneOf]):
    """What some lines are about, read once, and kept as they change it."""

    async def load(self, lines: Sequence[OneOf]) -> None:
        """Read what the lines could be about."""

    async def take(self, line: OneOf) -> Report:
        """Take one line over.

        Raises:
            InvalidInput: It cannot be; says why.
        """
        ...

    async def flush(self) -> None:
        """Write what is not written yet."""


class LinesTaken(BaseModel):
    """What became of some lines of a file, without a word of whom."""

    created: int
    changed: int
    unchanged: int
    refused: int


@dataclass
class LineBatch(ABC, Generic[One, Seen]):
    """Lines that are taken over together, and what becomes of them.

    Attributes:
        seen: Where it is only looked what would become of them: what became of those before.
    """

    lines: Sequence[One]
    seen: Seen | None = None
    reports: list[Report] = field(default_factory=list)

    @abstractmethod
    def taking(self, db: Connection, tenant: str) -> Taking[One]:
        """What takes them over."""

    @property
    def dry(self) -> bool:
        """Whether nothing is changed."""
        return self.seen is not None

    async def take(self, db: Connection, tenant: str) -> LinesTaken:
        """Take the lines over, each by itself; fills `reports`."""
        self.reports = []  # a transaction may be tried again
        taking = self.taking(db, tenant)
        await taking.load([line for line in self.lines if line.told is not None])
        for line in self.lines:
            try:
                self.reports.append(await taking.take(line))
            except InvalidInput as error:
                self.reports.append(Report(line.number, "refused", line.record, error.message))
        await taking.flush()
        counts = dict.fromkeys(LinesTaken.model_fields, 0)
        for report in self.reports:
            counts[report.what] += 1
        return LinesTaken(**counts)
