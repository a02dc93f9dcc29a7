import re
import sqlite3
from pathlib import Path
from typing import get_args

import pytest

from ari_app.errors import StoreError
from ari_app.model import facts
from ari_app.store import migrations, projections, queries, schema_docs

ROOT = Path(__file__).parents[2]


def migrated():
    conn = sqlite3.connect(":memory:", isolation_level=None)
    migrations.migrate(conn)
    return conn


def test_docs_schema_md_is_up_to_date():
    assert (ROOT / "docs/schema.md").read_text() == schema_docs.markdown(), (
        "run: python -m ari_app.store.schema_docs > docs/schema.md"
    )


def test_every_table_and_column_is_documented():
    conn = migrated()
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
    have = {
        name: [row[1] for row in conn.execute(f"PRAGMA table_info({name})")]
        for (name,) in conn.execute(named)
        if not name.startswith("sqlite_")
    }
    written = {t.name: [c.name for c in t.columns] for t in schema_docs.tables(queries.text("schema.sql"))}
    assert written == have


def test_a_column_without_a_sentence_is_an_error():
    with pytest.raises(ValueError, match="column of table t"):
        schema_docs.markdown("-- Head.\n\n-- A table.\nCREATE TABLE t (\n  a INTEGER NOT NULL\n) STRICT;")


def test_every_projection_is_rebuilt_and_every_fact_projected():
    said = {t.name for t in schema_docs.tables(queries.text("schema.sql")) if t.sentence.startswith("Projection:")}
    assert said == set(projections.TABLES)
    assert set(projections.QUERIES) == set(get_args(facts.Fact))


def test_tables_of_calls_are_those_with_a_call():
    conn = migrated()
    columns = {name: {row[1] for row in conn.execute(f"PRAGMA table_info({name})")} for name in projections.TABLES}
    assert {name for name in columns if "call" in columns[name]} == set(projections.OF_CALL)


def test_migrations_are_recorded_and_run_once():
    conn = migrated()
    assert migrations.migrate(conn) == []
    names = [row[0] for row in conn.execute("SELECT name FROM _sqlite_migrations")]
    assert [re.match(r"m(\d{4})_", name)[1] for name in names] == [f"{n:04d}" for n in range(1, len(names) + 1)]


def test_a_store_of_a_newer_hotline_is_refused():
    conn = migrated()
    conn.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('hotline', 'm9999_future', 'now')"
    )
    with pytest.raises(StoreError, match="m9999_future"):
        migrations.migrate(conn)


@pytest.mark.parametrize("name", ["journal", "projections", "reader", "retention", "restore", "flows", "person"])
def test_every_query_has_a_sentence_and_compiles(name):
    conn = migrated()
    for query in queries.load(name).values():
        values = dict.fromkeys(re.findall(r":([a-z_]\w*)", query)) or [None] * query.count("?")
        conn.execute(f"EXPLAIN {query}", values)


RARELY = {"all_facts", "states_cut", "item_offers_cut", "surge_cut", "surge_undone", "flows_activated"}
PROJECTIONS = queries.load("projections")
FOUND_AT_ONCE = r"PRIMARY KEY|sqlite_autoindex|\(call=\?|rowid|INDEX agent_state_now \(agent=\?\)|CONSTANT ROW|SUBQUERY"


@pytest.mark.parametrize("name", sorted(PROJECTIONS.keys() - RARELY))
def test_a_projection_finds_its_rows_at_once_however_many_there_are(name):
    """By call or key: an index of names looks through all calls that have it (situations once did, 9 ms at 36,000)."""
    query = PROJECTIONS[name]
    values = dict.fromkeys(re.findall(r":([a-z_]\w*)", query))
    plan = [row[3] for row in migrated().execute(f"EXPLAIN QUERY PLAN {query}", values)]
    assert [step for step in plan if not re.search(FOUND_AT_ONCE, step)] == []


@pytest.mark.parametrize(
    "source", ["-- name: a\nSELECT 1;", "-- name: a\n-- A.\nSELECT 1;\n-- name: a\n-- A.\nSELECT 2;"]
)
def test_a_query_without_a_sentence_or_named_twice_is_an_error(source):
    with pytest.raises(ValueError, match=r"query a|named a"):
        queries.parse(source)


def shape(conn):
    """Every table, index and trigger with its text."""
    named = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> '_sqlite_migrations'"
    return sorted(conn.execute(named).fetchall())


NEWEST = "m0004_call_back_numbers_and_prompt_recordings"


def of_version_1():
    """A store as the first version made it, with a row."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    for statement in queries.statements(queries.text("sql/m0001.sql")):
        conn.execute(statement)
    conn.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT)")
    conn.execute("INSERT INTO _sqlite_migrations VALUES ('hotline', 'm0001_journal_and_projections', 'then')")
    conn.execute("INSERT INTO boot (epoch, at) VALUES (1, 1795000000)")
    return conn


def test_an_old_store_migrates_and_keeps_its_rows():
    conn = of_version_1()
    assert migrations.migrate(conn) == [step.name for step in migrations.steps._migrations][1:]
    assert conn.execute("SELECT epoch FROM boot").fetchall() == [(1,)]
    assert shape(conn) == shape(migrated())


def test_the_steps_lead_to_schema_sql():
    conn = sqlite3.connect(":memory:", isolation_level=None)
    for statement in queries.statements(queries.text("schema.sql")):
        conn.execute(statement)
    assert shape(conn) == shape(migrated())
