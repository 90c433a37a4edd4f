"""What a person sees who connects an OAuth client to a desk that wants a key; and `/mcp/`."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.entrypoints.mcp.peers import OLD, SDK_1, SDK_2, Target, by_mcp, typescript
from tests.services.server import keyed_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm-key"), pytest.mark.timeout(400)]

MISSING = "The API key is missing"
HOW = "Authorization: Bearer dw_"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a desk, and a key."""
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        running = keyed_server(tmp_path_factory.mktemp("data"), "staff", "anna")
        found = runner.run(running.__aenter__())
        stack.callback(lambda: runner.run(running.__aexit__(None, None, None)))
        yield found


class Nothing(TokenStorage):
    """Somebody who has never signed in."""

    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        raise AssertionError

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError


@pytest.mark.parametrize("sdk", [SDK_1, SDK_2], ids=["1", "2"])
async def test_typescript_says_that_the_key_is_missing(
    desk: tuple[str, str], tmp_path: Path, sdk: tuple[str, str]
) -> None:
    url, _ = desk
    for oauth in (True, False):
        (seen,) = await typescript(sdk, Target(f"{url}/mcp"), tmp_path, calls=[], oauth=oauth)
        assert HOW in seen["thrown"], seen
        assert not oauth or MISSING in seen["thrown"], seen


async def test_python_says_that_the_key_is_missing(desk: tuple[str, str]) -> None:
    url, _ = desk

    async def nobody(*_: Any) -> Any:
        raise AssertionError

    about = OAuthClientMetadata(client_name="test", redirect_uris=[AnyUrl("http://127.0.0.1:1/x")])
    provider = OAuthClientProvider(f"{url}/mcp", about, Nothing(), nobody, nobody)
    with pytest.raises(Exception) as seen:  # noqa: PT011 whatever it is, what it says counts
        async with (
            httpx2.AsyncClient(auth=provider, timeout=60) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http), mode="legacy"),
        ):
            pass
    assert MISSING in _texts(seen.value), _texts(seen.value)


def _texts(error: BaseException | None) -> str:
    """What an exception says, with those inside it."""
    if error is None:
        return ""
    inside = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    parts = (str(error), *(_texts(part) for part in (*inside, error.__cause__)))
    return "\n".join(parts)


async def test_the_address_with_a_slash_is_the_same_without_a_redirect(
    desk: tuple[str, str], tmp_path: Path
) -> None:
    url, key = desk
    response = httpx2.post(f"{url}/mcp/", json={}, headers={"Accept": "application/json"})
    assert response.status_code == 400
    target = Target(f"{url}/mcp/", headers={"X-API-Key": key})
    (seen,) = await by_mcp(
        target, [("get_account_balance", {"user_id": "user_001"})], OLD, tmp_path
    )
    assert seen.structured is not None
