"""What accounts bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.accounts.demo import load
from deskward.accounts.kinds import KINDS
from deskward.accounts.models import accounts, cards, transactions
from deskward.accounts.tools import tools
from deskward.gate.slice import Slice

SLICE = Slice(
    domain="bank",
    tools=tools,
    tables=(accounts, cards, transactions),
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
)
