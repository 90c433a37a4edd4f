"""What queries may call, and which types they may name. What is not here is refused.

Nothing here reads or writes beside its arguments, waits, or makes much out of little.
"""

from __future__ import annotations

from typing import Literal

Dialect = Literal["sqlite", "postgresql"]

_BOTH = frozenset(
    """
    abs avg coalesce count dense_rank first_value lag last_value lead length lower ltrim max min
    cume_dist nth_value ntile nullif percent_rank rank replace round row_number rtrim substr sum
    trim upper
    """.split()
)
FUNCTIONS: dict[Dialect, frozenset[str]] = {
    "sqlite": _BOTH
    | frozenset(
        """
        date datetime group_concat ifnull instr json_array_length julianday strftime time total
        typeof unixepoch
        """.split()
    ),
    "postgresql": _BOTH
    | frozenset(
        """
        age bool_and bool_or btrim ceil char_length concat concat_ws corr date_part date_trunc every
        floor greatest initcap least left percentile_cont percentile_disc right split_part sqrt
        stddev string_agg strpos substring to_char to_date variance
        """.split()
    ),
}
"""By database, the functions that there are for queries."""

NEEDLES: dict[str, tuple[int, ...]] = {
    "replace": (1, 2),
    "instr": (1,),
    "strpos": (1,),
    "split_part": (1,),
    "to_char": (1,),
    "strftime": (0,),
}
"""Arguments that have to be written out or be a parameter: what is looked for in long texts, and
forms that make long texts out of short ones."""

GROWING = frozenset({"concat", "concat_ws", "replace", "to_char"})
LONGEST = 1_000_000
"""What makes long texts of short ones, and how many characters of one are kept on PostgreSQL."""

TYPES: dict[str, dict[Dialect, str]] = {
    "TEXT": {"sqlite": "TEXT", "postgresql": "text"},
    "VARCHAR": {"sqlite": "TEXT", "postgresql": "text"},
    "INT": {"sqlite": "INTEGER", "postgresql": "bigint"},
    "BIGINT": {"sqlite": "INTEGER", "postgresql": "bigint"},
    "SMALLINT": {"sqlite": "INTEGER", "postgresql": "bigint"},
    "FLOAT": {"sqlite": "REAL", "postgresql": "double precision"},
    "DOUBLE": {"sqlite": "REAL", "postgresql": "double precision"},
    "DECIMAL": {"sqlite": "NUMERIC", "postgresql": "numeric"},
    "BOOLEAN": {"sqlite": "INTEGER", "postgresql": "boolean"},
    "DATE": {"postgresql": "date"},
    "TIMESTAMP": {"postgresql": "timestamp"},
    "TIMESTAMPTZ": {"postgresql": "timestamptz"},
    "INTERVAL": {"postgresql": "interval"},
}
"""The types that a query may cast to, as sqlglot names them, and how each database does."""

UNITS = frozenset(
    "second minute hour day week month year seconds minutes hours days weeks months years".split()
)
PARTS = frozenset(
    "century day decade dow doy epoch hour isodow isoyear microseconds milliseconds minute month "
    "quarter second week year".split()
)
"""What EXTRACT may take out of a moment."""
