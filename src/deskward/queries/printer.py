"""From a tree to the statement that runs: written anew, word for word, from what is known.

Nothing of what somebody wrote is passed on but values, and names that are quoted. A kind of node,
or a part of one, that this file does not name is refused. Every reference to a table becomes one to
what the caller may see of it (`relations.py`); names of the caller's own common table expressions
are replaced, so that no mistake about whose name is meant could reach a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlglot import exp

from deskward.queries import calls, relations
from deskward.queries.functions import TYPES, Dialect
from deskward.queries.refusing import refuse
from deskward.queries.relations import Sight, quoted

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}\Z")
_NUMBER = re.compile(r"(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?\Z")
_WORDS = {"current_date": "CURRENT_DATE", "current_timestamp": "CURRENT_TIMESTAMP"}
_BINARY: dict[type[exp.Expression], str] = {
    exp.And: "AND",
    exp.Or: "OR",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
}
_SET = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}


class Printer:
    """Writes one statement.

    Attributes:
        tables: The tables that it names, and that the caller may read.
    """

    def __init__(self, dialect: Dialect, sight: Sight, parameters: Mapping[str, str]) -> None:
        """Make one.

        Args:
            parameters: Name → what stands for it.
        """
        self.dialect = dialect
        self.sight = sight
        self.parameters = parameters
        self.tables: set[str] = set()
        self._scopes: list[dict[str, str]] = []
        self._made = 0

    def statement(self, tree: exp.Expression) -> tuple[list[str], str]:
        """The caller's own common table expressions, and the rest of their statement."""
        with self._scope(tree) as own:
            return own, self._query_without(tree)

    def name(self, node: Any) -> str:
        """A name, in small letters; it is ASCII, so that no two that differ look the same."""
        if not isinstance(node, exp.Identifier) or not isinstance(node.this, str):
            refuse("A name is missing where one has to stand.")
        self.only(node, "this", "quoted")
        if not _NAME.match(node.this):
            refuse("Names are of the letters a to z, digits and _, and begin with no digit.")
        return node.this.lower()

    def quote(self, node: Any) -> str:
        """The same, in quotes."""
        return quoted(self.name(node), self.dialect)

    @staticmethod
    def only(node: exp.Expression, *parts: str) -> None:
        """Refuse a node that says more than is understood."""
        for part, value in node.args.items():
            if part not in parts and value not in (None, False, [], ""):
                refuse(f"{_told(node)} with {part.strip('_')!r} is not allowed here.")

    def value(self, node: Any) -> str:
        """An expression."""
        if (sign := _BINARY.get(type(node))) is not None:
            self.only(node, "this", "expression", "typed", "safe")
            written = f"({self.value(node.this)} {sign} {self.value(node.expression)})"
            return calls.bounded(written, self.dialect) if sign == "||" else written
        if (how := self._values.get(type(node))) is not None:
            return how(self, node)
        if (found := calls.written(self, node)) is not None:
            return found
        return refuse(f"{_told(node)} is not allowed here.")

    def values(self, nodes: Any) -> str:
        """Several, with commas between."""
        if not isinstance(nodes, list) or not nodes:
            refuse("An expression is missing.")
        return ", ".join(self.value(node) for node in nodes)

    def query(self, node: Any) -> str:
        """A SELECT, or several that are set against each other, without parentheses around."""
        while isinstance(node, exp.Subquery):
            self.only(node, "this")
            node = node.this
        if not isinstance(node, exp.Select | exp.SetOperation):
            refuse("A SELECT has to stand there.")
        with self._scope(node) as own:
            start = f"WITH {', '.join(own)} " if own else ""
            return start + self._query_without(node)

    @contextmanager
    def _scope(self, node: exp.Expression) -> Iterator[list[str]]:
        names: dict[str, str] = {}
        self._scopes.append(names)
        own: list[str] = []
        given = node.args.get("with_")
        if given is not None:
            self.only(given, "expressions")  # nothing recursive
            for each in given.expressions:
                if not isinstance(each, exp.CTE):
                    refuse("WITH takes SELECTs that have names.")
                own.append(self._cte(each, names))
        try:
            yield own
        finally:
            self._scopes.pop()

    def _cte(self, node: exp.CTE, names: dict[str, str]) -> str:
        self.only(node, "this", "alias", "materialized")
        alias = node.args.get("alias")
        if not isinstance(alias, exp.TableAlias):
            refuse("WITH takes SELECTs that have names.")
        self.only(alias, "this", "columns")
        body, name = self.query(node.this), self.name(alias.this)
        if name in names:
            refuse(f"WITH names {name!r} twice.")
        self._made += 1
        names[name] = f"cte_{self._made}"
        columns = ", ".join(self.quote(each) for each in alias.args.get("columns") or ())
        made = quoted(names[name], self.dialect)
        return f"{made}{f' ({columns})' if columns else ''} AS ({body})"

    def _query_without(self, node: exp.Expression) -> str:
        if isinstance(node, exp.Select):
            return self._select(node)
        kind = next((word for of, word in _SET.items() if type(node) is of), None)
        if kind is None:
            refuse("Only SELECT is run here.")
        self.only(node, "this", "expression", "distinct", "with_", "order", "limit", "offset")
        every = "" if node.args.get("distinct") else " ALL"
        if every and kind != "UNION":
            refuse(f"{kind} ALL is not allowed here.")
        left, right = self._operand(node.this), self._operand(node.expression)
        return f"{left} {kind}{every} {right}{self._ends(node)}"

    def _operand(self, node: Any) -> str:
        plain = isinstance(node, exp.Select) and not any(
            node.args.get(part) for part in ("with_", "order", "limit", "offset")
        )
        if plain:
            return self._select(node)
        return f"SELECT * FROM ({self.query(node)}) AS {quoted('operand', self.dialect)}"  # noqa: S608 written anew

    def _select(self, node: exp.Select) -> str:
        self.only(
            node,
            *("expressions", "distinct", "from_", "joins", "where", "group", "having", "order"),
            *("limit", "offset", "with_"),
        )
        parts = ["SELECT"]
        if (distinct := node.args.get("distinct")) is not None:
            self.only(distinct)
            parts.append("DISTINCT")
        if not node.expressions:
            refuse("A SELECT says what it selects.")
        parts.append(", ".join(self._projection(each) for each in node.expressions))
        if (source := node.args.get("from_")) is not None:
            self.only(source, "this")
            parts.append(f"FROM {self._source(source.this)}")
            parts += [self._join(join) for join in node.args.get("joins") or ()]
        elif node.args.get("joins"):
            refuse("JOIN without FROM is not allowed here.")
        for part, word in (("where", "WHERE"), ("group", "GROUP BY"), ("having", "HAVING")):
            if (found := node.args.get(part)) is None:
                continue
            if part == "group":
                self.only(found, "expressions")
                parts.append(f"{word} {self.values(found.expressions)}")
            else:
                self.only(found, "this")
                parts.append(f"{word} {self.value(found.this)}")
        return " ".join(parts) + self._ends(node)

    def _projection(self, node: Any) -> str:
        if isinstance(node, exp.Star):
            self.only(node)
            return "*"
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            self.only(node, "this", "table")
            self.only(node.this)
            return f"{self.quote(node.args.get('table'))}.*"
        if isinstance(node, exp.Alias):
            self.only(node, "this", "alias")
            return f"{self.value(node.this)} AS {self.quote(node.args['alias'])}"
        return self.value(node)

    def _source(self, node: Any) -> str:
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Subquery):
            self.only(node, "this", "alias")
            return f"({self.query(node.this)}){self._alias(node, 'subquery')}"
        if isinstance(node, exp.Lateral) and self.dialect == "postgresql":
            self.only(node, "this", "alias")
            if not isinstance(node.this, exp.Subquery):
                refuse("LATERAL takes a SELECT in parentheses.")
            return f"LATERAL ({self.query(node.this)}){self._alias(node, 'subquery')}"
        return refuse(f"{_told(node)} cannot be selected from.")

    def _table(self, node: exp.Table) -> str:
        self.only(node, "this", "alias")  # no schema, nor anything that is called
        name = self.name(node.this)
        for names in reversed(self._scopes):
            if name in names:
                return quoted(names[name], self.dialect) + self._alias(node, name)
        readable = self.sight.tables.get(name)
        if readable is None:
            refuse(f"There is no table {name!r} here.")
        if self.sight.customer and readable.owner is None:
            refuse(f"The table {name!r} is no customer's, and this is about one customer.")
        self.tables.add(name)
        return quoted(relation_name(name), self.dialect) + self._alias(node, name)

    def _alias(self, node: exp.Expression, usual: str) -> str:
        alias = node.args.get("alias")
        if alias is None:
            return f" AS {quoted(usual, self.dialect)}"
        self.only(alias, "this", *(("columns",) if self.dialect == "postgresql" else ()))
        columns = ", ".join(self.quote(each) for each in alias.args.get("columns") or ())
        return f" AS {self.quote(alias.this)}{f' ({columns})' if columns else ''}"

    def _join(self, node: exp.Join) -> str:
        self.only(node, "this", "on", "using", "side", "kind", "method")
        said = [str(node.args.get(part) or "").upper() for part in ("method", "side", "kind")]
        method, side, kind = said
        known = method in ("", "NATURAL") and side in ("", "LEFT", "RIGHT", "FULL")
        if not known or kind not in ("", "INNER", "OUTER", "CROSS"):
            refuse(f"A join of the kind {' '.join(filter(None, said))} is not allowed here.")
        on, using = node.args.get("on"), node.args.get("using")
        if not (on or using or method or side):
            kind = "CROSS"
        words = [*filter(None, (method, side, kind)), "JOIN", self._source(node.this)]
        if on is not None:
            words.append(f"ON {self.value(on)}")
        if using:
            words.append(f"USING ({', '.join(self.quote(each) for each in using)})")
        return " ".join(words)

    def _ends(self, node: exp.Expression) -> str:
        ends = ""
        if (order := node.args.get("order")) is not None:
            ends += f" {calls.order(self, order)}"
        for part, word in (("limit", "LIMIT"), ("offset", "OFFSET")):
            if (found := node.args.get(part)) is not None:
                self.only(found, "expression")
                if word == "OFFSET" and " LIMIT " not in ends and self.dialect == "sqlite":
                    ends += " LIMIT -1"
                ends += f" {word} {self.value(found.expression)}"
        return ends

    def _literal(self, node: exp.Literal) -> str:
        self.only(node, "this", "is_string")
        written = str(node.this)
        if node.args.get("is_string"):
            return "'" + written.replace("'", "''") + "'"
        if not _NUMBER.match(written):
            refuse("A number is not understood.")
        return written

    def _column(self, node: exp.Column) -> str:
        self.only(node, "this", "table")
        table, name = node.args.get("table"), self.name(node.this)
        if table is None and not node.this.args.get("quoted") and name in _WORDS:
            return _WORDS[name]
        of = f"{self.quote(table)}." if table is not None else ""
        return of + quoted(name, self.dialect)

    def _placeholder(self, node: exp.Placeholder) -> str:
        self.only(node, "this")
        name = node.this
        if not isinstance(name, str) or name not in self.parameters:
            refuse("A value is to be put in that is no declared parameter (`:name`).")
        return self.parameters[name]

    def _cast(self, node: exp.Cast) -> str:
        self.only(node, "this", "to")
        to = node.args["to"]
        if not isinstance(to, exp.DataType) or not isinstance(to.this, exp.DType):
            refuse("A cast to that type is not allowed here.")
        self.only(to, "this")
        written = TYPES.get(to.this.value, {}).get(self.dialect)
        if written is None:
            refuse(f"A cast to {to.this.value} is not allowed here.")
        return f"CAST({self.value(node.this)} AS {written})"

    def _paren(self, node: exp.Paren) -> str:
        self.only(node, "this")
        return f"({self.value(node.this)})"

    def _subquery(self, node: exp.Subquery) -> str:
        return f"({self.query(node)})"

    _values: ClassVar[dict[type[exp.Expression], Callable[[Printer, Any], str]]] = {
        exp.Literal: _literal,
        exp.Column: _column,
        exp.Placeholder: _placeholder,
        exp.Cast: _cast,
        exp.Paren: _paren,
        exp.Subquery: _subquery,
        exp.Select: lambda self, node: f"({self.query(node)})",
        exp.Null: lambda _self, _node: "NULL",
        exp.Boolean: lambda _self, node: "TRUE" if node.this else "FALSE",
    }


