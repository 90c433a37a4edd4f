"""What the desk's kinds of value find in a sentence."""

from deskward.app import KINDS
from deskward.text import finding


def find(kind: str, text: str, *, answers: bool = False) -> finding.Found:
    return {**finding.KINDS, **KINDS}[kind].find(text, answers)
