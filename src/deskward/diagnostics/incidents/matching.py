"""Whether a session is one of a known incident: both are compared by what shows them.

An incident says of which product it is, and perhaps in which version, which test or step shows it,
and with which code. A session says what its answers were. Only answers make it certain: what was
written in free text may say that something is *not* so, and is asked about.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from deskward.diagnostics.service import Session
from deskward.diagnostics.workflow import Step

CODES = ("code", "error_code")
"""Names under which what is known of an environment tells a code."""
MOST_SIGNATURE = 300
_WORDS = tuple(re.compile(r"[^\W_](?:[\w.-]*\w)?", flags) for flags in (re.ASCII, re.UNICODE))
"""A word, or a number: of ASCII's letters, as one stands among others ("错误503"), and of all."""


@dataclass(frozen=True)
class Sign:
    """What shows an incident; the empty text where it is not named."""

    product: str
    version: str
    test: str
    code: str

    def digest(self, name: str = "") -> str:
        """The same for all that tell of one incident.

        Args:
            name: The kind of alert: without a test and a code, it alone tells disturbances apart.
        """
        parts = [plain(self.product), plain(self.version), plain(self.test), plain(self.code)]
        if not self.test and not self.code:
            parts.append(plain(name))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Seen:
    """What a session has seen.

    Attributes:
        steps: Names of each answered step and its test → its answer, and whether that speaks for
            any cause.
        codes: What was answered, but for measures and free texts, or is known of the environment.
        words: Those of the issue's description.
    """

    product: str
    version: str
    steps: dict[str, tuple[str, bool]]
    codes: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True)
class Match:
    """How well a session fits an incident.

    Attributes:
        said: Whether the customer themselves wrote of its code.
    """

    certain: bool
    said: bool
    because: str


def plain(text: str) -> str:
    """A name as it is compared."""
    return " ".join(text.split()).casefold()


def seen_in(session: Session) -> Seen:
    """What a session has seen."""
    going, plan = session.walk, session.plan
    speaks = {one.step for one in going.evidence if one.supports}
    steps: dict[str, tuple[str, bool]] = {}
    known = {step.id: step for part in plan.parts for step in part.steps}
    facts = plan.circumstances.environment
    codes = {plain(_told(facts[name])) for name in CODES if name in facts}
    for answered in going.answered:
        step, value = known[answered.step], _told(answered.value)
        names = (step.id, f"{plan.workflow}.{step.id}", step.test or "")
        steps |= {plain(name): (value, step.id in speaks) for name in names if name}
        if _is_code(step) or step.answer.type == "choice":
            codes.add(value)
    return Seen(
        product=plain(session.product),
        version=plain(plan.circumstances.version),
        steps=steps,
        codes=frozenset(codes),
        words=frozenset(plain(word) for one in _WORDS for word in one.findall(session.issue)),
    )


def signature_of(session: Session) -> str | None:
    """What a session has seen, in a line: the same where the same was seen; None while nothing was.

    It holds no words of the customer's but the product's name and version.
    """
    shows = _shows(session)
    if shows is None:
        return None
    told = "=".join(shows)[:MOST_SIGNATURE]
    of = f"{plain(session.product)}|{plain(session.plan.circumstances.version)}"
    return f"{of[: max(0, MOST_SIGNATURE - 1 - len(told))]}|{told}"[:MOST_SIGNATURE]


def sign_of(session: Session) -> Sign:
    """What would show an incident that a session is one of."""
    test, value = _shows(session) or ("", "")
    code = value if value not in ("yes", "no") else ""
    return Sign(session.product, session.plan.circumstances.version, test, code)


def _shows(session: Session) -> tuple[str, str] | None:
    """The test, or the step, that shows most of a session, and its answer; None while none does.

    It is the latest whose answer is a code, or else the latest that speaks for a cause.
    """
    going, plan = session.walk, session.plan
    steps = {step.id: step for part in plan.parts for step in part.steps}
    coded = [one.step for one in going.answered if _is_code(steps[one.step])]
    spoke = [one.step for one in going.evidence if one.supports]
    if not coded and not spoke:
        return None
    step = steps[(coded or spoke)[-1]]
    value = "" if step.answer.type == "text" else _told(going.values[step.id])
    return step.test or f"{plan.workflow}.{step.id}", value


def match(sign: Sign, seen: Seen) -> Match | None:
    """How well a session fits an incident; None where it does not."""
    version, code = plain(sign.version), plain(sign.code)
    if plain(sign.product) != seen.product or not seen.product:
        return None
    if version and seen.version and not _is_version(version, seen.version):
        return None
    coded = bool(code) and code in seen.codes
    evident, what = coded, f"its code {sign.code} was seen"
    if sign.test and (answer := seen.steps.get(plain(sign.test))) is not None:
        value, speaks = answer
        if not speaks and value != code:
            return None  # the very test was made, and shows nothing
        if code and not coded and value not in ("yes", "no"):
            return None  # it shows something else
        evident, what = coded or not code, f"{sign.test} has shown it"
    said = bool(code) and code in seen.words
    if evident and (seen.version or not version):
        return Match(certain=True, said=said, because=f"It is of the same product, and {what}.")
    because = "It is of the same product" + (f", and {sign.code} is in the description" * said)
    return Match(certain=False, said=said, because=f"{because}.")


def _is_version(wanted: str, has: str) -> bool:
    return has == wanted or has.startswith(f"{wanted}.")


def _is_code(step: Step) -> bool:
    """Whether a step is answered with a number that measures nothing, as a status."""
    return step.answer.type == "number" and not step.answer.unit


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(f"{value:g}" if isinstance(value, int | float) else str(value))
