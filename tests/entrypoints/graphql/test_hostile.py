"""What a hostile client sends: each is refused at once, in the documented form."""

from __future__ import annotations

import os
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query

from deskward.app import Desk
from tests.conftest import recorded
from tests.entrypoints.graphql.asking import PATH, ask

NESTED = "__schema { types " + "{ fields { type " * 6 + "{ name }" + " } }" * 6 + " }"
BOMB = "query { ...f0 } " + " ".join(
    f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(30)
)
DOCUMENTS = {
    "deep": "{ a" * 5_000 + "}" * 5_000,
    "deep by fields": "{ a " * 150 + "}" * 150,
    "deep lists": "{{ get_ticket(ticket_id: {}1{}) {{ id }} }}".format("[" * 1_500, "]" * 1_500),
    "aliases": "{{ {} }}".format(
        " ".join(f"a{n}: get_account_balance {{ user_id }}" for n in range(21))
    ),
    "many aliases": "{{ {} }}".format(" ".join(f"a{n}: __typename" for n in range(1_900))) * 2,
    "duplicates": "{ %s }" % ("get_account_balance { user_id } " * 600),
    "duplicates inside": "{ get_account_balance { %s } }" % ("user_id " * 1_500),
    "a fragment in itself": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "a fragment in its field": "{ ...a } fragment a on Query { get_account_balance { ...a } }",
    "fragments that grow": BOMB + " fragment f30 on Query { __typename }",
    "inline fragments": "{ " + "... { " * 250 + "__typename" + " }" * 251,
    "introspection": f"{{ {NESTED} }}",
    "introspection beside a call": "{ __schema { description } get_account_balance { user_id } }",
    "definitions": " ".join(f"query q{n} {{ __typename }}" for n in range(100)),
    "comments": "#\n" * 1_000 + "{ __typename }",
    "long": "{ __typename } #" + "x" * 70_000,
    "directives": "{ __typename %s }" % ("@include(if: true) " * 900),
    "defer": "{ ... @defer { get_account_balance { user_id } } }",
    "a subscription": 'subscription { session_events(session_id: "s") { type } }',
    "no such operation": "query a { __typename } query b { __typename }",
    "half a pair": '{ get_ticket(ticket_id: "\\ud800") { id } }',
    "nothing": " ",
    "cost": "{{ {} }}".format(
        " ".join(
            f"a{n}: list_tickets(limit: 100) {{ tickets {{ {' '.join(COLUMNS)} }} }}"
            for COLUMNS in [("id", "subject", "body", "status", "priority", "customer_id", "reply")]
            for n in range(18)
        )
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_it_is_refused_before_anything_is_done(
    client: httpx2.AsyncClient, sqlite_desk: Desk, name: str
) -> None:
    await ask(client, "{ __typename }")  # the schema is there
    before = os.times()
    answer = await client.post(PATH, json={"query": DOCUMENTS[name]})
    after = os.times()
    assert answer.status_code == 400, answer.text[:300]
    errors = answer.json()["errors"]
    assert {one["extensions"]["code"] for one in errors} == {"INVALID_INPUT"}
    assert "data" not in answer.json()
    assert len(answer.content) < 20_000
    assert after.user - before.user < 1.0
    assert [row for row in await recorded(sqlite_desk) if row["kind"] == "call"] == []


BODIES: list[Any] = [
    b"",
    b"{",
    b"null",
    b'"{ __typename }"',
    b"[[]]",
    b'{"query": 1}',
    b'{"query": null}',
    b'{"query": "{ __typename }", "variables": []}',
    b'{"query": "{ __typename }", "operationName": 1}',
    b'{"query": "\\ud800"}',
    b'{"query": "{ a }", "variables": {"a": NaN}}',
    b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "aa"}}}',
    b'{"query": "\xff"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", BODIES)
async def test_what_is_no_operation_is_refused(client: httpx2.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = await client.post(PATH, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_no_text_has_a_nul_and_no_half_pair_comes_back(client: httpx2.AsyncClient) -> None:
    ticket = "mutation($s: String!) { create_ticket(subject: $s, body: %s) { ticket_id } }"
    inside = await ask(client, ticket % '"a\\u0000b"', s="A")
    beside = await ask(client, ticket % '"b"', s="a\0b")
    for answer in (inside, beside):
        assert answer["data"] == {"create_ticket": None}
        assert "NUL" in answer["errors"][0]["message"]
    odd = await client.post(PATH, json={"query": "{ a\x00 }"})
    assert odd.status_code == 400
    name = await client.post(PATH, json={"query": "query \U0001f600 { a }"})
    assert name.status_code == 400


async def test_values_of_another_type_are_refused_by_name(client: httpx2.AsyncClient) -> None:
    query = "query($n: Int) { list_tickets(limit: $n) { total } }"
    for wrong in ("5", 5.5, 2**40, [1], {"a": 1}):
        answer = await client.post(PATH, json={"query": query, "variables": {"n": wrong}})
        assert answer.status_code == 400
        assert "$n" in answer.json()["errors"][0]["message"]
    null = await ask(client, query, n=None)  # GraphQL's clients send null for what they leave out
    assert null["data"]["list_tickets"]["total"] > 0
    high = await ask(client, query, n=1_000)
    assert high["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_clients_may_ask_for_the_whole_schema(client: httpx2.AsyncClient) -> None:
    question = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    first = await ask(client, question)
    assert "errors" not in first
    assert first == await ask(client, question)
    limited = [{"query": question}] * 21
    assert (await client.post(PATH, json=limited)).status_code == 400
