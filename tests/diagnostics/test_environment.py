"""Where a customer's product runs: by whom it was told, how sure that is, what does not agree."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.diagnostics.context.environment import of_user_agent
from deskward.diagnostics.context.hints import of_client_hints
from tests.conftest import CUSTOMER, OTHER, STAFF, Call
from tests.diagnostics.test_context import put
from tests.diagnostics.test_sessions import code, start

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


async def tell(call: Call, by: Any = CUSTOMER, **more: Any) -> None:
    given = more if by is CUSTOMER else {"customer_id": "user_001", **more}
    outcome = await call("report_customer_environment", by, **given)
    assert outcome.status == "ok", outcome.value


async def detect(call: Call, method: str, by: Any = STAFF) -> dict[str, Any]:
    asked = {"customer_id": "user_001", "detection_method": method}
    outcome = await call("detect_customer_environment", by, **asked)
    assert outcome.status == "ok", outcome.value
    found: dict[str, Any] = outcome.value
    return found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CHROME, {"browser": "chrome", "browser_version": "126.0", "os": "windows"}),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko) Version/17.4 Safari/605.1.15",
            {"browser": "safari", "browser_version": "17.4", "os": "macos"},
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
            {"browser": "firefox", "browser_version": "127.0", "os": "linux"},
        ),
        ("no such thing", {}),
        ("", {}),
    ],
)
def test_user_agents_are_read(text: str, told: dict[str, Any]) -> None:
    found = of_user_agent(text)
    assert {name: found.get(name) for name in told} == told
    assert told or "os" not in found


@pytest.mark.parametrize(
    ("hints", "told"),
    [
        (
            {
                "Sec-CH-UA": '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"',
                "Sec-CH-UA-Platform": '"Windows"',
                "Sec-CH-UA-Platform-Version": '"15.0.0"',
            },
            {"browser": "chrome", "browser_version": "126", "os": "windows", "os_version": "11"},
        ),
        (
            {
                "sec-ch-ua": '"Chromium";v="126", "Microsoft Edge";v="126"',
                "sec-ch-ua-full-version-list": '"Chromium";v="126.0.1.2", "Microsoft Edge";'
                'v="126.4.2592.87", "Not.A/Brand";v="8.0.0.0"',
                "sec-ch-ua-platform": '"Windows"',
                "sec-ch-ua-platform-version": '"10.0.0"',
            },
            {"browser": "edge", "browser_version": "126.4", "os": "windows", "os_version": "10"},
        ),
        (
            {
                "Sec-CH-UA": '"Chromium";v="120", "Not A;Brand";v="99"',
                "Sec-CH-UA-Platform": '"Android"',
                "Sec-CH-UA-Platform-Version": '"14.0.0"',
                "Sec-CH-UA-Model": '"Pixel 8"',
            },
            {
                "browser": "chromium",
                "browser_version": "120",
                "os": "android",
                "os_version": "14.0",
                "device": "Pixel 8",
            },
        ),
        ({"Sec-CH-UA-Platform": '"Windows"', "Sec-CH-UA-Platform-Version": '"0.3"'},
         {"os": "windows"}),
        ({"Sec-CH-UA": '"A";v="1", "B";v="2"', "Sec-CH-UA-Platform": '"Unknown"'}, {}),
        ({"Sec-CH-UA": "Chromium;v=1", "Sec-CH-UA-Platform": "x", "Sec-CH-UA-Model": "x"}, {}),
        ({"Sec-CH-UA": '"' * 1_000, "Sec-CH-UA-Platform-Version": '"\u0661"'}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_client_hints_are_read(hints: dict[str, str], told: dict[str, str]) -> None:
    assert of_client_hints(hints) == told


async def test_hints_count_before_what_browsers_have_frozen(call: Call) -> None:
    hints = {"Sec-CH-UA-Platform": '"Windows"', "Sec-CH-UA-Platform-Version": '"15.0.0"'}
    await tell(call, user_agent=CHROME, client_hints=hints)
    found = await detect(call, "user_agent")
    facts = {one["name"]: one["value"] for one in found["facts"]}
    assert (facts["browser"], facts["os"], facts["os_version"]) == ("chrome", "windows", "11")
    assert found["conflicts"] == []
    wrong = {"customer_id": "user_001", "client_hints": {"Cookie": "x"}}
    assert code(await call("report_customer_environment", STAFF, **wrong)) == "INVALID_INPUT"


async def test_each_fact_says_by_whom_and_what_does_not_agree_is_shown(call: Call) -> None:
    await tell(call, environment_info={"os": "linux", "vpn": True})
    await tell(call, user_agent=CHROME)
    found = await detect(call, "declared")
    assert {one["name"]: one["value"] for one in found["facts"]} == {"os": "linux", "vpn": True}
    (conflict,) = found["conflicts"]
    assert [(one["value"], one["method"]) for one in conflict["values"]] == [
        ("windows", "user_agent"),
        ("linux", "declared"),
    ]
    assert conflict["values"][0]["confidence"] > conflict["values"][1]["confidence"]
    assert (await detect(call, "collector"))["facts"] == []
    await tell(call, environment_info={"os": "windows"})  # told anew: they agree by now
    assert (await detect(call, "declared"))["conflicts"] == []
    assert len((await detect(call, "declared"))["facts"]) == 2


async def test_products_on_record_are_facts_by_the_api(call: Call) -> None:
    await put(call, version="2.3")
    (fact,) = (await detect(call, "api"))["facts"]
    assert (fact["name"], fact["value"]) == ("version of Acme API", "2.3")
    assert fact["source"] == "desk"


async def test_a_session_goes_by_what_is_known(call: Call) -> None:
    await tell(call, environment_info={"vpn": False})
    asked = {"environment_info": {"category": "network"}}
    session = await start(call, **asked)
    assert any("tunnel: " in one and "does not hold" in one for one in session["why"])


async def test_nobody_tells_or_sees_of_another_one(call: Call) -> None:
    for tool in ("report_customer_environment", "detect_customer_environment"):
        assert code(await call(tool, OTHER, customer_id="user_001")) == "FORBIDDEN"
        assert code(await call(tool, STAFF, customer_id="nobody")) == "CUSTOMER_NOT_FOUND"


async def test_facts_without_end_are_not_kept(call: Call) -> None:
    for start_at in range(0, 300, 50):
        told = {f"fact_{number}": number for number in range(start_at, start_at + 50)}
        await tell(call, environment_info=told)
    assert len((await detect(call, "declared"))["facts"]) == 100
