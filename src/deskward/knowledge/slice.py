"""What articles bring to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.knowledge.demo import load
from deskward.knowledge.documents import TABLES
from deskward.knowledge.models import article_versions, articles, faq
from deskward.knowledge.tools import tools

SLICE = Slice(
    tools=tools,
    tables=(articles, article_versions, faq, *TABLES),
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    policies=Path(__file__).with_name("policies"),
)
