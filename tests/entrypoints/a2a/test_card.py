"""The agent's card: whose it is, and its signature by the official verifier."""

from __future__ import annotations

from pathlib import Path

import httpx
import httpx2
import pytest
from a2a.client.card_resolver import A2ACardResolver, parse_agent_card
from a2a.types import GetExtendedAgentCardRequest
from a2a.utils.signing import (
    InvalidSignaturesError,
    SignatureVerificationError,
    create_signature_verifier,
)
from jwt import PyJWK

from deskward.app import Desk, open_desk
from deskward.entrypoints.a2a.signing import CardKey, canonical
from deskward.security import tenants
from deskward.security.principals import Kind
from tests.agent.scripted import ScriptedModel
from tests.conftest import settings_in
from tests.entrypoints.a2a.peers import BINDINGS, connected
from tests.entrypoints.conftest import client_of

CARD, KEYS = "/.well-known/agent-card.json", "/.well-known/jwks.json"


async def test_its_signature_is_the_desks(client: httpx2.AsyncClient) -> None:
    keys = {one["kid"]: one for one in (await client.get(KEYS)).json()["keys"]}
    (key,) = keys.values()
    assert set(key) == {"crv", "kty", "x", "y", "kid", "alg", "use"}  # and nothing private
    card = (await client.get(CARD)).json()

    def provide(kid: str | None, jku: str | None) -> PyJWK:
        assert jku == f"http://127.0.0.1:9080{KEYS}"
        return PyJWK(keys[kid or ""])

    verify = create_signature_verifier(provide, ["ES256"])
    verify(parse_agent_card(card))
    card["skills"][0]["description"] += " And all else."
    with pytest.raises(InvalidSignaturesError):
        verify(parse_agent_card(card))


def test_another_secret_is_another_key() -> None:
    one, other = CardKey(b"a" * 32), CardKey(b"b" * 32)
    assert one.public == CardKey(b"a" * 32).public != other.public
    assert one.signed({"name": "ü"}, "x") == CardKey(b"a" * 32).signed({"name": "ü"}, "x")
    assert canonical({"b": "é\u2028\x1f\n", "a": []}) == '{"a":[],"b":"é\u2028\\u001f\\n"}'.encode()


async def test_the_card_is_its_callers(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    async with sqlite_desk.database.transaction() as db:
        await tenants.change(db, "default", {"name": "Acme Bank"})
    first = await client.get(CARD)
    assert first.json()["name"] == "Acme Bank support"
    mine, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    staff, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True
    )
    cards = {
        whose: (await client.get(CARD, headers={"X-API-Key": key} if key else {})).json()
        for whose, key in (("nobody", ""), ("customer", mine), ("staff", staff))
    }
    skills = {whose: {one["id"] for one in card["skills"]} for whose, card in cards.items()}
    assert skills["nobody"] == skills["customer"]
    assert {"approvals", "articles"} <= skills["staff"] - skills["customer"]
    assert "Refund order" not in str(cards["customer"])
    refused = await client.get(CARD, headers={"X-API-Key": "dw_no"})
    assert (refused.status_code, refused.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


async def test_it_is_kept_and_asked_for_by_its_tag(client: httpx2.AsyncClient) -> None:
    for path, whose in ((CARD, "private"), (KEYS, "public")):
        first = await client.get(path)
        assert first.headers.get_list("cache-control") == [f"{whose}, max-age=300"]
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.post(path)).status_code == 405


@pytest.mark.parametrize("binding", BINDINGS)
async def test_the_extended_card_is_the_same(sqlite_desk: Desk, binding: str) -> None:
    async with connected(binding, desk=sqlite_desk) as client:
        card = await client.get_extended_agent_card(GetExtendedAgentCardRequest())
        assert {one.id for one in card.skills} >= {"accounts", "tickets"}
        assert [one.protocol_binding for one in card.supported_interfaces] == BINDINGS


async def test_the_resolver_takes_no_card_of_another_desk(sqlite_desk: Desk) -> None:
    from deskward.entrypoints.application import http_application

    other = PyJWK(CardKey(b"another" * 9).public)
    transport = httpx.ASGITransport(http_application(sqlite_desk))
    async with httpx.AsyncClient(transport=transport) as http:
        resolver = A2ACardResolver(http, "http://127.0.0.1:9080")
        verify = create_signature_verifier(lambda _kid, _jku: other, ["ES256"])
        with pytest.raises(SignatureVerificationError):
            await resolver.get_agent_card(signature_verifier=verify)


async def test_without_demo_data_and_under_any_name(tmp_path: Path) -> None:
    """Where any host name is taken nothing is signed: the card says where its reader has to go."""
    settings = settings_in(tmp_path, server_host="0.0.0.0")
    async with open_desk(settings, model=ScriptedModel()) as desk, client_of(desk) as client:
        card = (await client.get(CARD, headers={"Host": "evil.example"})).json()
        assert card["supportedInterfaces"][0]["url"] == "http://evil.example/a2a"
        assert "signatures" not in card
    named = settings_in(tmp_path, server_host="0.0.0.0", allowed_hosts="desk.example")
    async with open_desk(named, model=ScriptedModel()) as desk, client_of(desk) as client:
        refused = await client.get(CARD, headers={"Host": "evil.example"})
        assert refused.status_code == 403
        assert (await client.get(CARD, headers={"Host": "desk.example"})).json()["signatures"]
