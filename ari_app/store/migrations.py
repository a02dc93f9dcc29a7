"""The store's schema, one numbered step after the other; sqlite-utils records each in `_sqlite_migrations`.

schema.sql is the store as it is now. A change to it: write it as sql/m000N.sql, add the step that runs it, and bring
schema.sql up to date; a test holds both against each other. What a step runs never changes once it was released.
"""

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ari_app.errors import StoreError
from ari_app.store import queries

steps = Migrations("hotline")


@steps()
def m0001_journal_and_projections(db: Database) -> None:
    _run(db, "m0001")


@steps()
def m0002_flow_versions_and_closures(db: Database) -> None:
    _run(db, "m0002")


@steps()
def m0003_lookups_messages_and_ratings(db: Database) -> None:
    _run(db, "m0003")


@steps()
def m0004_callers_lines(db: Database) -> None:
    _run(db, "m0004")


@steps()
def m0005_situations(db: Database) -> None:
    _run(db, "m0005")


@steps()
def m0006_call_back_numbers_and_prompt_recordings(db: Database) -> None:
    _run(db, "m0006")


@steps()
def m0007_transfers_and_supervision(db: Database) -> None:
    _run(db, "m0007")


@steps()
def m0008_wrap_up_overrides_and_surge(db: Database) -> None:
    _run(db, "m0008")


@steps()
def m0009_callbacks_inbox_and_waits_told(db: Database) -> None:
    _run(db, "m0009")


@steps()
def m0010_call_quality(db: Database) -> None:
    _run(db, "m0010")


@steps()
def m0011_messages_offered_to_agents(db: Database) -> None:
    _run(db, "m0011")


@steps()
def m0012_screenings(db: Database) -> None:
    _run(db, "m0012")


@steps()
def m0013_states_to_go_on_from(db: Database) -> None:
    _run(db, "m0013")


@steps()
def m0014_steps_of_the_clock(db: Database) -> None:
    _run(db, "m0014")


@steps()
def m0015_notes_apart_and_digits_erased(db: Database) -> None:
    _run(db, "m0015")


@steps()
def m0016_call_backs_by_call(db: Database) -> None:
    _run(db, "m0016")


def _run(db: Database, step: str) -> None:
    for statement in queries.statements(queries.text(f"sql/{step}.sql")):
        db.conn.execute(statement)


def migrate(conn: sqlite3.Connection) -> list[str]:
    """Bring the store up to date; the names of the steps taken. A store of a newer hotline is a StoreError."""
    db = Database(conn)
    known = {step.name for step in steps.pending(db)} | {step.name for step in steps.applied(db)}
    ours = {step.name for step in steps._migrations}
    if known - ours:
        raise StoreError(
            f"The store was made by a newer hotline (it knows {', '.join(sorted(known - ours))}).\n"
            "Install that version, or restore the store's backup."
        )
    taken = [step.name for step in steps.pending(db)]
    steps.apply(db)
    return taken
