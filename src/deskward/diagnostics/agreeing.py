"""Whether fragments can be in one plan: whether what they apply to can be one case."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from deskward.core.conditions import WrongCondition, condition
from deskward.diagnostics.outcomes import alone

MOST = 4_096
"""Cases that are tried."""
_PATH = r"(?:(?:environment|customer)\.[A-Za-z_]\w*|product|version)"
_VALUE = r"(?:'[^'\\]*'|\"[^\"\\]*\"|-?\d+(?:\.\d+)?|true|false)"
_PLAIN = re.compile(
    rf"!?(?:has\({_PATH}\)|{_PATH})"
    rf"|{_PATH}\s*(?:<=|>=|==|!=|<|>)\s*{_VALUE}"
    rf"|{_PATH}\s+in\s+\[\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*\]"
)
"""Parts of conditions for which some values stand for all."""
_PATHS = re.compile(_PATH)
_VALUES = re.compile(_VALUE)
_TEXT = re.compile(r"'[^'\\]*'|\"[^\"\\]*\"")


@lru_cache(maxsize=1_024)
def can_agree(sources: frozenset[str]) -> bool:
    """Whether there can be a case of which all these conditions hold; True where nobody knows."""
    plain = [one for one in sources if all(map(_PLAIN.fullmatch, alone(one)))]
    values = _values_of(plain)
    tried = itertools.islice(itertools.product(*values.values()), MOST + 1)
    for count, given in enumerate(tried):
        if count == MOST:
            return True
        if all(_holds(one, dict(zip(values, given, strict=True))) for one in plain):
            return True
    return False


def _values_of(sources: Iterable[str]) -> dict[str, list[Any]]:
    """Path → the values that stand for all; None where it is not known."""
    named: dict[str, list[Any]] = defaultdict(list)
    for source in sources:
        for part in alone(source):
            (path,) = _PATHS.findall(_TEXT.sub("''", part))
            named[path] += map(_value, _VALUES.findall(part.replace(path, " ", 1)))
    found: dict[str, list[Any]] = {}
    for path, values in named.items():
        texts = [one for one in values if isinstance(one, str)]
        numbers = sorted({one for one in values if type(one) in (int, float)})
        between = [(one + other) / 2 for one, other in itertools.pairwise(numbers)]
        outside = [numbers[0] - 1, numbers[-1] + 1] if numbers else []
        whole = [True, False, None, "", "\x00another"] if "." in path else ["", "\x00another"]
        found[path] = [*texts, *numbers, *between, *outside, *whole]
    return found


def _value(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def _holds(source: str, given: dict[str, Any]) -> bool:
    case: dict[str, Any] = {"environment": {}, "customer": {}, "product": "", "version": ""}
    for path, value in given.items():
        holder, _, name = path.partition(".")
        if not name:
            case[holder] = value
        elif value is not None:
            case[holder][name] = value
    try:
        return condition(source).holds(case)
    except WrongCondition:
        return False
