"""The schema that a group of callers sees: a field for each tool that they may call.

Tools that read are fields of `Query`, the others of `Mutation`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLFieldResolver,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from deskward.entrypoints.graphql.types import JSON, NAME, Types, null_takers, optional
from deskward.gate.tool import Risk, Tool
from deskward.security.principals import Kind

KEY = "idempotencyKey"
"""The argument that makes a repeated mutation give its first answer again. No tool's argument is
written so."""
ARGUMENTS = "arguments"
"""The argument of an outside server's tool whose own GraphQL cannot name."""
LISTED = "deskward_listed"
"""Key of a field's extensions: how many a list in its answer has at most, where nothing is said."""
USUAL = 20
"""How long a list is taken to be whose tool has no `limit`."""

log = logging.getLogger(__name__)
Resolver = Callable[[str, frozenset[str], bool], GraphQLFieldResolver]
"""Makes what calls a tool: by its name, by the arguments that take null, and whether all its
arguments are one."""


def schema_of(
    tools: Iterable[Tool],
    kind: Kind | None,
    resolver: Resolver,
    more: Callable[[Types], Mapping[str, dict[str, GraphQLField]]],
) -> GraphQLSchema:
    """Make the schema.

    Args:
        tools: Those that the callers may call.
        kind: Of whom the callers are.
        resolver: See `Resolver`.
        more: The fields that are no tools, by the name of their type: `Query`, `Subscription`.
    """
    types = Types()
    fields = {"Query": {}, "Mutation": {}, **more(types)}
    for tool in tools:
        if tool.stands_for is not None:
            continue
        reads = tool.risk is Risk.READ
        name = re.sub(r"\W", "_", tool.name, flags=re.ASCII)
        if not NAME.fullmatch(name) or any(name in of for of in fields.values()):
            log.warning("GraphQL leaves out the tool %s: the name is taken, or is none", tool.name)
            continue
        fields["Query" if reads else "Mutation"][name] = _field(tool, kind, types, resolver)
    made = {name: GraphQLObjectType(name, of) if of else None for name, of in fields.items()}
    return GraphQLSchema(
        query=made["Query"],
        mutation=made["Mutation"],
        subscription=made.get("Subscription"),
        description="The tools of this desk that you may call. Each call passes its gate.",
    )


def _field(tool: Tool, kind: Kind | None, types: Types, resolver: Resolver) -> GraphQLField:
    schema = tool.schema_for(kind)
    own = tool.server is None
    title = "".join(part.capitalize() for part in re.split(r"[\W_]+", tool.name))
    properties: dict[str, Any] = schema.get("properties", {})
    at_once = not all(map(NAME.fullmatch, properties))
    if at_once:
        arguments = {ARGUMENTS: GraphQLArgument(GraphQLNonNull(JSON))}
    else:
        arguments = {
            name: GraphQLArgument(
                optional(types.input(part, f"{title}_{name}", own=own), name, schema),
                description=part.get("description"),
            )
            for name, part in properties.items()
        }
    if tool.risk is not Risk.READ:
        about = "Repeating the mutation with the same key gives its first answer again."
        arguments[KEY] = GraphQLArgument(GraphQLString, description=about)
    answered = types.output(tool.output_schema, f"{title}Answer", own=own)
    if isinstance(answered, GraphQLNonNull):  # so that one that fails leaves the others
        answered = answered.of_type
    limit = properties.get("limit", {}).get("default")
    return GraphQLField(
        answered,
        arguments,
        resolve=resolver(tool.name, null_takers(schema), at_once),
        description=tool.description,
        extensions={LISTED: limit if isinstance(limit, int) else USUAL},
    )
