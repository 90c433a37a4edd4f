"""Questions for tests: a call of any tool as a GraphQL operation, with all fields of its answer."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from graphql import (
    GraphQLEnumType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_object_type,
)

PATH = "/graphql"


async def ask(client: httpx2.AsyncClient, query: str, **more: Any) -> Any:
    """The response to one operation."""
    headers = more.pop("headers", None)
    body = {"query": query, "variables": more}
    return (await client.post(PATH, json=body, headers=headers)).json()


async def schema_for(client: httpx2.AsyncClient, **headers: str) -> GraphQLSchema:
    """The schema as a caller is told it, read by the library as clients do."""
    told = await ask(client, get_introspection_query(), headers=headers)
    return build_client_schema(told["data"])


def fields_of(of: Any) -> str:
    """The selection of all fields of a type."""
    plain = get_named_type(of)
    if not is_object_type(plain):
        return ""
    inner = " ".join(f"{name} {fields_of(f.type)}" for name, f in plain.fields.items())
    return f"{{ {inner} }}"


def operation(schema: GraphQLSchema, tool: str, arguments: dict[str, Any]) -> str:
    """The operation that calls a tool, its arguments as GraphQL's own values."""
    assert schema.query_type is not None
    reads = tool in schema.query_type.fields
    root = schema.query_type if reads else schema.mutation_type
    assert root is not None
    field = root.fields[tool]
    given = ", ".join(
        f"{name}: {literal(value, field.args[name].type if name in field.args else None)}"
        for name, value in arguments.items()
    )
    called = f"{tool}({given})" if given else tool
    return f"{'query' if reads else 'mutation'} {{ {called} {fields_of(field.type)} }}"


def literal(value: Any, of: Any) -> str:
    """A value as GraphQL writes it."""
    plain = get_named_type(of) if of is not None else None
    if isinstance(value, dict):
        fields = getattr(plain, "fields", {})
        inner = (
            f"{k}: {literal(v, fields[k].type if k in fields else None)}" for k, v in value.items()
        )
        return "{{{}}}".format(", ".join(inner))
    if isinstance(plain, GraphQLEnumType) and isinstance(value, str):
        return value
    return json.dumps(value)
