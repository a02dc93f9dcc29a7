"""What may go: old events, texts of flows, recordings past their days or the quota. Nothing else is ever deleted.

The functions take a connection: the writer's, through `Journal.run`, or for the lists a reader's. Files are removed or
compressed by the caller first and marked afterwards, so that a crash between the two is mended by the next round.
"""

import sqlite3
from dataclasses import dataclass

from ari_app.model.ids import RecordingId
from ari_app.store import queries

_SQL = queries.load("retention")
_AUDIT = queries.load("journal")["add_audit"]


@dataclass(frozen=True, slots=True)
class Due:
    """A recording, or a message, whose file is to be removed or compressed; `path` is below its folder. `why`: age,
    quota, compress, erased, or what somebody wrote."""

    recording: RecordingId
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    path: str
    size_bytes: int
    sha256: str


def delete_events(conn: sqlite3.Connection, before: float, at_most: int = 2000) -> int:
    """Delete the oldest events with `at` < `before`; how many. Ask again until it is fewer than `at_most`: small
    slices keep the writer free for calls."""
    conn.execute(_SQL["move_mark"], (before,))
    return conn.execute(_SQL["delete_events"], (at_most,)).rowcount


def delete_versions(conn: sqlite3.Connection, since: float, newest: int) -> int:
    """Delete texts of flows that nobody needs; how many. Kept: the live and the held ones, the `newest` of each flow,
    and all that were live at `since` or later, so every one that a call took since."""
    return conn.execute(_SQL["delete_versions"], {"since": since, "newest": newest}).rowcount


def removals(conn: sqlite3.Connection, now: float, quota_mb: int) -> list[Due]:
    """Recordings past their keep_days, then the oldest of those beyond the quota (MiB). Each once."""
    due = [Due(row[0], row[1], "age") for row in conn.execute(_SQL["expired"], (now,))]
    seen = {each.recording for each in due}
    beyond = conn.execute(_SQL["beyond"], (quota_mb << 20,))
    return due + [Due(recording, path, "quota") for recording, path in beyond if recording not in seen]


def compressions(conn: sqlite3.Connection, before: float, at_most: int = 100) -> list[Due]:
    """Recordings stored before a time and not yet compressed, oldest first."""
    return [Due(row[0], row[1], "compress") for row in conn.execute(_SQL["uncompressed"], (before, at_most))]


def audit(conn: sqlite3.Connection, at: float, entry: tuple[str, str, str]) -> None:
    """Keep for ever who touched what: action, subject, detail."""
    conn.execute(_AUDIT, (at, *entry))


def mark_removed(conn: sqlite3.Connection, due: Due, at: float) -> None:
    """The file is gone from the disk."""
    conn.execute(_SQL["mark_removed"], {"recording": due.recording, "at": at, "why": due.why})
    conn.execute(_AUDIT, (at, "remove-recording", due.recording, due.why))


def messages_expired(conn: sqlite3.Connection, now: float) -> list[Due]:
    """Voicemail messages past their keep_days whose file still stands; `recording` is the message's id."""
    return [Due(row[0], row[1], "age") for row in conn.execute(_SQL["messages_expired"], (now,))]


def mark_message_removed(conn: sqlite3.Connection, due: Due, at: float) -> None:
    """The message's file is gone from the disk."""
    conn.execute(_SQL["mark_message_removed"], {"message": due.recording, "at": at, "why": due.why})
    conn.execute(_AUDIT, (at, "remove-message", due.recording, due.why))


def mark_compressed(conn: sqlite3.Connection, recording: RecordingId, file: StoredFile, at: float) -> bool:
    """A compressed file stands in the place of the first one. False: it was removed meanwhile, and this must go too."""
    values = {"recording": recording, "path": file.path, "size_bytes": file.size_bytes, "sha256": file.sha256}
    if conn.execute(_SQL["mark_compressed"], {**values, "at": at}).rowcount < 1:
        return False
    conn.execute(_AUDIT, (at, "compress-recording", recording, f"{file.size_bytes} bytes"))
    return True
