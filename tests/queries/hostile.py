"""Statements of a hostile member of staff: templates times payloads, and some by hand."""
# ruff: noqa: E501 a statement is one line

from __future__ import annotations

import itertools
from collections.abc import Iterator

CLOSED = (
    *("accounts", "api_keys", "ledger", "members", "desk_secret", "subject_keys", "emails"),
    *("files", "sessions", "messages", "webhooks", "jobs", "tenants", "registered_queries"),
    *("sqlite_master", "sqlite_schema", "sqlite_temp_master", "pg_authid", "pg_shadow", "dual"),
    *("pg_stat_activity", "pg_class", "alembic_version", "cards", "transactions", "seen_tickets"),
)
"""Tables that no query sees."""
FROM = (
    "SELECT * FROM {}",
    "SELECT count(*) FROM main.{}",
    "SELECT * FROM public.{}",
    "SELECT * FROM pg_catalog.{}",
    'SELECT * FROM "{}"',
    "SELECT * FROM (SELECT * FROM {}) AS x",
    "WITH a AS (SELECT * FROM {}) SELECT * FROM a",
    "WITH a AS (SELECT * FROM {0}), {0} AS (SELECT 1) SELECT * FROM a",
    "SELECT number FROM tickets UNION ALL SELECT * FROM {}",
    "SELECT number FROM tickets WHERE EXISTS (SELECT 1 FROM {})",
    "SELECT number FROM tickets WHERE number IN (SELECT 1 FROM {})",
    "SELECT (SELECT count(*) FROM {})",
    "SELECT t.number FROM tickets AS t JOIN {} AS x ON 1 = 1",
    "SELECT t.number FROM tickets AS t, {} AS x",
    "SELECT t.number FROM tickets AS t LEFT JOIN LATERAL (SELECT * FROM {}) AS x ON true",
    "SELECT number FROM tickets ORDER BY (SELECT count(*) FROM {})",
    "SELECT status FROM tickets GROUP BY status HAVING count(*) > (SELECT count(*) FROM {})",
    "SELECT CASE WHEN (SELECT count(*) FROM {}) > 0 THEN 1 ELSE 0 END",
    "SELECT * FROM tickets AS {0} JOIN {0} AS b ON 1 = 1",
    "TABLE {}",
)
TENANT = (
    "SELECT * FROM tickets WHERE tenant_id = 'acme'",
    "SELECT * FROM tickets WHERE number > 0 OR 1 = 1 OR tenant_id = 'acme'",
    "SELECT * FROM tickets WHERE number > 0 OR (SELECT true)",
    "SELECT tenant_id FROM {}",
    "SELECT r.tenant_id FROM {} AS r",
    "SELECT r.* FROM {} AS r",
    "SELECT {0}.tenant_id FROM {0}",
    "SELECT * FROM {} ORDER BY tenant_id",
    "SELECT count(*) FROM {} GROUP BY tenant_id",
    "SELECT * FROM {} AS a JOIN {} AS b USING (tenant_id)",
    "SELECT * FROM {} AS a NATURAL JOIN {} AS b",
    "SELECT * FROM {} AS a FULL JOIN {} AS b ON 1 = 0",
    "SELECT * FROM {} WHERE 1 = 1; SELECT 1",
    "SELECT * FROM {} WHERE '1' = '1' -- AND tenant_id",
    "SELECT * FROM {} /* tenant */ WHERE 1 = 1 /*! OR 1=1 */",
    "SELECT * FROM {} EXCEPT SELECT * FROM {} WHERE 1 = 0",
    "SELECT * FROM {} INTERSECT SELECT * FROM {}",
    "SELECT * FROM {} LIMIT 1000 OFFSET 0",
    "SELECT * FROM {} WHERE ?1 = 'acme'",
    "SELECT * FROM {} WHERE $1 = 'acme'",
    "SELECT * FROM {} WHERE :tenant = 'acme'",
    "SELECT * FROM {} WHERE @tenant = 'acme'",
    "SELECT * FROM {}) AS r WHERE 1 = 1 --",
    "SELECT * FROM {} AS r) UNION SELECT * FROM main.tickets --",
    "WITH seen_{0} AS (SELECT 1) SELECT * FROM {0}",
    "WITH r AS (SELECT 'acme' AS tenant_id) SELECT * FROM {} JOIN r ON 1 = 1",
)
READABLE = ("tickets", "customers", "ticket_messages", "queue_items", "orders", "complaints")
MASKED = (
    *(("customers", one) for one in ("email", "name", "phone", "address", "tags")),
    *(("tickets", one) for one in ("subject", "body", "note", "reply")),
    *(("ticket_messages", one) for one in ("text",)),
)
NOT_THERE = (
    *(("customers", "folded"), ("tickets", "session_id"), ("tickets", "session_owner")),
    *(("ticket_messages", "whole"), ("ticket_messages", "html"), ("ticket_messages", "address")),
    *(("ticket_messages", "message_id"), ("queue_items", "context"), ("orders", "revision")),
)
ROUTES = (
    "SELECT {c} FROM {t}",
    "SELECT t.{c} FROM {t} AS t",
    'SELECT "{c}" FROM {t}',
    "SELECT {c} AS x FROM {t}",
    "SELECT max({c}) FROM {t}",
    "SELECT upper({c}) || 'x' FROM {t}",
    "SELECT substr({c}, 1, 5) FROM {t}",
    "SELECT CAST({c} AS TEXT) FROM {t}",
    "SELECT count(*) FROM {t} WHERE {c} LIKE 'canary%'",
    "SELECT 'leak' || {c} FROM {t} WHERE {c} LIKE '%canary%'",
    "SELECT 1 FROM {t} ORDER BY {c}",
    "SELECT count(*) FROM {t} GROUP BY {c} HAVING max({c}) LIKE '%canary%'",
    "SELECT a.{c} FROM {t} AS a JOIN {t} AS b USING ({c})",
    "SELECT b.{c} FROM {t} AS a JOIN {t} AS b ON a.{c} = b.{c}",
    "SELECT (SELECT {c} FROM {t} LIMIT 1)",
    "SELECT x FROM (SELECT {c} AS x FROM {t}) AS s",
    "WITH s AS (SELECT {c} FROM {t}) SELECT * FROM s",
    "WITH s(x) AS (SELECT {c} FROM {t}) SELECT x FROM s",
    "SELECT * FROM {t} WHERE ({c}, 1) = ('canary', 1)",
    "SELECT CASE WHEN {c} LIKE '%canary%' THEN 'canary' || {c} ELSE '' END FROM {t}",
    "SELECT first_value({c}) OVER (ORDER BY {c}) FROM {t}",
    "SELECT {c} FROM {t} UNION SELECT {c} FROM {t}",
    "SELECT t::text FROM {t} AS t",
    "SELECT t FROM {t} AS t",
    "SELECT row_to_json(t) FROM {t} AS t",
    "SELECT (t).{c} FROM {t} AS t",
    "SELECT {c}(t) FROM {t} AS t",
    "SELECT concat(t) FROM {t} AS t",
    "SELECT CAST({c} AS INTEGER) FROM {t} WHERE CAST({c} AS INTEGER) = 1",
    "SELECT 1 FROM {t} WHERE 1 / (CASE WHEN {c} LIKE '%canary%' THEN 0 ELSE 1 END) = 1",
)
FUNCTIONS = (
    "pg_read_file('/etc/passwd') pg_read_binary_file('/etc/passwd') pg_ls_dir('/') pg_sleep(9) "
    "pg_sleep_for('9s') lo_import('/etc/passwd') lo_export(1,'/tmp/x') dblink('host=x','SELECT_1') "
    "load_extension('x') readfile('/etc/passwd') writefile('/tmp/x','y') randomblob(1000000000) "
    "zeroblob(1000000000) printf('%1000000000d',1) format('%1000000000s','x') repeat('x',1000000000) "
    "lpad('x',1000000000) rpad('x',1000000000) generate_series(1,1000000000) current_setting('x') "
    "set_config('role','postgres',false) current_user() version() inet_server_addr() query_to_xml('x') "
    "table_to_xml('accounts') database_to_xml() query_to_json('x') pg_terminate_backend(1) "
    "pg_cancel_backend(1) pg_reload_conf() pg_advisory_lock(1) nextval('x') setval('x',1) "
    "txid_current() pg_export_snapshot() has_table_privilege('x','y') pg_stat_file('x') "
    "pg_relation_filepath('x') pg_get_viewdef('x') to_regclass('accounts') json_each('[1]') "
    "json_tree('[1]') fts3_tokenizer('x') sqlite_version() sqlite_source_id() changes() "
    "last_insert_rowid() sqlite_compileoption_get(1) hex('x') quote('x') eval('x') "
    "pragma_table_info('accounts') pragma_database_list() row_to_json(1) to_json(1) json_agg(1) "
    "array_agg(1) unnest(1) xmlagg(1) xpath('x','y') ts_stat('x') regexp_replace('a','(a*)*b','x') "
    "regexp_matches('a','b') cursor_to_xml('x') pg_logical_emit_message(true,'a','b') "
    "pg_create_restore_point('x') pg_switch_wal() pg_notify('a','b') gen_random_uuid() "
    "instr(body,body) replace(body,body,body) to_char(1,body) sum(sum(1))over"
).split()
CALLED = (
    "SELECT {}",
    "SELECT 1 FROM tickets WHERE {} IS NOT NULL",
    "SELECT * FROM {} AS x",
    "SELECT 1 FROM tickets ORDER BY {}",
)
WRITES = (
    *("DELETE FROM tickets", "UPDATE tickets SET status = 'x'", "INSERT INTO tickets SELECT 1"),
    *("DROP TABLE tickets", "CREATE TABLE x (a int)", "ALTER TABLE tickets ADD x int", "VACUUM"),
    *("PRAGMA table_info(accounts)", "PRAGMA query_only = OFF", "ATTACH 'x.db' AS y", "BEGIN"),
    *(
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "RELEASE x",
        "SET ROLE postgres",
        "RESET ROLE",
        "ANALYZE",
    ),
    *("SET search_path = acme", "SET statement_timeout = 0", "SHOW ALL", "LISTEN x", "NOTIFY x"),
    *("COPY tickets TO '/tmp/x'", "COPY (SELECT 1) TO PROGRAM 'id'", "EXPLAIN SELECT 1"),
    *(
        "EXPLAIN ANALYZE DELETE FROM tickets",
        "PREPARE x AS SELECT 1",
        "EXECUTE x",
        "DEALLOCATE ALL",
    ),
    *(
        "DO $$ BEGIN END $$",
        "CALL x()",
        "LOCK TABLE tickets",
        "TRUNCATE tickets",
        "REINDEX tickets",
    ),
    *(
        "GRANT ALL ON tickets TO public",
        "CREATE FUNCTION x() RETURNS int AS 'SELECT 1' LANGUAGE sql",
    ),
    *("DECLARE c CURSOR FOR SELECT 1", "FETCH ALL FROM c", "DISCARD ALL", "CHECKPOINT", "LOAD 'x'"),
    *("SELECT 1 INTO x", "SELECT * INTO x FROM tickets", "SELECT * FROM tickets FOR UPDATE"),
    *("SELECT * FROM tickets FOR SHARE", "REPLACE INTO tickets VALUES (1)", "MERGE INTO tickets"),
    "WITH x AS (DELETE FROM tickets RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE tickets SET status = 'x' RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO tickets DEFAULT VALUES RETURNING *) SELECT * FROM x",
    "VALUES (1)",
    "",
    ";",
    "--",
)
AROUND = (
    *("{}", "{};", " \t\n{}", "/* SELECT */ {}", "-- x\n{}", "SELECT 1; {}", "{}; SELECT 1"),
    *("({})", "SELECT * FROM ({}) AS x", "SELECT 1 UNION {}", "EXPLAIN {}"),
)
BOMBS = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "WITH r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM tickets a, tickets b, tickets c, tickets d, tickets e, tickets f, "
    "tickets g, tickets h, tickets i, tickets j",
    "SELECT a.number FROM tickets a, tickets b, tickets c, tickets d, tickets e, tickets f, "
    "tickets g, tickets h ORDER BY 1, b.number",
    "SELECT DISTINCT a.body || b.body || c.body || d.body || e.body || f.body FROM tickets a, "
    "tickets b, tickets c, tickets d, tickets e, tickets f",
    "SELECT " + "(" * 400 + "1" + ")" * 400,
    "SELECT " + "-" * 1 + " - ".join(["1"] * 3000),
    "SELECT " + "NOT " * 900 + "true",
    "SELECT " + " + ".join(["1"] * 900),
    "SELECT 1 " + "UNION SELECT 1 " * 400,
    "SELECT " + "CASE WHEN 1 = 1 THEN " * 200 + "1" + " END" * 200,
    "SELECT '" + "x" * 20_000 + "'",
    "SELECT 1 FROM tickets WHERE body LIKE '" + "%a" * 300 + "'",
    "SELECT replace(replace(replace(replace(replace(body, 'a', '"
    + "a" * 300
    + "'), 'a', '"
    + "a" * 300
    + "'), 'a', '"
    + "a" * 300
    + "'), 'a', '"
    + "a" * 300
    + "'), 'a', '"
    + "a" * 300
    + "') FROM tickets",
    "SELECT " + "(SELECT " * 60 + "1" + ")" * 60,
    "SELECT " + "f(" * 100 + "1" + ")" * 100,
)
BY_HAND = (
    'SELECT * FROM "tickets" AS "seen_tickets"',
    "SELECT * FROM tickets AS main",
    "SELECT * FROM ｔｉｃｋｅｔｓ",
    "SELECT * FROM tıckets",
    "SELECT * FROM ticKets",
    'SELECT * FROM U&"\\0061ccounts"',
    'SELECT * FROM "main"."accounts"',
    "SELECT * FROM [accounts]",
    "SELECT * FROM `accounts`",
    "SELECT * FROM accounts\u200b",
    "SELECT password\u00adhash FROM accounts",
    "SELECT * FROM 'accounts'",
    "SELECT '\\'; DROP TABLE tickets; --'",
    "SELECT E'\\'; DROP TABLE tickets; --'",
    "SELECT $$; DROP TABLE tickets; --$$",
    "SELECT $x$ accounts $x$",
    "SELECT 'it''s' || '''; DELETE FROM tickets; --'",
    'SELECT "x""; DELETE FROM tickets; --" FROM tickets',
    'SELECT 1 AS "a"" FROM accounts --"',
    "SELECT X'00'",
    "SELECT 0x1F",
    "SELECT 1e999999",
    "SELECT N'x'",
    "SELECT rowid, * FROM tickets",
    "SELECT _rowid_ FROM customers",
    "SELECT oid FROM customers",
    "SELECT ctid, xmin, tableoid FROM tickets",
    "SELECT tableoid::regclass FROM tickets",
    "SELECT 'accounts'::regclass::oid",
    "SELECT ARRAY(SELECT password_hash FROM accounts)",
    "SELECT ARRAY[1, 2]",
    "SELECT ROW(t.*) FROM tickets AS t",
    "SELECT (ARRAY['a'])[1]",
    "SELECT tickets FROM tickets",
    "SELECT tickets.* FROM tickets",
    "SELECT * FROM ROWS FROM (generate_series(1, 10))",
    "SELECT * FROM tickets TABLESAMPLE SYSTEM (100)",
    "SELECT * FROM ONLY tickets",
    "SELECT * FROM tickets INDEXED BY x",
    "SELECT * FROM tickets NOT INDEXED",
    "SELECT * FROM (VALUES (1)) AS x",
    "SELECT * FROM (tickets JOIN accounts ON 1 = 1)",
    "SELECT * FROM tickets, LATERAL pg_ls_dir('/') AS x",
    "SELECT * FROM json_each((SELECT group_concat(password_hash) FROM accounts))",
    "SELECT * FROM pragma_table_info('accounts')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT current_user",
    "SELECT session_user",
    "SELECT current_catalog",
    "SELECT user",
    'SELECT body COLLATE "C" FROM tickets',
    "SELECT body ~ '(a*)*b' FROM tickets",
    "SELECT body SIMILAR TO '%' FROM tickets",
    "SELECT body REGEXP 'x' FROM tickets",
    "SELECT body MATCH 'x' FROM tickets",
    "SELECT body GLOB '*' FROM tickets",
    "SELECT a -> 'b' FROM tickets",
    "SELECT tags ->> 0 FROM tickets",
    "SELECT tags::jsonb FROM tickets",
    "SELECT tags::json FROM tickets",
    "SELECT number::oid FROM tickets",
    "SELECT 'x'::regproc",
    "SELECT CAST('x' AS accounts)",
    "SELECT TRY_CAST('x' AS int)",
    "SELECT x.* EXCEPT (a) FROM tickets AS x",
    "SELECT * FROM tickets QUALIFY row_number() OVER () = 1",
    "SELECT * FROM tickets PIVOT (sum(number) FOR status IN ('a'))",
    "SELECT TOP 1 * FROM tickets",
    "SELECT /*+ x */ * FROM tickets",
    "SELECT DISTINCT ON (customer_id) * FROM tickets",
    "SELECT count(*) OVER w FROM tickets WINDOW w AS ()",
    "SELECT * FROM tickets FETCH FIRST 1 ROW ONLY",
    "SELECT * FROM tickets GROUP BY ROLLUP (status)",
    "SELECT sum(9223372036854775807 + number) FROM tickets",
    "SELECT abs(-9223372036854775807 - 1)",
    "SELECT json_array_length(body) FROM tickets",
    "SELECT CAST(body AS INTEGER) FROM tickets WHERE body LIKE 'canary%'",
    "SELECT 1 / 0",
    "SELECT (SELECT body FROM tickets WHERE number = t.number LIMIT 1) FROM tickets AS t",
    "SELECT * FROM tickets WHERE number = ANY (SELECT number FROM accounts)",
    "SELECT * FROM tickets WHERE number = ALL (ARRAY[1])",
    "SELECT \ud800",
    "SELECT 'a\0b'",
    "\ufeffSELECT * FROM accounts",
    "SELECT * FROM tickets -- \u2028; DELETE FROM tickets",
    "SELECT*FROM(SELECT*FROM(SELECT*FROM accounts))",
    "SELECT 1 FROM tickets WHERE (SELECT 1 FROM tickets WHERE (SELECT 1 FROM accounts) = 1) = 1",
    "WITH tickets AS (SELECT * FROM accounts) SELECT * FROM tickets",
    "WITH accounts AS (SELECT * FROM accounts) SELECT * FROM accounts",
    "WITH cte_1 AS (SELECT 1), x AS (SELECT * FROM cte_2) SELECT * FROM x",
    "SELECT * FROM tickets AS a(tenant_id, b)",
    "FROM tickets SELECT *",
    "SELECT",
    "SELECT FROM tickets",
    "SELECT * FROM",
    "SELEC * FROM tickets",
)


def statements() -> Iterator[str]:
    """All of them."""
    for table, form in itertools.product(CLOSED, FROM):
        yield form.format(table)
    for form in TENANT:
        for table in READABLE if "{" in form else ("",):
            yield form.format(*(table,) * form.count("{}") or (table,))
    for (table, column), form in itertools.product((*MASKED, *NOT_THERE), ROUTES):
        yield form.format(t=table, c=column)
    for function, form in itertools.product(FUNCTIONS, CALLED):
        yield form.format(function)
    for written, form in itertools.product(WRITES, AROUND):
        yield form.format(written)
    yield from BOMBS
    yield from BY_HAND
