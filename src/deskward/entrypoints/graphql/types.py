"""GraphQL types made from JSON Schemas without `$ref`: an object that has fields becomes a type.

What GraphQL has no type for (objects of any names, values of several types) is the scalar `JSON`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
)

from deskward.gate.schemas import BOUNDS, JsonSchema

NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")
"""A name (GraphQL, section 2.1.9) that is none of GraphQL's own."""
INT = 2**31 - 1
"""The greatest `Int` (section 3.5.1)."""
_NO_VALUES = frozenset({"true", "false", "null"})


def _long(value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    least, most = BOUNDS["integer"]
    if not whole or isinstance(value, bool) or not least <= value <= most:
        raise GraphQLError("Long is an integer of 64 bits.")
    return int(value)


LONG = GraphQLScalarType(
    "Long",
    description="An integer of 64 bits. `Int` has 32.",
    coerce_output_value=_long,
    coerce_input_value=_long,
)
JSON = GraphQLScalarType("JSON", description="Any JSON: what has no form of its own.")
_SCALARS = {"string": GraphQLString, "number": GraphQLFloat, "boolean": GraphQLBoolean}


class Types:
    """The types of one schema, each of which is made once."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, GraphQLNamedType]] = {}

    def output(self, schema: JsonSchema, hint: str, *, own: bool) -> GraphQLOutputType:
        """The type of what is answered.

        Args:
            schema: What JSON Schema says of it.
            hint: What a type is called whose schema has no name of its own.
            own: Whether the names in the schema are ours, and not an outside server's.
        """
        plain, nullable = without_null(schema)
        if plain.get("type") == "array":
            inner = self.output(plain.get("items", {}), hint, own=own)
            found: Any = GraphQLList(inner)
        elif fields := _fields(plain):
            found = self._object(plain, fields, hint, own)
        else:
            found = self._scalar(plain, hint)
        return found if nullable else GraphQLNonNull(found)

    def input(self, schema: JsonSchema, hint: str, *, own: bool) -> GraphQLInputType:
        """The type of what is given; see `output`."""
        plain, nullable = without_null(schema)
        if plain.get("type") == "array":
            inner = self.input(plain.get("items", {}), hint, own=own)
            found: Any = GraphQLList(inner)
        elif fields := _fields(plain):
            found = self._input_object(plain, fields, hint, own)
        else:
            found = self._scalar(plain, hint)
        return found if nullable else GraphQLNonNull(found)

    def _object(
        self, schema: JsonSchema, fields: Mapping[str, JsonSchema], hint: str, own: bool
    ) -> GraphQLNamedType:
        name, known = self._name(schema, hint, own, "")
        if known is not None:
            return known
        required = schema.get("required", ())
        inner = {}
        for key, part in fields.items():
            of = self.output(part, f"{name}_{key}", own=own)
            if key not in required and isinstance(of, GraphQLNonNull):
                of = of.of_type
            inner[key] = GraphQLField(of, description=part.get("description"))
        return self._keep(
            GraphQLObjectType(name, inner, description=schema.get("description")), schema
        )

    def _input_object(
        self, schema: JsonSchema, fields: Mapping[str, JsonSchema], hint: str, own: bool
    ) -> GraphQLNamedType:
        name, known = self._name(schema, hint, own, "Input")
        if known is not None:
            return known
        inner = {
            key: GraphQLInputField(of, description=part.get("description"))
            for key, part in fields.items()
            for of in [optional(self.input(part, f"{name}_{key}", own=own), key, schema)]
        }
        takes = null_takers(schema)

        def without_absent(given: dict[str, Any]) -> dict[str, Any]:
            return {key: one for key, one in given.items() if one is not None or key in takes}

        made = GraphQLInputObjectType(
            *(name, inner, schema.get("description")), out_type=without_absent
        )
        return self._keep(made, schema)

    def _scalar(self, schema: JsonSchema, hint: str) -> GraphQLNamedType:
        values = schema.get("enum")
        kind = schema.get("type")
        if values and all(isinstance(one, str) for one in values):
            kind = "string"
            if all(NAME.fullmatch(one) and one not in _NO_VALUES for one in values):
                name, known = self._name({"enum": values}, hint, False, "")
                made = known or GraphQLEnumType(name, {one: one for one in values})
                return self._keep(made, {"enum": values})
        if isinstance(schema.get("const"), str):
            kind = "string"
        if kind == "integer":
            fits = (
                schema.get("minimum", -INT - 2) >= -INT - 1
                and schema.get("maximum", INT + 1) <= INT
            )
            return GraphQLInt if fits else LONG
        return _SCALARS.get(str(kind), JSON)

    def _name(
        self, schema: JsonSchema, hint: str, own: bool, ending: str
    ) -> tuple[str, GraphQLNamedType | None]:
        """What a type is called, and the type where it is made already.

        One model is one type, wherever it stands. Where two schemas have a name in common, the
        second is called after its place.
        """
        title = re.sub(r"\W+", "_", schema.get("title", ""), flags=re.ASCII).strip("_")
        names = [title] if own and NAME.fullmatch(title) else []
        shape = _shape(schema)
        for base in [*names, hint, *(f"{hint}{number}" for number in range(2, 1000))]:
            name = base if base.endswith(ending) else base + ending
            known = self._made.get(name)
            if known is None:
                return name, None
            if known[0] == shape:
                return name, known[1]
        raise TypeError(f"there are too many types called {hint}")

    def _keep(self, made: GraphQLNamedType, schema: JsonSchema) -> GraphQLNamedType:
        self._made[made.name] = _shape(schema), made
        return made


def without_null(schema: JsonSchema) -> tuple[JsonSchema, bool]:
    """A schema without null, and whether it has it. Of what is left open, nothing is said.

    Unions are of what their parts have in common: one scalar, or none, which is any JSON.
    """
    kinds = schema.get("type")
    if isinstance(kinds, list):
        plain = [kind for kind in kinds if kind != "null"]
        one = {**schema, "type": plain[0]} if len(plain) == 1 else {}
        return one, "null" in kinds
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not parts or "properties" in schema:  # there it says which of them go together
        enum = schema.get("enum")
        if enum and None in enum:
            return {**schema, "enum": [one for one in enum if one is not None]}, True
        return schema, kinds == "null"
    found = [without_null(part) for part in parts if part.get("type") != "null"]
    nullable = len(found) < len(parts) or any(null for _, null in found)
    about = {key: schema[key] for key in ("description",) if key in schema}
    if len(found) == 1:
        return {**found[0][0], **about}, nullable
    types = {str(part.get("type")) for part, _ in found}
    if types <= {"integer", "number"} or (len(types) == 1 and types <= _SCALARS.keys()):
        return {"type": "number" if "number" in types else types.pop(), **about}, nullable
    return about, nullable


def null_takers(schema: JsonSchema) -> frozenset[str]:
    """The properties for which null is a value, and not the same as to leave them out."""
    properties: dict[str, JsonSchema] = schema.get("properties", {})
    return frozenset(name for name, part in properties.items() if without_null(part)[1])


def optional(of: GraphQLInputType, name: str, schema: JsonSchema) -> GraphQLInputType:
    """A property's type: one that can be left out can be null, as GraphQL has it."""
    required = name in schema.get("required", ())
    return of.of_type if isinstance(of, GraphQLNonNull) and not required else of


def _fields(schema: JsonSchema) -> Mapping[str, JsonSchema]:
    """The fields of an object; none where GraphQL cannot name them all."""
    properties: dict[str, JsonSchema] = schema.get("properties", {})
    return properties if all(map(NAME.fullmatch, properties)) else {}


def _shape(schema: JsonSchema) -> str:
    """What two schemas of one model have in common, wherever they stand."""
    about = ("description", "default", "examples", "title")
    return json.dumps({k: v for k, v in schema.items() if k not in about}, sort_keys=True)
