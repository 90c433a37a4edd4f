"""The report in Markdown and HTML."""

import base64

from benchmarks.figures import figure
from benchmarks.report import Notes, Plot, Section, Table, Text, html, markdown, plots_of

SECTIONS = [
    Section(
        "A part",
        [
            Text("What `a < b` means."),
            Table(["", "ms"], [["one | two", figure([1.0, 2.0])]]),
            Plot("Times, ms", "bars", {"ms": [("one", figure([1.0]))]}),
            Notes(["left out: <none>"]),
        ],
    )
]


def test_markdown() -> None:
    text = markdown("Report", SECTIONS, ["plot-1.svg"])
    assert text.startswith("# Report\n\n## A part\n\nWhat `a < b` means.\n\n")
    assert "|  | ms |\n| --- | ---: |\n| one \\| two | 1.5 (1–2) |" in text
    assert "![Times, ms](plot-1.svg)" in text
    assert text.endswith("- left out: <none>\n")


def test_html_needs_no_other_file() -> None:
    text = html("Report", SECTIONS, ["<svg/>"])
    assert "<p>What <code>a &lt; b</code> means.</p>" in text
    assert "<td>1.5 (1–2)</td>" in text
    assert "<li>left out: &lt;none&gt;</li>" in text
    assert f"data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()}" in text
    assert "http" not in text


def test_plots_that_could_not_be_drawn_are_left_out() -> None:
    assert "![" not in markdown("Report", SECTIONS)
    assert "<img" not in html("Report", SECTIONS)
    assert [plot.title for plot in plots_of(SECTIONS)] == ["Times, ms"]


def test_a_lonely_backquote_is_no_code() -> None:
    assert "<p>a ` b</p>" in html("Report", [Section("A part", [Text("a ` b")])])
