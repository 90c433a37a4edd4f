"""From a text to a tree: one statement, of bounded size, without comments' or hints' say.

Calls stay calls by name: sqlglot's own classes of functions, which mean something else in each
dialect, are off, so that what runs is what was written.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.parsers.sqlite import SQLiteParser
from sqlglot.tokenizer_core import TokenType

from deskward.queries.functions import Dialect
from deskward.queries.refusing import refuse

LONGEST = 10_000
"""Characters of a statement."""
TOKENS = 2_000
DEPTH = 24
STEPS = 5_000
"""How many there may be, how deep in parentheses, and steps that the parser may take with them."""

_OPEN = {TokenType.L_PAREN, TokenType.CASE}
_CLOSE = {TokenType.R_PAREN, TokenType.END}
_KNOWN = frozenset(
    TokenType[name]
    for name in """
    ALIAS ALL AND ASC BETWEEN BIGINT BOOLEAN CASE COLON COMMA CROSS CURRENT_DATE
    CURRENT_TIMESTAMP DASH DATE DATETIME DCOLON DECIMAL DESC DISTINCT DOT DOUBLE DPIPE
    ELSE END EQ ESCAPE EXCEPT EXISTS FALSE FILTER FIRST FLOAT FROM FULL GROUP_BY GT GTE
    HAVING IDENTIFIER ILIKE IN INNER INT INTERSECT INTERVAL IS ISNULL JOIN KEY LATERAL
    LEFT LIKE LIMIT LT LTE L_PAREN MOD NAME NATURAL NEQ NOT NOTNULL NULL NUMBER OFFSET ON
    OR ORDER_BY OUTER OVER PARTITION_BY PLACEHOLDER PLUS RANGE REPLACE RIGHT ROW ROWS
    R_PAREN SELECT SEMICOLON SLASH SMALLINT SOURCE STAR STRING TEXT THEN TIME TIMESTAMP
    TIMESTAMPTZ TRUE TYPE UNION USING VAR VARCHAR WHEN WHERE WITH YEAR
    """.split()
)
"""The words and signs that a query is made of. With others the parser tries what is none; for some,
such as brackets in brackets, in time that doubles with each."""
_FIRST = {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN}
_KEPT = ("CAST", "EXTRACT")


def _plain(kept: dict[str, Any]) -> dict[str, Any]:
    """What is read in a way of its own, of all the calls that are."""
    return {name: parse for name, parse in kept.items() if name in _KEPT}


logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would log what people write


class _TooLong(Exception):
    """The parser has tried too much: it goes back and forth, here and there in exponential time."""


class _Sqlite(SQLite):
    class Parser(SQLiteParser):
        FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = _plain(SQLiteParser.FUNCTION_PARSERS)
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        steps = STEPS

        def _advance(self, times: int = 1) -> None:
            _count(self)
            super()._advance(times)


class _Postgres(Postgres):
    class Parser(PostgresParser):
        FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = _plain(PostgresParser.FUNCTION_PARSERS)
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        steps = STEPS

        def _advance(self, times: int = 1) -> None:
            _count(self)
            super()._advance(times)


def _count(parser: Any) -> None:
    parser.steps -= 1
    if parser.steps < 0:
        raise _TooLong


_DIALECTS: dict[Dialect, type[SQLite] | type[Postgres]] = {
    "sqlite": _Sqlite,
    "postgresql": _Postgres,
}


def parse(sql: str, dialect: Dialect) -> exp.Expression:
    """The tree of a statement.

    Raises:
        Unfit: It is too long, or no single query that is understood.
    """
    if len(sql) > LONGEST:
        refuse(f"The statement has more than {LONGEST:,} characters.")
    if "\0" in sql or any(0xD800 <= ord(char) <= 0xDFFF for char in sql):
        refuse("The statement holds characters that no statement has.")
    try:
        own = _DIALECTS[dialect]()
        tokens = own.tokenize(sql)
        _check_size([token.token_type for token in tokens])
        found = [one for one in own.parser().parse(tokens, sql) if one is not None]
    except (ParseError, TokenError):
        refuse("The statement is not understood.")
    except (RecursionError, _TooLong):
        refuse("The statement is nested too deeply.")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        refuse("The statement is not understood.")  # faults of the parser on what is no SQL
    if len(found) != 1:
        refuse("That is not one statement.")
    [tree] = found
    while isinstance(tree, exp.Subquery) and not {k for k, v in tree.args.items() if v} - {"this"}:
        tree = tree.this
    if not isinstance(tree, exp.Select | exp.SetOperation):
        refuse("Only SELECT is run here.")
    if isinstance(tree, exp.Select) and not tree.expressions:
        refuse("A SELECT says what it selects.")
    return tree


def _check_size(tokens: list[TokenType]) -> None:
    if len(tokens) > TOKENS:
        refuse(f"The statement has more than {TOKENS:,} words and signs.")
    if not tokens or tokens[0] not in _FIRST:
        refuse("Only SELECT is run here.")
    if not _KNOWN.issuperset(tokens):
        refuse("The statement has words or signs that no query here is made of.")
    if TokenType.SEMICOLON in tokens[:-1]:
        refuse("That is more than one statement.")
    depth = 0
    for token in tokens:
        depth += (token in _OPEN) - (token in _CLOSE)
        if depth > DEPTH:
            refuse("The statement is nested too deeply.")
