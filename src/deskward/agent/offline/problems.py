"""Why a call was not done, told in the customer's language; texts are data.

A tool tells its errors in English, for programs and staff. To a customer who speaks another
language its error's code is told: by the skill's own `problems`, or else in general words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError

from deskward.agent.offline.replies import texts_of
from deskward.agent.offline.skills import Skill, render


def problem_in(
    language: str, result: Mapping[str, Any], skill: Skill | None, slots: Mapping[str, Any]
) -> str:
    """What an answer that is an error says, as one or two sentences.

    Args:
        result: The answer.
        skill: Whose tool was called.
        slots: What it was given, for the skill's templates, beside the error's details.
    """
    error = result.get("error", {})
    code, details = str(error.get("code", "")), error.get("details") or {}
    own = skill.problems.get(code, {}).get(language) if skill is not None else None
    needs = "needs" in details
    if own is not None and (not needs or code != "CONFLICT"):
        try:
            return render(own, {**details, **slots})
        except TemplateError:
            pass  # it tells of a detail that this error does not have
    general = texts_of("problems")
    kind = "NOT_FOUND" if code.endswith("_NOT_FOUND") else code
    kind = "NEEDED" if needs and kind not in general else kind
    told = general.get(kind, general["OTHER"]).get(language)
    return told if told is not None else _as_told(error, details)


def _as_told(error: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """In the tool's own words."""
    fields = details.get("fields")
    return str(fields[0]["problem"] + "." if fields else error.get("message", "It failed."))
