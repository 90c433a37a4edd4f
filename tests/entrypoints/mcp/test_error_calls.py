"""What people see of calls that do not end well, in six clients that others wrote and in ours.

A client that lists the tools compares every answer with the tool's output schema. An error must
reach its user as what it says, and never as "does not match the output schema".
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.entrypoints.mcp.peers import PEERS, Call, Seen, Target, calls_by
from tests.rounds import rounds
from tests.services.server import keyed_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm-errors"), pytest.mark.timeout(400)]

ADDRESS = {"user_id": "user_002", "new_address": "1 New Road, Boston"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path, str]]:
    """A desk whose table of transactions is gone: its address, key and data, and an approval."""
    data = tmp_path_factory.mktemp("desk")
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        running = keyed_server(data, "staff", "anna")
        url, key = runner.run(running.__aenter__())
        stack.callback(lambda: runner.run(running.__aexit__(None, None, None)))
        with sqlite3.connect(data / "deskward.db", timeout=30) as database:
            database.execute("DROP TABLE transactions")
        change = {"new_address": "2 New Road, Boston"}
        waiting = httpx2.put(
            f"{url}/accounts/user_002/address", json=change, headers={"X-API-Key": key}
        )
        yield url, key, data, waiting.json()["approval_id"]


@pytest.fixture
def target(request: pytest.FixtureRequest, desk: tuple[str, str, Path, str]) -> Target:
    """The same desk over either transport, for the same member of staff."""
    url, key, data, _ = desk
    if request.param == "http":
        return Target(f"{url}/mcp", headers={"X-API-Key": key})
    arguments = ["-m", "deskward", "mcp", "--staff", "anna"]
    environment = {"DATA_DIR": str(data), "LOG_LEVEL": "CRITICAL", "DOMAINS": "bank,shop"}
    return Target(arguments=arguments, environment={**environment, "EMBEDDINGS": "off"})


NEWEST = dict(PEERS)
EVERY = [(target, peer, era) for target in ("http", "stdio") for peer, era in PEERS]
"""Usually a client speaks over stdio what is its newest: each call of some starts a desk there."""


@pytest.mark.parametrize(
    ("target", "peer", "era"),
    [one for one in EVERY if rounds(one[0] == "http" or one[2] == NEWEST[one[1]], True)],
    indirect=["target"],
    ids=lambda value: value,
)
async def test_error_calls_by_six_clients(
    target: Target, desk: tuple[str, str, Path, str], tmp_path: Path, peer: str, era: str
) -> None:
    calls: dict[str, Call] = {
        "done": ("get_account_balance", {"user_id": "user_001"}),
        "FORBIDDEN": ("approve_call", {"approval_id": desk[3]}),  # her own
        "INVALID_INPUT": ("get_account_balance", {"user_id": 5}),
        "odd": ("get_account_balance", {"user_id": "user_001", "more": "\u2028\u2029\x85\0"}),
        "TICKET_NOT_FOUND": ("get_ticket", {"ticket_id": "T9999"}),
        "waiting": ("update_address", ADDRESS),
        "UNAVAILABLE": ("get_transaction_history", {"user_id": "user_001"}),
        "unknown": ("launch", {}),
    }
    if peer == "inspector" and (target.url is None or era != NEWEST[peer]):
        # It starts anew for each call; what it shows of errors differs by their texts alone.
        some = ("done", "odd", "waiting", "unknown")
        calls = {name: calls[name] for name in rounds(some, tuple(calls))}
    made = await calls_by(peer, target, list(calls.values()), era, tmp_path)
    found = dict(zip(calls, made, strict=True))
    done, waiting, unknown = (found.pop(name) for name in ("done", "waiting", "unknown"))
    assert not done.failed
    assert not done.thrown
    assert done.structured is not None
    for code, seen in found.items():
        assert not seen.thrown, seen.text
        assert seen.failed, seen.text
        assert seen.structured is None
        assert seen.code == ("INVALID_INPUT" if code == "odd" else code)
    assert not waiting.failed
    assert not waiting.thrown, waiting.text
    assert waiting.structured is not None
    assert waiting.structured["status"] == "pending_approval"
    assert _says_unknown(unknown), unknown.text


def _says_unknown(seen: Seen) -> bool:
    return "launch" in seen.text and "output schema" not in seen.text
