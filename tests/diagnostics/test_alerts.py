"""Alerts that monitoring posts: known by their source, counted once, in whatever order."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import now
from deskward.diagnostics.incidents.models import incidents
from deskward.security.hook_signatures import signed
from deskward.security.principals import Kind, Principal
from tests.conftest import STAFF, Call, recorded
from tests.diagnostics.test_incidents import settled
from tests.diagnostics.test_sessions import answer, start
from tests.entrypoints.conftest import client_of

CHIEF = Principal(Kind.STAFF, "carla", "default", ("support-3",))
RAW = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(RAW).decode()}"
BEGAN = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
POSTED = Path(__file__).with_name("alertmanager.json")
"""What Alertmanager 0.25 has posted: three alerts of two kinds, one of them over."""
LABELS = {"alertname": "ApiErrors", "product": "Acme API", "code": "503", "severity": "critical"}


async def source(call: Call, form: str = "alertmanager", **more: Any) -> str:
    given = {"name": form, "form": form, "secret": SECRET, **more}
    outcome = await call("add_incident_source", CHIEF, **given)
    assert outcome.status == "ok", outcome.value
    source_id: str = outcome.value["source_id"]
    return source_id


def alert(
    *, at: int = 0, end: int | None = None, fingerprint: str = "a", **labels: str
) -> dict[str, Any]:
    """An alert of Alertmanager's that began `at` minutes after the first, and perhaps ended."""
    over = BEGAN + timedelta(minutes=end) if end is not None else None
    return {
        "status": "firing" if end is None else "resolved",
        "labels": {**LABELS, **labels},
        "annotations": {"summary": "db-7 answers 503", "description": "pool exhausted"},
        "startsAt": (BEGAN + timedelta(minutes=at)).isoformat(),
        "endsAt": over.isoformat() if over else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint,
    }


class Monitor:
    """Posts alerts to a desk as a source."""

    def __init__(self, client: httpx2.AsyncClient, source_id: str) -> None:
        self.client, self.path = client, f"/hooks/alerts/{source_id}"

    async def post(self, *alerts: dict[str, Any], **more: Any) -> httpx2.Response:
        body = {"version": "4", "status": "firing", "receiver": "desk", "alerts": list(alerts)}
        headers = {"authorization": f"Bearer {SECRET}"}
        return await self.client.post(self.path, json={**body, **more}, headers=headers)

    async def told(self, *alerts: dict[str, Any]) -> dict[str, Any]:
        """What came of alerts, but for what is empty."""
        answered = await self.post(*alerts)
        assert answered.status_code == 200, answered.text
        return {name: value for name, value in answered.json().items() if value}


async def test_an_alert_opens_an_incident_that_sessions_join_and_its_end_lets_them_go_on(
    desk: Desk, call: Call
) -> None:
    async with client_of(desk) as client:
        monitor = Monitor(client, await source(call))
        assert await monitor.told(alert()) == {"opened": ["I1001"]}
        (one,) = (await call("list_incidents", STAFF)).value["incidents"]
        assert (one["title"], one["severity"]) == ("db-7 answers 503", "critical")
        assert (one["product"], one["code"], one["firing"]) == ("Acme API", "503", 1)
        session = await answer(call, await start(call), True, 503)
        assert session["incident_id"] == "I1001"
        assert "db-7" not in str(session)  # customers read nothing that monitoring wrote for staff
        assert await monitor.told(alert(end=5)) == {"resolved": ["I1001"]}
        one = (await call("get_incident", STAFF, incident_id="I1001")).value
        assert (one["status"], one["resolved_by"]) == ("resolved", "service:alert-source")
        assert one["resolved_at"].startswith("2026-11-26T10:05:00")
        await settled(desk)
        there = await call("get_diagnostic_session", session_id=session["id"])
        assert there.value["status"] == "to_confirm"
        rows = [row for row in await recorded(desk) if row["tool"] == "take_alerts"]
        assert [row["by"] for row in rows] == ["service:alert-source"] * 2


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        # Each step: an alert, and what comes of it.
        ([(alert(), "opened"), (alert(), "repeated"), (alert(), "repeated")], "open"),
        ([(alert(), "opened"), (alert(end=5), "resolved"), (alert(end=5), "repeated")], "resolved"),
        ([(alert(), "opened"), (alert(end=5), "resolved"), (alert(), "late")], "resolved"),
        ([(alert(end=5), "late"), (alert(), "late")], None),
        # The second occurrence comes before the first one's end.
        ([(alert(at=9), "opened"), (alert(end=5), "late"), (alert(), "repeated")], "open"),
        ([(alert(), "opened"), (alert(at=9), "repeated"), (alert(end=5), "late")], "open"),
        ([(alert(), "opened"), (alert(end=5), "resolved"), (alert(at=9), "opened")], "open"),
        # Alertmanager moves the beginning back where alerts overlap.
        ([(alert(at=9), "opened"), (alert(at=1), "repeated"), (alert(at=1, end=10), "resolved")],
         "resolved"),
    ],
)  # fmt: skip
async def test_alerts_count_once_in_whatever_order(
    sqlite_desk: Desk, sqlite_call: Call, order: list[Any], outcome: str | None
) -> None:
    async with client_of(sqlite_desk) as client:
        monitor = Monitor(client, await source(sqlite_call))
        for one, came in order:
            assert list(await monitor.told(one)) == [came]
    found = (await sqlite_call("list_incidents", STAFF)).value["incidents"]
    assert [one["status"] for one in found][:1] == ([outcome] if outcome else [])


