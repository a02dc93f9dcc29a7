"""Carries out AskStudio: sounds are found, finished, kept and dropped on a thread, one after another."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ari_app.errors import HotlineError
from ari_app.media import studio
from ari_app.model.effects import AskStudio
from ari_app.model.events import Event, StudioAnswered

log = structlog.get_logger(__name__)


@dataclass
class Studio:
    """`sounds`: the folder of prompts; `spoken`: where Asterisk records; `on_kept`: there is a new manifest."""

    sounds: Path
    spoken: Path
    post: Callable[[Event], None]
    on_kept: Callable[[], None]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def perform(self, effect: AskStudio) -> None:
        """Returns at once; StudioAnswered comes, but after a drop."""
        task = asyncio.get_running_loop().create_task(self._done(effect))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until nothing is left to do."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _done(self, effect: AskStudio) -> None:
        async with self._turn:
            try:
                answer = await asyncio.to_thread(self._work, effect)
            except (HotlineError, OSError) as error:
                log.warning("studio", wish=effect.wish, prompt=effect.prompt, language=effect.language, why=str(error))
                answer = StudioAnswered(effect.leg, False)
        if effect.wish != "drop":
            self.post(answer)
        if effect.wish == "keep" and answer.ok:
            log.info("prompt recorded", prompt=effect.prompt, language=effect.language, sha256=answer.sha256)
            self.on_kept()

    def _work(self, effect: AskStudio) -> StudioAnswered:
        take = effect.take or ""
        match effect.wish:
            case "find":
                prompt = studio.find(self.sounds, effect.number)
                return StudioAnswered(effect.leg, bool(prompt), prompt)
            case "finish":
                spoken = self.spoken / f"{take}.wav"
                try:
                    seconds = studio.finish(self.sounds, effect.prompt, effect.language, spoken, take)
                finally:
                    spoken.unlink(missing_ok=True)
                return StudioAnswered(effect.leg, True, effect.prompt, "", seconds)
            case "keep":
                row = studio.keep(self.sounds, effect.prompt, effect.language, take)
                return StudioAnswered(effect.leg, True, row.id, row.sha256, row.seconds)
            case "drop":
                studio.drop(self.sounds, take)
                (self.spoken / f"{take}.wav").unlink(missing_ok=True)
                return StudioAnswered(effect.leg, True)
