"""What came of a run of tests, with all that was seen: as JSON, as JUnit's XML, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Annotated, Any, Literal
from xml.etree import ElementTree

from pydantic import BaseModel, Field

from deskward.core.characters import seen
from deskward.core.ids import new_id
from deskward.core.written import Ours, Written
from deskward.diagnostics.suites.suite import Suite

Outcome = Literal["passed", "failed", "skipped", "refused", "error"]
"""`skipped`: what it needs is not known. `refused`: it may not go where it is to look. `error`: it
could not be run."""
Form = Literal["json", "junit", "html"]


class Expected(BaseModel):
    """What a test expects."""

    that: Ours = Field(examples=["seen.status == 200"])
    held: bool


class TestResult(BaseModel):
    """What came of one test."""

    __test__ = False  # it is no class of tests for pytest

    test: Ours = Field(examples=["health"])
    title: Ours
    kind: Ours = Field(examples=["http"])
    target: Annotated[str, Written(by="requester")] = Field(
        examples=["https://api.example.com/health"]
    )
    outcome: Outcome
    told: Annotated[str, Written(by="outside")] = Field(
        description="What was seen, in a sentence.", examples=["503 after 12 ms."]
    )
    expected: list[Expected]
    seen: Annotated[dict[str, Any], Written(by="outside")] = Field(
        description="All that was seen, by its names in conditions.",
        examples=[{"reached": True, "status": 503, "milliseconds": 12}],
    )
    hint: Ours = Field(description="What to do about it.")
    seconds: float


class TestReport(BaseModel):
    """What came of a run."""

    __test__ = False

    run_id: Ours = Field(description="The run, by which it is found again.")
    suite: Ours = Field(examples=["network"])
    suite_version: int
    title: Ours
    passed: bool = Field(description="Whether tests ran, and each that ran passed.")
    counts: dict[Outcome, int]
    results: list[TestResult]
    started_at: datetime
    seconds: float

    @classmethod
    def of(
        cls, suite: Suite, results: Sequence[TestResult], begun: datetime, seconds: float
    ) -> TestReport:
        """The report of some results."""
        outcomes: tuple[Outcome, ...] = ("passed", "failed", "skipped", "refused", "error")
        counts = {name: sum(one.outcome == name for one in results) for name in outcomes}
        return cls(
            run_id=new_id(),
            suite=suite.suite,
            suite_version=suite.version,
            title=suite.title,
            passed=counts["passed"] > 0 and counts["passed"] + counts["skipped"] == len(results),
            counts=counts,
            results=list(results),
            started_at=begun,
            seconds=round(seconds, 3),
        )


def written(report: TestReport, form: Form) -> str:
    """A report in one of its forms."""
    if form == "json":
        return report.model_dump_json(indent=2) + "\n"
    return junit(report) if form == "junit" else html(report)


def junit(report: TestReport) -> str:
    """A report as JUnit's XML, which CI systems read."""
    counts = report.counts
    suite = ElementTree.Element(
        "testsuite",
        name=report.suite,
        tests=str(len(report.results)),
        failures=str(counts["failed"]),
        errors=str(counts["error"] + counts["refused"]),
        skipped=str(counts["skipped"]),
        time=str(report.seconds),
        timestamp=report.started_at.isoformat(),
    )
    for one in report.results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=report.suite, name=one.test, time=str(one.seconds)
        )
        if one.outcome in _TAGS:
            told = ElementTree.SubElement(case, _TAGS[one.outcome], message=seen(one.told))
            told.text = seen(_because(one))
        ElementTree.SubElement(case, "system-out").text = seen(_evidence(one))
    ElementTree.indent(suite)
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def html(report: TestReport) -> str:
    """A report as a page of its own, without scripts."""
    told = ", ".join(f"{count} {name}" for name, count in report.counts.items() if count)
    rows = "".join(
        f'<section class="{one.outcome}"><h2><span>{one.outcome}</span> {escape(one.title)}</h2>'
        f"<p>{escape(one.told)}</p>{_list(one)}"
        f"<p class=hint>{escape(one.hint)}</p>"
        f"<details><summary>{escape(one.kind)} {escape(one.target)}</summary>"
        f"<pre>{escape(_evidence(one))}</pre></details></section>"
        for one in report.results
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(report.title)}'
        f"</title><style>{_STYLE}</style><h1>{escape(report.title)}</h1>"
        f"<p>{escape(report.suite)}, version {report.suite_version}, "
        f"{report.started_at.isoformat(timespec='seconds')}, {report.seconds:.1f} s: {told}.</p>"
        f"{rows}</html>\n"
    )


_TAGS = {"failed": "failure", "refused": "error", "error": "error", "skipped": "skipped"}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}h2{font-size:1.05rem}span{font-size:.8rem;padding:.1rem .5rem;"
    "border-radius:.3rem;color:#fff;background:#595959}.passed span{background:#1b6e34}"
    ".failed span,.error span,.refused span{background:#a3161f}"
    "pre{overflow-x:auto;font-size:.85rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}"
)


def _list(one: TestResult) -> str:
    items = "".join(
        f"<li>{'✓' if part.held else '✗'} <code>{escape(part.that)}</code></li>"
        for part in one.expected
    )
    return f"<ul>{items}</ul>" if items else ""


def _because(one: TestResult) -> str:
    missed = [part.that for part in one.expected if not part.held]
    lines = [one.told, *(f"expected: {part}" for part in missed), one.hint]
    return "\n".join(filter(None, lines))


def _evidence(one: TestResult) -> str:
    lines = [f"{one.kind} {one.target}".strip(), one.told]
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in one.seen.items())])
