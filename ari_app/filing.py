"""Carries out FileMessage: a message's file moves from where Asterisk recorded it to the store's folder, by day.

A file takes its final name only when it is complete and synced; the original goes last, so that a crash leaves one.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from ari_app.media.recordings import digest_of
from ari_app.model.effects import FileMessage
from ari_app.model.events import (
    Event,
)
from ari_app.model.ids import MessageId
from ari_app.model.work import (
    MessageFiled,
    MessageUnfiled,
)

WRITTEN_S_MAX = 3.0  # Asterisk says that a recording is over a moment before its file is whole.
LOOK_EVERY_S = 0.05


@dataclass
class Filing:
    """`made`: the folder Asterisk records to, as we see it; `kept`: of filed messages."""

    made: Path
    kept: Path
    zone: tzinfo
    post: Callable[[Event], None]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def perform(self, effect: FileMessage) -> None:
        """Returns at once; what came of it is an event."""
        task = asyncio.create_task(self._file(effect.message), name=f"message {effect.message}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def busy(self) -> bool:
        """Whether something is left to do."""
        return bool(self._tasks)

    async def _file(self, message: MessageId) -> None:
        made = self.made / f"{message}.wav"
        end = asyncio.get_running_loop().time() + WRITTEN_S_MAX
        while not made.exists() and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK_EVERY_S)
        day = datetime.now(self.zone).strftime("%Y-%m-%d")
        try:
            self.post(await asyncio.to_thread(move, made, self.kept, f"{day}/{message}.wav"))
        except OSError as error:
            self.post(MessageUnfiled(message, f"{error.strerror}: {error.filename}"))


def move(made: Path, kept: Path, path: str) -> MessageFiled:
    """Copy, sync, rename, and only then remove; OSError when the file is not there, or the disk is full.

    A file that stands there already, of a filing that was cut short before its end, is taken as it is.
    """
    target = kept / path
    if made.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_suffix(".part")
        shutil.copyfile(made, half)
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(target)
        made.unlink()
    elif not target.exists():
        target = next(iter(kept.glob(f"*/{target.name}")), target)
    size = target.stat().st_size
    return MessageFiled(MessageId(target.stem), target.relative_to(kept).as_posix(), size, digest_of(target))
