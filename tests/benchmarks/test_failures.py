"""What is made of an outage's answers."""

import json
from dataclasses import asdict

from benchmarks import failures
from benchmarks.failures import said
from benchmarks.report import markdown, plots_of
from benchmarks.watch import Answer, Watched, summary


def test_an_outage_in_figures() -> None:
    answers = [
        Answer(0.5, 0.01, "200"),
        Answer(1.2, 0.02, "503 UNAVAILABLE"),
        Answer(1.4, 0.04, "200"),
        Answer(1.9, 0.3, "503 UNAVAILABLE"),
        Answer(2.1, 0.4, "200"),
    ]
    found = summary(Watched(answers, broken=1.0, mended=2.0, seen_meanwhile="503"))
    assert found["asked"] == 3
    assert found["said"] == {"503 UNAVAILABLE": 2, "200": 1}
    assert found["said_after"] == {"200": 1}
    assert round(found["error_rate"], 2) == 0.67
    assert round(found["before_p50_ms"]) == 10
    assert round(found["most_ms"]) == 300
    assert round(found["first_good"], 2) == 0.5
    assert round(found["last_bad"], 2) == 0.2
    assert found["seen_meanwhile"] == "503"


def test_an_outage_that_nobody_noticed() -> None:
    found = summary(Watched([Answer(0.1, 0.01, "200")], broken=1.0, mended=2.0))
    assert (found["error_rate"], found["first_good"], found["last_bad"]) == (0, None, None)


def test_answers_in_a_few_words() -> None:
    assert said(200, b'{"balance": 1}') == "200"
    assert said(503, b'{"error": "UNAVAILABLE"}') == "503 UNAVAILABLE"
    assert said(502, b"<html>") == "502"
    content = [{"type": "text", "text": '{"error": {"code": "AWAY"}}'}]
    mcp_error = json.dumps({"result": {"isError": True, "content": content}}).encode()
    assert said(200, mcp_error) == "MCP error AWAY (200)"
    mcp_error = b'{"result": {"isError": true, "content": []}}'
    assert said(200, mcp_error) == "MCP error unnamed (200)"
    assert said(200, b'{"error": {"code": -32601}}') == "MCP error -32601 (200)"
    assert said(200, b'{"result": {"content": []}}') == "200"


def test_outages_are_shown_with_their_spread() -> None:
    def outage(away: float) -> dict[str, object]:
        answers = [Answer(0.5, 0.01, "200"), Answer(1.5, 0.2, "503 AWAY"), Answer(5.0, 0.1, "200")]
        return asdict(Watched(answers, 1.0, 1.0 + away, "503"))

    section = failures.section(
        {
            "outages": {"database away": [outage(2.0), outage(3.0)]},
            "missing": {"another": "not installed"},
            "versions": ["postgres 1"],
        }
    )
    text = markdown("Report", [section])
    row = "| database away | 2.5 (2–3) | 100 % | 2 × 503 AWAY | 200 | 200 | 503 | 1.6 (1.1–2.1) |"
    assert row in text
    assert "- postgres 1\n- another is left out: not installed" in text
    (plot,) = plots_of([section])
    assert plot.spans == [(1.0, 3.0)]
    assert set(plot.series) == {"200", "503 AWAY"}