async def resolved_by_staff(call: Call, incident_id: str) -> None:
    done = await call("resolve_incident", STAFF, incident_id=incident_id)
    assert done.status == "ok", done.value


async def some_minutes_later(desk: Desk, incident_id: str) -> None:
    """Put an incident's resolution back by more than the same word can be late."""
    async with desk.database.transaction() as db:
        same = incidents.c.number == int(incident_id[1:])
        before = now() - timedelta(minutes=6)
        await db.execute(sa.update(incidents).where(same).values(resolved_at=before))


async def test_what_goes_on_after_staff_resolved_it_opens_another_one_once(
    desk: Desk, call: Call
) -> None:
    async with client_of(desk) as client:
        monitor = Monitor(client, await source(call))
        three = [alert(fingerprint=name, instance=name) for name in "abc"]
        assert await monitor.told(*three) == {"opened": ["I1001"], "joined": 2}
        await resolved_by_staff(call, "I1001")
        assert await monitor.told(*three) == {"repeated": 3}  # it may have been sent before
        await some_minutes_later(desk, "I1001")
        came = await asyncio.gather(*(monitor.told(*three) for _ in range(4)))
        assert sorted(came, key=len) == [{"repeated": 3}] * 3 + [{"opened": ["I1002"], "joined": 2}]
        found = (await call("list_incidents", STAFF)).value["incidents"]
        assert [(one["incident_id"], one["status"], one["firing"]) for one in found] == [
            ("I1002", "open", 3),
            ("I1001", "resolved", 0),
        ]
        assert (
            found[0]["description"] == "I1001 was resolved, and its alert goes on. pool exhausted"
        )
        ends = [alert(fingerprint=name, instance=name, end=5) for name in "abc"]
        assert await monitor.told(*ends) == {"resolved": ["I1002"]}
        assert await monitor.told(*three) == {"late": 3}
        assert await monitor.told(*ends) == {"repeated": 3}


async def test_what_begins_anew_after_staff_resolved_it_opens_another_one_at_once(
    desk: Desk, call: Call
) -> None:
    async with client_of(desk) as client:
        monitor = Monitor(client, await source(call))
        assert await monitor.told(alert()) == {"opened": ["I1001"]}
        assert await monitor.told(alert(at=9)) == {"repeated": 1}
        await resolved_by_staff(call, "I1001")
        late = alert(at=10)  # it began before, and is told only now
        assert await monitor.told(late) == {"repeated": 1}
        anew = {**alert(), "startsAt": (now() + timedelta(minutes=1)).isoformat()}
        assert await monitor.told(anew) == {"opened": ["I1002"]}
        assert await monitor.told(anew) == {"repeated": 1}
        assert await monitor.told(alert()) == {"repeated": 1}


async def test_alerts_of_one_disturbance_are_one_incident_that_ends_with_the_last(
    desk: Desk, call: Call
) -> None:
    async with client_of(desk) as client:
        monitor = Monitor(client, await source(call))
        three = [alert(fingerprint=name, instance=name) for name in "abc"]
        assert await monitor.told(*three) == {"opened": ["I1001"], "joined": 2}
        others = await monitor.told(
            alert(fingerprint="d", product="Acme Sync"),
            alert(fingerprint="e", alertname="Disk", code=""),
            alert(fingerprint="f", alertname="Backup", code=""),
        )
        assert others == {"opened": ["I1002", "I1003", "I1004"]}
        ends = [alert(fingerprint=name, instance=name, end=5) for name in "abc"]
        assert await monitor.told(*ends[:2]) == {}
        assert await monitor.told(ends[2]) == {"resolved": ["I1001"]}


async def test_at_once_the_same_alert_opens_one_incident(desk: Desk, call: Call) -> None:
    async with client_of(desk) as client:
        monitor = Monitor(client, await source(call))
        came = await asyncio.gather(*(monitor.told(alert()) for _ in range(8)))
    assert sorted(next(iter(one)) for one in came) == ["opened"] + ["repeated"] * 7


