"""How people name what the tools of troubleshooting do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import OWN_WORDS, Wish

WISHES = {
    "start_diagnostic_session": OWN_WORDS,
    "answer_diagnostic_step": OWN_WORDS,
    "take_back_diagnostic_answer": Wish("take back undo go", "answer step"),
    "pause_diagnostic_session": Wish("pause stop wait", "diagnosis session troubleshooting"),
    "resume_diagnostic_session": Wish("resume continue", "diagnosis session troubleshooting"),
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
    "resolve_incident": OWN_WORDS,
    "add_incident_source": OWN_WORDS,
    "remove_incident_source": OWN_WORDS,
    "take_alerts": OWN_WORDS,
    "report_diagnosis_outcome": OWN_WORDS,
    "hand_over_diagnosis": OWN_WORDS,
}
