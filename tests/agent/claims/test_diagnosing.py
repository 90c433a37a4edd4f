"""What a reply may claim of a diagnosis and of incidents, and what bears that out."""

from typing import Any

import pytest

from deskward.agent.leaves import Evidence
from tests.everything import CLAIMS

OPEN: dict[str, Any] = {"id": "D1001", "status": "open", "revision": 4}
JOINED = {**OPEN, "status": "joined_incident", "incident_id": "I1001"}
BY_TOOL: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "pause_diagnostic_session": (
        {**OPEN, "status": "paused"},
        ("I have paused the troubleshooting.", "The session is paused.",
         "Ich habe die Diagnose pausiert.", "J'ai mis la session en pause.",
         "He pausado el diagnóstico.", "診断を一時停止しました。"),
    ),
    "resume_diagnostic_session": (
        OPEN,
        ("I have resumed the session.", "The diagnosis goes on now.",
         "Ich habe die Sitzung fortgesetzt.", "Ho ripreso la sessione."),
    ),
    "take_back_diagnostic_answer": (
        OPEN,
        ("I have taken your last answer back.", "Your answer was undone.",
         "Ihre letzte Antwort wurde zurückgenommen."),
    ),
    "join_incident": (
        JOINED,
        ("You have joined the incident.", "I have added you to incident I1001.",
         "Sie sind der Störung beigetreten."),
    ),
    "leave_incident": (
        OPEN, ("You have left the incident.", "Ich habe Sie aus der Störung genommen.")
    ),
    "make_collector": (
        {"collector_id": "c"},
        ("I have made a collector for you.", "The program is ready to download."),
    ),
    "report_customer_environment": (
        {"customer_id": "user_001", "facts": 2},
        ("I have noted your environment.", "Ich habe Ihre Umgebung notiert."),
    ),
    "report_incident": (
        {"incident_id": "I1002", "status": "open"},
        ("I have opened an incident for this.", "I've opened incident I1002.",
         "Ich habe eine Störung eröffnet.", "J'ai ouvert un incident."),
    ),
    "route_to_specialist": (
        {"ticket_id": "T1004", "queue": "network"},
        ("I have routed you to a specialist.",),
    ),
}  # fmt: skip
CASES = [(tool, text) for tool, (_, texts) in BY_TOOL.items() for text in texts]
TICKET = Evidence("create_ticket", "ok", {}, {"ticket_id": "T1004", "status": "open"})


def shown(tool: str, status: Any = "ok") -> Evidence:
    return Evidence(tool, status, {"session_id": "D1001"}, BY_TOOL[tool][0])


@pytest.mark.parametrize(("tool", "text"), CASES)
def test_what_a_call_made_true_may_be_said(tool: str, text: str) -> None:
    assert not CLAIMS.unsupported(text, [shown(tool)], [""])


@pytest.mark.parametrize(("tool", "text"), CASES)
def test_another_call_does_not_bear_it_out(tool: str, text: str) -> None:
    others = [shown(other) for other in BY_TOOL if other not in (tool, "join_incident")]
    if tool == "route_to_specialist":
        others = []  # whoever gets a ticket is handed over
    for evidence in ([], [shown(tool, "error")], [*others, TICKET]):
        assert CLAIMS.unsupported(text, evidence, [""]), evidence


@pytest.mark.parametrize(
    "text",
    ["I have reset the session.", "The diagnostic session has been reset.",
     "Ich habe die Sitzung zurückgesetzt.", "J'ai réinitialisé la session."],
)  # fmt: skip
def test_no_tool_resets_a_session(text: str) -> None:
    everything = [shown(tool) for tool in BY_TOOL]
    assert CLAIMS.unsupported(text, everything, [""])


@pytest.mark.parametrize(
    "text",
    ["Shall I pause the session?", "I can pause the diagnosis if you like.",
     "You can take an answer back at any time.", "The incident is not over yet.",
     "I have not opened an incident.", "If you like, I can make a collector for you.",
     "Möchten Sie der Störung beitreten?", "Soll ich die Sitzung pausieren?"],
)  # fmt: skip
def test_offers_questions_and_denials_claim_nothing(text: str) -> None:
    assert not CLAIMS.unsupported(text, [], [""])