async def test_who_is_not_the_source_is_not_heard(sqlite_desk: Desk, sqlite_call: Call) -> None:
    named = await source(sqlite_call)
    made = await source(sqlite_call, "signed")
    body = json.dumps({"version": "4", "alerts": [alert()]}).encode()
    right = {"authorization": f"Bearer {SECRET}"}
    moment = int(now().timestamp())
    good = signed(RAW, "msg_1", moment, body)
    async with client_of(sqlite_desk) as client:
        for path, headers in (
            (named, {}),
            (named, {"authorization": f"Bearer {SECRET}x"}),
            (named, {"authorization": SECRET}),
            (named, {"authorization": "Basic Zm9vOmJhcg=="}),
            (named, good),  # a signature is not that source's form
            ("0" * 32, right),
            ("..", right),
            (made, right),
            (made, {}),
            (made, signed(RAW, "msg_1", moment - 3_600, body)),
            (made, signed(b"x" * 32, "msg_1", moment, body)),
            (made, {**good, "webhook-id": "msg_2"}),
            (made, {"x-hub-signature-256": "sha256=00"}),
        ):
            answered = await client.post(f"/hooks/alerts/{path}", content=body, headers=headers)
            assert answered.status_code in (401, 404), (path, headers, answered.text)
        removed = await sqlite_call("remove_incident_source", CHIEF, source_id=named)
        assert removed.status == "ok"
        gone = await client.post(f"/hooks/alerts/{named}", content=body, headers=right)
        assert gone.status_code == 401
    assert (await sqlite_call("list_incidents", STAFF)).value["total"] == 0


async def test_what_is_no_alert_is_refused_and_changes_nothing(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    ahead = int((now() - BEGAN).total_seconds() / 60) + 3 * 24 * 60
    async with client_of(sqlite_desk) as client:
        monitor = Monitor(client, await source(sqlite_call))
        for wrong in (
            await monitor.post(alert(), version="3"),
            await monitor.post({**alert(), "startsAt": "yesterday"}),
            await monitor.post({**alert(), "startsAt": "2026-11-26T10:00:00"}),
            await monitor.post({**alert(), "status": "unknown"}),
            await monitor.post(*[alert(fingerprint=str(one)) for one in range(1_001)]),
            await monitor.post(alert(), alerts="none"),
        ):
            assert wrong.status_code == 400, wrong.text
        large = await monitor.post(alert(), more="x" * 2_000_000)
        assert large.status_code == 413
        assert await monitor.told(alert(at=ahead)) == {"refused": 1}
        assert await monitor.told() == {}
        long = {**alert(), "annotations": {"summary": "x" * 5_000, "description": "y" * 50_000}}
        assert await monitor.told(long) == {"opened": ["I1001"]}
    (one,) = (await sqlite_call("list_incidents", STAFF)).value["incidents"]
    assert len(one["title"]) == 200


async def test_one_odd_character_loses_no_alert(sqlite_desk: Desk, sqlite_call: Call) -> None:
    odd = {
        **alert(product="Acme\0API", code="504"),
        "annotations": {"summary": " \0 ", "description": "\0"},
    }
    async with client_of(sqlite_desk) as client:
        told = await Monitor(client, await source(sqlite_call)).told(odd, alert(fingerprint="b"))
        assert told == {"opened": ["I1001", "I1002"]}
    listed = (await sqlite_call("list_incidents", STAFF)).value["incidents"]
    assert {(one["product"], one["title"]) for one in listed} == {
        ("Acme API", "ApiErrors"),
        ("Acme API", "db-7 answers 503"),
    }


async def test_a_generic_form_is_signed_and_says_what_customers_are_told(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    named = await source(sqlite_call, "signed", product="Acme API")
    told = {
        "id": "check-7",
        "status": "firing",
        "title": "Sign-in fails",
        "customer_message": "Signing in is slow today.",
        "code": "503",
        "started_at": BEGAN.isoformat(),
    }
    async with client_of(sqlite_desk) as client:

        async def post(one: dict[str, Any]) -> dict[str, Any]:
            body = json.dumps({"alerts": [one]}).encode()
            headers = signed(RAW, "msg_1", int(now().timestamp()), body)
            answered = await client.post(f"/hooks/alerts/{named}", content=body, headers=headers)
            assert answered.status_code == 200, answered.text
            return {name: value for name, value in answered.json().items() if value}

        assert await post(told) == {"opened": ["I1001"]}
        assert await post(told) == {"repeated": 1}
        session = await start(sqlite_call)
        assert [one["message"] for one in session["known_incidents"]] == [told["customer_message"]]
        assert await post({**told, "status": "resolved"}) == {"resolved": ["I1001"]}


async def test_an_alert_without_words_for_customers_is_not_told_on_suspicion(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    async with client_of(sqlite_desk) as client:
        await Monitor(client, await source(sqlite_call)).told(alert())
    session = await start(sqlite_call)
    assert session["known_incidents"] == []
    named = {"session_id": session["id"]}
    by_staff = (await sqlite_call("get_diagnostic_session", STAFF, **named)).value
    assert [one["incident_id"] for one in by_staff["known_incidents"]] == ["I1001"]


async def test_what_alertmanager_itself_has_posted_is_taken(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    named = await source(sqlite_call)
    posted = json.loads(POSTED.read_text(encoding="utf-8"))
    async with client_of(sqlite_desk) as client:
        for body in posted:
            headers = {"authorization": f"Bearer {SECRET}"}
            answered = await client.post(f"/hooks/alerts/{named}", json=body, headers=headers)
            assert answered.status_code == 200, answered.text
    found = (await sqlite_call("list_incidents", STAFF)).value["incidents"]
    states = {one["title"]: (one["status"], one["firing"], one["code"]) for one in found}
    assert states == {
        "The API answers 503": ("open", 1, "503"),
        "Backups are late": ("resolved", 0, ""),
    }
