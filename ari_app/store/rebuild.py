"""Makes the projections anew from the facts: after a bug in a projection was mended, or to prove that they agree."""

import time
from pathlib import Path

from ari_app.store import connect, projections, queries
from ari_app.store.lock import StoreLock

_AUDIT = queries.load("journal")["add_audit"]


def rebuild(path: Path) -> int:
    """Rebuild every projection of the store at `path` in one transaction; the number of facts read.

    AlreadyRunning while a daemon has the store, StoreError when it cannot be used.
    """
    lock = StoreLock(path)
    try:
        conn = connect.writing(path)
        try:
            conn.execute("BEGIN IMMEDIATE")
            read = projections.rebuild(conn)
            conn.execute(_AUDIT, (time.time(), "rebuild", "projections", f"{read} facts"))
            conn.execute("COMMIT")
            return read
        finally:
            conn.close()
    finally:
        lock.release()
