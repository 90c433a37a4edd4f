"""Who wrote a text: the mark that every free text in an answer carries.

A text that somebody else than the desk wrote may hold an attacker's instructions to whatever model
reads it. So the types of answers say of each text whose it is, and what an answer was influenced by
follows from the values that are in it (`gate/provenance.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

Writer = Literal["desk", "owner", "customer", "staff", "author", "outsider", "outside", "requester"]
"""`desk`: this program, of parts that nobody else could choose. `owner`: the customer whose data a
record is, such as their address. `customer`: a customer who writes to us, and may pass on what
somebody else wrote. `staff`: people of the desk. `author`: whoever writes articles. `outsider`:
somebody who is no party to the conversation, such as a shop. `outside`: another system.
`requester`: whoever made a call that waits, often a model."""


@dataclass(frozen=True)
class Written:
    """Marks a text, or all texts inside a value, with who may have written it.

    Attributes:
        by: One or several; the worst is meant. `desk` stands alone.
    """

    by: Writer | tuple[Writer, ...]

    @property
    def writers(self) -> frozenset[str]:
        """Who it was, without the desk itself."""
        named = (self.by,) if isinstance(self.by, str) else self.by
        return frozenset(named) - {"desk"}


@dataclass(frozen=True)
class RecordId:
    """Marks the id of the record whose texts stand beside it.

    Attributes:
        kind: Of records, such as `ticket`.
    """

    kind: str


Ours = Annotated[str, Written(by="desk")]
"""A text of the desk's own: an id that it gave, a name of its own, a sentence of fixed words."""
