"""Thirty planted faults in a real product: the shipped workflows name the right cause.

A customer who looks answers what no test of the desk can see. Where a cause is named it is mended,
and where the issue is still there the same session goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import STAFF, Call
from tests.diagnostics.test_checks import authority as authority
from tests.diagnostics.test_suites import allowed
from tests.services.customers_house import House
from tests.services.faulty_product import product
from tests.services.faulty_web import Authority

ISSUES = {
    "network": ("Acme Web", "We cannot connect: the service is unreachable, or slow."),
    "api": ("Acme API", "Each request to the API endpoint fails."),
    "sign_in": ("Acme Web", "Nobody can sign in with single sign-on, the login is refused."),
    "sync": ("Acme Sync", "The sync with the other system does not bring our records."),
}
CAUSES = {
    **dict.fromkeys(("expired", "wrong_name", "self_signed"), "service_certificate"),
    **{"down": "outage", "api_down": "outage", "slow": "slow_service"},
    "inspection": "tls_inspection",
}
"""What a fault is called as a cause, where that is another name."""
PLANTED: list[tuple[str, set[str]]] = [
    *(
        ("network", {one})
        for one in (
            *("expired", "self_signed", "down", "slow", "inspection", "firewall", "hosts_file"),
            *("clock", "far_away"),
        )
    ),
    *(
        ("api", {one})
        for one in ("no_key", "wrong_key", "rate_limit", "client_configuration", "one_record")
    ),
    *(("sign_in", {one}) for one in ("provider_down", "signing_certificate", "skew")),
    *(("sync", {one}) for one in ("credentials", "webhook", "renamed_field")),
    ("network", {"expired", "firewall"}),
    ("network", {"expired", "clock"}),
    ("network", {"wrong_name", "inspection"}),
    ("network", {"expired", "proxy"}),
    ("network", {"hosts_file", "vpn"}),
    ("api", {"wrong_key", "shared_key"}),
    ("api", {"client_configuration", "api_down"}),
    ("api", {"expired", "missing_scope"}),
    ("sign_in", {"signing_certificate", "skew"}),
    ("sync", {"other_down", "webhook"}),
]
NONE_PLANTED: list[tuple[str, set[str]]] = [(area, set()) for area in ("network", "api", "sign_in")]


def cause_of(fault: str) -> str:
    return CAUSES.get(fault, fault)


async def begun(call: Call, house: House, area: str) -> dict[str, Any]:
    """A session about an issue."""
    name, issue = ISSUES[area]
    await call(
        "set_customer_product",
        STAFF,
        customer_id="user_001",
        product_name=name,
        configuration=house.configuration,
    )
    outcome = await call(
        "start_diagnostic_session",
        STAFF,
        customer_id="user_001",
        product_name=name,
        issue_description=issue,
        environment_info=house.environment,
    )
    assert outcome.status == "ok", outcome.value
    session: dict[str, Any] = outcome.value
    return session


async def walked(call: Call, house: House, session: dict[str, Any]) -> dict[str, Any]:
    """The end of a session: what tests cannot answer is answered by whoever looks."""
    while session["step"] is not None:
        at = {"session_id": session["id"], "revision": session["revision"]}
        if session["step"]["test"] is not None:
            tested = await call("answer_step_by_test", STAFF, **at)
            if tested.status == "ok":
                session = tested.value
                continue
        seen = await getattr(house, session["step"]["step_id"])()
        outcome = await call("answer_diagnostic_step", STAFF, **at, answer=seen)
        assert outcome.status == "ok", outcome.value
        session = outcome.value
    return session


async def named(call: Call, house: House, area: str, faults: set[str]) -> tuple[set[str], set[str]]:
    """The causes that were named of what was planted, and those that were named wrongly."""
    house.product.faults = set(faults)
    found: set[str] = set()
    session = await begun(call, house, area)
    while True:
        session = await walked(call, house, session)
        result = session["result"]
        told = [(one["step_id"], one["answer"]) for one in session["answered"]]
        print(area, sorted(faults), "→", result["kind"], result["cause"], told)
        if result["kind"] != "cause":
            return found, set()
        mended = {one for one in house.product.faults if cause_of(one) == result["cause"]}
        if not mended:
            return found, {result["cause"]}
        found.add(result["cause"])
        house.product.faults -= mended
        if not house.product.faults:
            return found, set()
        at = {"session_id": session["id"], "revision": session["revision"]}
        outcome = await call("report_diagnosis_outcome", STAFF, **at, helped=False, put_right=True)
        assert outcome.status == "ok", outcome.value
        session = outcome.value
        assert [one["cause"] for one in session["put_right"]][-1] == result["cause"]


@pytest.mark.slow
async def test_thirty_planted_faults_are_named_and_nothing_else_is(
    sqlite_call: Call, authority: Authority, tmp_path: Path
) -> None:
    for target in ("localhost", "127.0.0.0/8", "::1"):
        await allowed(sqlite_call, target)
    right, wrong = 0, {}
    async with product(tmp_path, authority) as running:
        house = House(running, authority)
        for area, faults in [*PLANTED, *NONE_PLANTED]:
            found, wrongly = await named(sqlite_call, house, area, faults)
            right += bool(faults) and found == {cause_of(one) for one in faults}
            if wrongly:
                wrong[f"{area} {sorted(faults)}"] = wrongly
    assert (len(PLANTED), sum(len(faults) == 2 for _, faults in PLANTED)) == (30, 10)
    print(f"30 planted faults: {right} named rightly, {len(wrong)} named wrongly")
    assert not wrong
    assert right >= 27