def relation_name(table: str) -> str:
    """What the caller's part of a table is called in what runs."""
    return f"seen_{table}"


def written_anew(
    tree: exp.Expression,
    dialect: Dialect,
    sight: Sight,
    schema: str,
    parameters: Mapping[str, str],
    fixed: int,
) -> str:
    """The statement that runs in the place of what somebody wrote.

    Args:
        parameters: Name → what stands for it.
        fixed: How many values there are before those of the parameters.

    Raises:
        InvalidInput: Something in it is not understood, or not allowed.
    """
    printer = Printer(dialect, sight, parameters)
    try:
        own, rest = printer.statement(tree)
    except RecursionError:
        refuse("The statement is nested too deeply.")
    used = _used(tree)
    seen = [
        f"{quoted(relation_name(name), dialect)} AS MATERIALIZED "
        f"({relations.relation(sight.tables[name], used, sight, dialect, schema)})"
        for name in sorted(printer.tables)
    ]
    return f"WITH {', '.join([_bound(fixed, parameters, dialect), *seen, *own])} {rest}"


def _bound(fixed: int, parameters: Mapping[str, str], dialect: Dialect) -> str:
    """Names each value once, because databases take no value that a statement does not name."""
    kept = [f"CAST({relations.mark(n, dialect)} AS TEXT)" for n in range(1, fixed + 1)]
    named = [f"{value} AS v{n}" for n, value in enumerate([*kept, *parameters.values()], 1)]
    return f"{quoted('bound', dialect)} AS (SELECT {', '.join(named)})"


def _used(tree: exp.Expression) -> set[str] | None:
    """Every name in a statement; None where it may mean columns that it does not name."""
    names = set()
    for node in tree.walk():
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Anonymous):
            return None
        if isinstance(node, exp.Join) and node.args.get("method"):
            return None
        if isinstance(node, exp.Identifier):
            names.add(str(node.this).lower())
    return names


def _told(node: Any) -> str:
    return type(node).__name__ if isinstance(node, exp.Expression) else "That"
