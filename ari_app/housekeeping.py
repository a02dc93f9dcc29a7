"""Carries out retention while calls go on: old events, recordings past their days or the quota, compression.

Every round does a slice; a file is changed first and marked afterwards, so a crash between the two is mended by the
next round. Nothing here may hold up a call: files are handled on a thread, rows are looked for by a reader and changed
by the journal's writer.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from ari_app.errors import HotlineError
from ari_app.media import recordings
from ari_app.model.ids import RecordingId
from ari_app.model.routing import Limits
from ari_app.runtime.clock import Time
from ari_app.store import connect, retention
from ari_app.store.journal import Journal
from ari_app.store.retention import Due, StoredFile

log = structlog.get_logger(__name__)
T = TypeVar("T")

EVERY_S = 600.0
DAY_S = 86_400.0
AWAY_S = 2 * DAY_S  # After so long without a daemon the clock may be wrong
DOUBT_S = 3600.0  # and has so long to be set.
AT_ONCE = 100  # Recordings compressed in a round.
SLICE = 2000  # Events deleted in one transaction.


@dataclass(frozen=True)
class Done:
    """What one round did, in counts."""

    events_deleted: int
    flow_texts_deleted: int
    recordings_removed: int
    recordings_compressed: int


@dataclass
class Housekeeping:
    """`kept`: the folder of whole recordings; `messages`: of voicemail messages."""

    journal: Journal
    limits: Limits
    kept: Path
    clock: Time
    old_audio: Callable[[], int] = lambda: 0  # Removes audio no version names; how many files.
    messages: Path | None = None
    not_before: float = 0.0  # Nothing is deleted by itself.
    _gone: set[RecordingId] = field(default_factory=set)  # Found without a file in this run.

    async def run(self) -> None:
        """A round now and then one every ten minutes, for ever."""
        while True:
            try:
                if self._may_delete():
                    await self.round()
            except Exception:  # Whatever it is, calls must go on: said, and tried again.
                log.exception("housekeeping could not be done; tried again later")
            await asyncio.sleep(EVERY_S)

    def began(self, now: float, last_at: float) -> None:
        """`last_at`: the last thing known of the run before. Long ago: perhaps the machine's clock is not set yet."""
        if last_at and now - last_at > AWAY_S:
            self.not_before = now + DOUBT_S

    def _may_delete(self) -> bool:
        """What is deleted by a wrong clock is gone for good."""
        now = self.clock.now()
        if abs(now - time.time()) > DAY_S:
            log.warning("nothing is deleted: the clock was set since the start; start again, or run hotline retain")
            return False
        return now >= self.not_before

    async def retain(self, by: str) -> Done:
        """A round at somebody's wish, audited with its counts."""
        done = await self.round()
        entry = "retain", by, ", ".join(f"{name} {count}" for name, count in vars(done).items())
        await self._write(lambda conn: retention.audit(conn, self.clock.now(), entry))
        return done

    async def round(self) -> Done:
        """Whatever is due now."""
        now = self.clock.now()
        events = 0
        before = now - self.limits.event_days * DAY_S
        while True:
            deleted = await self._write(lambda conn: retention.delete_events(conn, before, SLICE))
            events += deleted
            if deleted < SLICE:
                break
        texts = await self._old_versions(now)
        gone = await self._read(lambda conn: retention.removals(conn, now, self.limits.recordings_mb))
        gone = [due for due in gone if await self._remove(due, now)]
        gone += await self._forget_messages(now)
        old = now - self.limits.compress_days * DAY_S
        at_most = AT_ONCE + len(self._gone)
        aged = await self._read(lambda conn: retention.compressions(conn, old, at_most))
        packed = [each for each in aged if each.recording not in self._gone and await self._packed(each, now)]
        if events or gone or packed:
            log.info("housekeeping", events_deleted=events, recordings_removed=len(gone), compressed=len(packed))
        return Done(events, texts, len(gone), len(packed))

    async def _old_versions(self, now: float) -> int:
        """Texts of flows first: their audio is what nobody names then."""
        since = now - max(self.limits.flow_days, self.limits.event_days) * DAY_S  # A replay needs the texts.
        texts = await self._write(lambda conn: retention.delete_versions(conn, since, self.limits.flow_versions))
        files = await asyncio.to_thread(self.old_audio)
        if texts or files:
            log.info("old versions of flows removed", texts=texts, audio_files=files)
        return texts

    async def _remove(self, due: Due, now: float) -> bool:
        return await self._unlinked(self.kept / due.path) and await self._marked(retention.mark_removed, due, now)

    async def _unlinked(self, path: Path) -> bool:
        """One that cannot be removed keeps no other from it."""
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as problem:
            log.warning("not removed", file=str(path), why=problem.strerror)
            return False
        return True

    async def _marked(self, mark: Callable[..., None], due: Due, now: float) -> bool:
        await self._write(partial(mark, due=due, at=now))
        return True

    async def _forget_messages(self, now: float) -> list[Due]:
        """Voicemail messages past the days of their box; undone ones stay on the list, without sound."""
        if self.messages is None:
            return []
        gone = await self._read(lambda conn: retention.messages_expired(conn, now))
        mark = retention.mark_message_removed
        return [d for d in gone if await self._unlinked(self.messages / d.path) and await self._marked(mark, d, now)]

    async def _packed(self, due: Due, now: float) -> bool:
        """Whether it is compressed now."""
        try:
            return await self._compress(due, now)
        except (HotlineError, OSError) as error:
            log.warning("not compressed", recording=due.recording, error=str(error))
            return False

    async def _compress(self, due: Due, now: float) -> bool:
        """The original goes last: until the row names the new file, the old one is the recording."""
        original = self.kept / due.path
        if not original.exists():
            self._gone.add(due.recording)
            return False  # `hotline recording verify` reports it.
        packed = await asyncio.to_thread(recordings.compress, original)
        digest = await asyncio.to_thread(recordings.digest_of, packed)
        file = StoredFile(packed.relative_to(self.kept).as_posix(), packed.stat().st_size, digest)
        done = await self._write(lambda conn: retention.mark_compressed(conn, due.recording, file, now))
        (original if done else packed).unlink(missing_ok=True)
        return done

    async def _read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """What is due: a look through all that is kept may take a second, and calls wait for the writer."""

        def looked() -> T:
            with closing(connect.reading(self.journal.path)) as conn:
                return look(conn)

        return await asyncio.to_thread(looked)

    async def _write(self, work: Callable[..., T]) -> T:
        return await asyncio.wrap_future(self.journal.run(work))
