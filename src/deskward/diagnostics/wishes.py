"""How people name what the tools of troubleshooting do, in the forms in which one wishes for it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from deskward.text.wishes import OWN_WORDS, Wish

SESSION = ("session_id", "revision")
"""Names the session and says nothing else: known where the session was just read."""


def _read(name: str) -> Any:
    return yaml.load((Path(__file__).parent / name).read_text("utf-8"), Loader=yaml.CSafeLoader)


NAMES = tuple(_read("names.yaml")["names"])
_SAID = _read("skills/troubleshooting.yaml")["asks"]["confirms"]
AFFIRMS = tuple(chain.from_iterable(_SAID["affirming"].values()))
DENIES = tuple(chain.from_iterable(_SAID["negating"].values()))
"""What the skill for the offline model has, of any model."""

WISHES = {
    "start_diagnostic_session": Wish("", against=NAMES, of_trouble=True),
    "answer_diagnostic_step": Wish("", answers="answer"),
    "take_back_diagnostic_answer": Wish("take back undo go", "answer step", known=SESSION),
    "pause_diagnostic_session": Wish(
        "pause stop wait", "diagnosis session troubleshooting", known=SESSION
    ),
    "resume_diagnostic_session": Wish(
        "resume continue", "diagnosis session troubleshooting", known=SESSION
    ),
    "answer_step_by_test": Wish("run make repeat try test check", "test tests check step"),
    "make_collector": OWN_WORDS,
    "report_customer_environment": OWN_WORDS,
    "set_customer_product": OWN_WORDS,
    "remove_customer_product": OWN_WORDS,
    "allow_test_target": OWN_WORDS,
    "remove_test_target": OWN_WORDS,
    "join_incident": Wish("join", "incident outage disturbance"),
    "leave_incident": Wish("leave", "incident outage disturbance"),
    "report_incident": OWN_WORDS,
    "open_incident": OWN_WORDS,
    "update_incident": OWN_WORDS,
    "resolve_incident": OWN_WORDS,
    "add_incident_source": OWN_WORDS,
    "remove_incident_source": OWN_WORDS,
    "take_alerts": OWN_WORDS,
    "report_diagnosis_outcome": Wish("", answers="helped", affirms=AFFIRMS, denies=DENIES),
    "hand_over_diagnosis": OWN_WORDS,
}
