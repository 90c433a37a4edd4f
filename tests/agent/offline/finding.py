"""What the desk's kinds of value find in a sentence."""

from deskward.text import finding
from tests.everything import KINDS


def find(kind: str, text: str, *, answers: bool = False) -> finding.Found:
    return {**finding.KINDS, **KINDS}[kind].find(text, answers)
