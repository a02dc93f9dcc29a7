"""Takes messages left while no daemon ran (agi_scripts/net/) into the store: each once, whatever crashes in between.

A message is gone from the spool only when the store has it: sound first, then the row, then its JSON is removed.
"""

import asyncio
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from ari_app.errors import HotlineError
from ari_app.model.events import Event, MessageSpooled
from ari_app.model.ids import MessageId, Number
from ari_app.store.reader import open_reader

log = structlog.get_logger(__name__)

EVERY_S: Final = 2.0
AT_ONCE: Final = 50
CUT_OFF_S: Final = 1_800.0  # Longer than any message: what is still in the making then lost its program.
HEADER_BYTES, BYTES_A_SECOND = 44, 16_000  # Of the wav Asterisk writes: 8 kHz, 16 bits, mono.
_ID: Final = re.compile(r"0-[0-9]{1,14}\.m1", re.ASCII)
_NUMBER: Final = re.compile(r"\+?[0-9]{1,24}", re.ASCII)


@dataclass
class Spool:
    """`folder`: the spool as we see it; `kept`: the folder of all voicemail messages."""

    store: Path
    folder: Path
    kept: Path
    post: Callable[[Event], None]
    _posted: set[MessageId] = field(default_factory=set)

    async def run(self) -> None:
        """Look every two seconds, for ever."""
        while True:
            try:
                await self.look()
            except (OSError, HotlineError, sqlite3.Error) as error:
                log.error("messages left without a daemon cannot be taken", folder=str(self.folder), why=str(error))
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Tell the board what is new; what the store has by now leaves the spool."""
        for message in await asyncio.to_thread(self._new):
            self._posted.add(message.message)
            self.post(message)
            log.info(
                "an appeal" if message.is_appeal else "a message left without a daemon",
                message=message.message,
                seconds=message.seconds,
            )

    def _new(self) -> list[MessageSpooled]:
        self._salvage()
        new: list[MessageSpooled] = []
        waiting = sorted(self.folder.glob("*.json"))[:AT_ONCE]
        if not waiting:
            return new
        with open_reader(self.store) as reader:
            for about in waiting:
                message = MessageId(about.stem)
                if reader.has_message(message):
                    about.unlink()
                    self._posted.discard(message)
                elif message not in self._posted:
                    new += self._read(about)
        return new

    def _salvage(self) -> None:
        """What was in the making when its program was killed."""
        for about in (self.folder / "new").glob("*.json"):
            with suppress(FileNotFoundError):
                if time.time() - about.stat().st_mtime > CUT_OFF_S:
                    sound = about.with_suffix(".wav")
                    if sound.exists():
                        sound.rename(self.folder / sound.name)
                        about.rename(self.folder / about.name)
                    else:
                        about.unlink()

    def _read(self, about: Path) -> list[MessageSpooled]:
        """The message, its sound moved to where all messages are; none, and set aside, when it cannot be one."""
        name = about.stem
        kept, sound = self.kept / f"{name}.wav", about.with_suffix(".wav")
        try:
            said = json.loads(about.read_text(encoding="utf-8"))
            at, caller = float(said["at"]), str(said["caller"])
            is_appeal = said.get("appeal") is True
            if _ID.fullmatch(name) is None:
                raise ValueError("not named as a message")
            if sound.exists():
                self.kept.mkdir(parents=True, exist_ok=True)
                shutil.move(sound, kept)
            seconds = (kept.stat().st_size - HEADER_BYTES) / BYTES_A_SECOND
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:  # Others pass, and it is tried again.
            about.rename(about.with_suffix(".bad"))
            log.error("a message left without a daemon cannot be read", file=f"{name}.bad", why=type(error).__name__)
            return []
        number = caller if _NUMBER.fullmatch(caller) else ""
        return [MessageSpooled(MessageId(name), Number(number), round(max(seconds, 0.0), 3), at, is_appeal)]
