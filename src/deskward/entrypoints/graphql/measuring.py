"""How large a document is, and what an operation of it costs, before anything is done.

The form is bounded before validation, whose rules compare fields pairwise and follow fragments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from deskward.core.errors import InvalidInput
from deskward.entrypoints.graphql.schema import LISTED, USUAL

MOST_TOKENS = 4_000
MOST_COMMENTS = 200
MOST_DEFINITIONS = 50
"""Operations and fragments of a document."""
MOST_FIELDS = 2_000
"""Fields and spreads of a document, those of a fragment as often as it is spread."""
MOST_PAIRS = 2_000
"""Pairs of fields of one name at one place, which validation compares."""
DEEPEST = 10
DEEPEST_ABOUT_TYPES = 20
"""Of what is asked of the schema itself: the usual question is 13 deep."""

CALL = 10
"""What a call costs besides its fields."""
INNER = 5
"""How long a list inside a list is taken to be."""
LONGEST_LIST = 1_000

ABOUT_TYPES = frozenset({"__schema", "__type"})


def check_form(document: DocumentNode) -> None:
    """See that a document is small enough to be validated.

    Raises:
        InvalidInput: It is not; says which bound it is over.
    """
    if len(document.definitions) > MOST_DEFINITIONS:
        raise InvalidInput(f"A document has at most {MOST_DEFINITIONS} operations and fragments.")
    measure = _Form(document)
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode):
            of_types = isinstance(one, FragmentDefinitionNode) and (
                one.type_condition.name.value.startswith("__")
            )
            measure.walk([one.selection_set], 1, DEEPEST_ABOUT_TYPES if of_types else DEEPEST)


class _Form:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = fragments_of(document)
        self._fields = self._pairs = 0

    def walk(self, sets: list[SelectionSetNode], depth: int, deepest: int) -> None:
        """Walk what stands at one place of the response: all of it is merged there."""
        if depth > deepest:
            raise InvalidInput(
                f"The document is nested deeper than {deepest} fields, or a fragment is in itself."
            )
        groups: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._gather(one, groups, ())
        for nodes in groups.values():
            self._pairs += len(nodes) * (len(nodes) - 1) // 2
            if self._pairs > MOST_PAIRS:
                raise InvalidInput("The document asks for the same fields too often.")
        for nodes in groups.values():
            inner = [node.selection_set for node in nodes if node.selection_set]
            if inner:
                about_types = any(node.name.value in ABOUT_TYPES for node in nodes)
                self.walk(inner, depth + 1, DEEPEST_ABOUT_TYPES if about_types else deepest)

    def _gather(
        self, of: SelectionSetNode, groups: dict[str, list[FieldNode]], inside: tuple[str, ...]
    ) -> None:
        for node in of.selections:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise InvalidInput(
                    f"The document has more than {MOST_FIELDS:,} fields, those of fragments as "
                    "often as they are spread."
                )
            if isinstance(node, FieldNode):
                groups.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._gather(node.selection_set, groups, inside)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in inside:
                    raise InvalidInput(f"The fragment {name[:64]} is in itself.")
                if (fragment := self._fragments.get(name)) is not None:
                    self._gather(fragment.selection_set, groups, (*inside, name))


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> tuple[int, int]:
    """Return how many calls a valid operation makes, and what it costs.

    Each call costs `CALL`, and each field 1. What is inside a list counts as often as the list may
    be long: as the call's `limit` says, or the tool's usual one, or 20; 5 inside another list.
    """
    root = schema.get_root_type(operation.operation)
    assert root is not None, "a valid operation has a type"
    fragments = fragments_of(document)
    defaults = {
        one.variable.name.value: _number(one.default_value, {})
        for one in operation.variable_definitions or ()
    }
    given = {**defaults, **variables}
    calls = cost = 0
    for node, field in _fields(schema, root, operation.selection_set, fragments):
        calls += 1
        listed = _limit(node, field, given)
        cost += CALL + _inside(schema, field, node, fragments, (listed, INNER))
    return calls, cost


def only_about_types(document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """Whether an operation asks of the schema, and of nothing else.

    Raises:
        InvalidInput: It asks of both.
    """
    names = {node.name.value for node in _roots(operation.selection_set, fragments_of(document))}
    if not names & ABOUT_TYPES:
        return False
    if names - ABOUT_TYPES - {"__typename"}:
        raise InvalidInput("Ask of the schema in an operation of its own.")
    return True


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """A document's fragments by their names."""
    return {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }


def _roots(
    of: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    for node in of.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _roots(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from _roots(fragments[node.name.value].selection_set, fragments)


def _fields(
    schema: GraphQLSchema,
    parent: GraphQLObjectType,
    of: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterator[tuple[FieldNode, GraphQLField]]:
    for node in _roots(of, fragments):
        if node.name.value != "__typename" and (field := parent.fields.get(node.name.value)):
            yield node, field


def _inside(
    schema: GraphQLSchema,
    field: GraphQLField,
    node: FieldNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    lengths: tuple[int, int],
) -> int:
    """What the fields inside a field cost.

    Args:
        lengths: How long the next list is, and each inside it.
    """
    of: Any = field.type
    times = 1
    while isinstance(of, GraphQLList | GraphQLNonNull):
        if isinstance(of, GraphQLList):
            times *= lengths[0]
            lengths = (lengths[1], lengths[1])
        of = of.of_type
    if node.selection_set is None or not isinstance(of, GraphQLObjectType):
        return 0
    return times * sum(
        1 + _inside(schema, inner, one, fragments, lengths)
        for one, inner in _fields(schema, of, node.selection_set, fragments)
    )


def _limit(node: FieldNode, field: GraphQLField, variables: Mapping[str, Any]) -> int:
    given = next((one.value for one in node.arguments or () if one.name.value == "limit"), None)
    number = _number(given, variables)
    if number is None:
        number = (field.extensions or {}).get(LISTED, USUAL)
    return max(1, min(number, LONGEST_LIST))


def _number(node: Any, variables: Mapping[str, Any]) -> int | None:
    found = variables.get(node.name.value) if isinstance(node, VariableNode) else None
    if isinstance(node, IntValueNode):
        return int(node.value)
    return int(found) if isinstance(found, int | float) and abs(found) < 2**63 else None
