"""The parts of expressions that are more than two sides and a sign: calls, windows, conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from sqlglot import exp

from deskward.queries.functions import FUNCTIONS, GROWING, LONGEST, NEEDLES, PARTS, UNITS, Dialect
from deskward.queries.refusing import refuse


class Printer(Protocol):
    """What writes the parts of these."""

    dialect: Dialect

    def only(self, node: exp.Expression, *parts: str) -> None:
        """Refuse a node that says more than is understood."""
        ...

    def value(self, node: Any) -> str:
        """An expression."""
        ...

    def values(self, nodes: Any) -> str:
        """Several, with commas between."""
        ...

    def query(self, node: Any) -> str:
        """A SELECT."""
        ...


_SPAN = re.compile(r"[0-9A-Za-z :.+-]{1,60}\Z")


def written(printer: Printer, node: Any) -> str | None:
    """An expression of one of these kinds; None of another."""
    how = _KINDS.get(type(node))
    return how(printer, node) if how is not None else None


def order(printer: Printer, node: Any) -> str:
    """ORDER BY."""
    if not isinstance(node, exp.Order):
        refuse("ORDER BY is not understood.")
    printer.only(node, "expressions")
    return "ORDER BY " + ", ".join(_ordered(printer, each) for each in node.expressions)


def _ordered(printer: Printer, node: Any) -> str:
    if not isinstance(node, exp.Ordered):
        return printer.value(node)
    printer.only(node, "this", "desc", "nulls_first")
    down = bool(node.args.get("desc"))
    first = bool(node.args.get("nulls_first"))
    usual = down if printer.dialect == "postgresql" else not down
    nulls = "" if first == usual else f" NULLS {'FIRST' if first else 'LAST'}"
    return f"{printer.value(node.this)}{' DESC' if down else ''}{nulls}"


def _call(printer: Printer, node: exp.Anonymous) -> str:
    printer.only(node, "this", "expressions")
    name = str(node.this).lower()
    if name not in FUNCTIONS[printer.dialect]:
        refuse(f"There is no function {name[:60]!r} for queries.")
    given = node.expressions
    for place in NEEDLES.get(name, ()):
        if place < len(given) and not isinstance(given[place], exp.Literal | exp.Placeholder):
            refuse(f"What {name} looks for has to be written out, or be a parameter.")
    called = f"{name}({', '.join(_argument(printer, each) for each in given)})"
    return bounded(called, printer.dialect) if name in GROWING else called


def bounded(text: str, dialect: Dialect) -> str:
    """A text that was put together, cut: doubled again and again it would fill a server's memory.

    SQLite has a limit of its own.
    """
    return f"left(CAST({text} AS text), {LONGEST})" if dialect == "postgresql" else text


def _argument(printer: Printer, node: Any) -> str:
    if isinstance(node, exp.Star):
        printer.only(node)
        return "*"
    if isinstance(node, exp.Distinct):
        printer.only(node, "expressions")
        return f"DISTINCT {printer.values(node.expressions)}"
    if isinstance(node, exp.Order):
        printer.only(node, "this", "expressions")
        inner = _argument(printer, node.this)
        ordered = ", ".join(_ordered(printer, each) for each in node.expressions)
        return f"{inner} ORDER BY {ordered}"
    return printer.value(node)


def _aggregate(printer: Printer, node: Any) -> str:
    """A call that more may be said of."""
    if not isinstance(node, exp.Anonymous | exp.Filter | exp.WithinGroup):
        refuse("A call has to stand there.")
    return printer.value(node)


def _filter(printer: Printer, node: exp.Filter) -> str:
    printer.only(node, "this", "expression")
    where = node.expression
    if not isinstance(where, exp.Where):
        refuse("FILTER takes a WHERE.")
    printer.only(where, "this")
    return f"{_aggregate(printer, node.this)} FILTER (WHERE {printer.value(where.this)})"


def _within(printer: Printer, node: exp.WithinGroup) -> str:
    printer.only(node, "this", "expression")
    return f"{_aggregate(printer, node.this)} WITHIN GROUP ({order(printer, node.expression)})"


def _window(printer: Printer, node: exp.Window) -> str:
    printer.only(node, "this", "partition_by", "order", "spec", "over")
    if str(node.args.get("over") or "OVER").upper() != "OVER":
        refuse("A window is not understood.")
    inside = []
    if parts := node.args.get("partition_by"):
        inside.append(f"PARTITION BY {printer.values(parts)}")
    if (sorted_ := node.args.get("order")) is not None:
        inside.append(order(printer, sorted_))
    if (spec := node.args.get("spec")) is not None:
        inside.append(_frame(printer, spec))
    return f"{_aggregate(printer, node.this)} OVER ({' '.join(inside)})"


def _frame(printer: Printer, node: Any) -> str:
    printer.only(node, "kind", "start", "start_side", "end", "end_side")
    kind = str(node.args.get("kind") or "").upper()
    if kind not in ("ROWS", "RANGE"):
        refuse("A window's frame is of ROWS or RANGE.")
    start = _bound(printer, node.args.get("start"), node.args.get("start_side"))
    if node.args.get("end") is None:
        return f"{kind} {start}"
    return (
        f"{kind} BETWEEN {start} AND {_bound(printer, node.args['end'], node.args.get('end_side'))}"
    )


def _bound(printer: Printer, value: Any, side: Any) -> str:
    if value == "CURRENT ROW" and not side:
        return "CURRENT ROW"
    if str(side).upper() not in ("PRECEDING", "FOLLOWING"):
        refuse("A window's frame is not understood.")
    if value == "UNBOUNDED":
        return f"UNBOUNDED {str(side).upper()}"
    if not isinstance(value, exp.Literal) or not str(value.this).isdecimal():
        refuse("A window's frame counts in whole numbers.")
    return f"{printer.value(value)} {str(side).upper()}"


def _case(printer: Printer, node: exp.Case) -> str:
    printer.only(node, "this", "ifs", "default")
    words = ["CASE"]
    if node.this is not None:
        words.append(printer.value(node.this))
    for each in node.args.get("ifs") or refuse("CASE needs a WHEN."):
        printer.only(each, "this", "true")
        words.append(f"WHEN {printer.value(each.this)} THEN {printer.value(each.args['true'])}")
    if node.args.get("default") is not None:
        words.append(f"ELSE {printer.value(node.args['default'])}")
    return f"({' '.join(words)} END)"


def _in(printer: Printer, node: exp.In) -> str:
    printer.only(node, "this", "expressions", "query")
    query = node.args.get("query")
    among = printer.query(query) if query is not None else printer.values(node.expressions)
    return f"({printer.value(node.this)} IN ({among}))"


def _between(printer: Printer, node: exp.Between) -> str:
    printer.only(node, "this", "low", "high")
    low, high = printer.value(node.args["low"]), printer.value(node.args["high"])
    return f"({printer.value(node.this)} BETWEEN {low} AND {high})"


def _is(printer: Printer, node: exp.Is) -> str:
    printer.only(node, "this", "expression", "negate")
    what = node.expression
    not_ = " NOT" if node.args.get("negate") else ""
    if isinstance(what, exp.Not):
        not_, what = " NOT", what.this
    if not isinstance(what, exp.Null | exp.Boolean):
        refuse("IS takes NULL, TRUE or FALSE.")
    return f"({printer.value(node.this)} IS{not_} {printer.value(what)})"


def _escape(printer: Printer, node: exp.Escape) -> str:
    printer.only(node, "this", "expression")
    sign = node.expression
    if not isinstance(node.this, exp.Like | exp.ILike) or not isinstance(sign, exp.Literal):
        refuse("ESCAPE takes one sign, after LIKE.")
    return f"{printer.value(node.this)[:-1]} ESCAPE {printer.value(sign)})"


def _like(printer: Printer, node: exp.Like | exp.ILike) -> str:
    printer.only(node, "this", "expression", "negate")
    word = "LIKE" if isinstance(node, exp.Like) else "ILIKE"
    if word == "ILIKE" and printer.dialect == "sqlite":
        refuse("There is no ILIKE in SQLite, whose LIKE is the same.")
    not_ = "NOT " if node.args.get("negate") else ""
    return f"({printer.value(node.this)} {not_}{word} {printer.value(node.expression)})"


def _interval(printer: Printer, node: exp.Interval) -> str:
    printer.only(node, "this", "unit")
    amount, unit = node.this, node.args.get("unit")
    if not isinstance(amount, exp.Literal) or printer.dialect != "postgresql":
        refuse("Write an interval out, as INTERVAL '3 days'; in SQLite, date(…, '-3 days').")
    span = str(amount.this)
    if unit is not None:
        if not isinstance(unit, exp.Var) or str(unit.this).lower() not in UNITS:
            refuse("That unit of an interval is not known.")
        span += f" {str(unit.this).lower()}"
    if not _SPAN.match(span):
        refuse("An interval is not understood.")
    return f"INTERVAL '{span}'"


def _extract(printer: Printer, node: exp.Extract) -> str:
    printer.only(node, "this", "expression")
    part = str(getattr(node.this, "this", "")).lower()
    if not isinstance(node.this, exp.Var) or part not in PARTS:
        refuse("EXTRACT takes no such part of a moment.")
    if printer.dialect == "sqlite":
        refuse("There is no EXTRACT in SQLite; use strftime.")
    return f"EXTRACT({part} FROM {printer.value(node.expression)})"


def _zone(printer: Printer, node: exp.AtTimeZone) -> str:
    printer.only(node, "this", "zone")
    zone = node.args.get("zone")
    if not isinstance(zone, exp.Literal | exp.Placeholder) or printer.dialect != "postgresql":
        refuse("AT TIME ZONE takes a zone that is written out, in PostgreSQL.")
    return f"({printer.value(node.this)} AT TIME ZONE {printer.value(zone)})"


def _distinct_from(printer: Printer, node: Any, *, not_: bool) -> str:
    printer.only(node, "this", "expression")
    words = "IS NOT DISTINCT FROM" if not_ else "IS DISTINCT FROM"
    if printer.dialect == "sqlite":
        words = "IS" if not_ else "IS NOT"
    return f"({printer.value(node.this)} {words} {printer.value(node.expression)})"


def _one(node: exp.Expression, printer: Printer) -> str:
    printer.only(node, "this")
    return printer.value(node.this)


def _exists(printer: Printer, node: exp.Exists) -> str:
    printer.only(node, "this")
    return f"EXISTS ({printer.query(node.this)})"


def _tuple(printer: Printer, node: exp.Tuple) -> str:
    printer.only(node, "expressions")
    return f"({printer.values(node.expressions)})"


_KINDS: dict[type[exp.Expression], Callable[[Printer, Any], str]] = {
    exp.Anonymous: _call,
    exp.Filter: _filter,
    exp.WithinGroup: _within,
    exp.Window: _window,
    exp.Case: _case,
    exp.In: _in,
    exp.Between: _between,
    exp.Is: _is,
    exp.Escape: _escape,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Interval: _interval,
    exp.Extract: _extract,
    exp.AtTimeZone: _zone,
    exp.NullSafeEQ: lambda printer, node: _distinct_from(printer, node, not_=True),
    exp.NullSafeNEQ: lambda printer, node: _distinct_from(printer, node, not_=False),
    exp.Not: lambda printer, node: f"(NOT {_one(node, printer)})",
    exp.Neg: lambda printer, node: f"(- {_one(node, printer)})",
    exp.Exists: _exists,
    exp.Tuple: _tuple,
}
