"""Two daemons on one store: one active, one that waits with everything checked (docs/adr/0011)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from ari_app.config.diagnostics import BadFile
from ari_app.config.flows import read_texts
from ari_app.live import checked, with_audio
from ari_app.media.kept import KeptAudio
from ari_app.media.prompts import Prompts
from ari_app.site import Site
from ari_app.store.lease import Standby
from ari_app.store.lock import Holder, StoreLock, holder_of, lock_file

BEATS: float = 5  # Signs of life within the time after which their absence means death.

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waited:
    """What a standby has when its time comes: the store's lock, and the audio of flows known already. `follows`: a
    daemon was at work until then, which had looked through the store."""

    lock: StoreLock
    kept: KeptAudio
    follows: bool = False


@dataclass(frozen=True)
class Nodes:
    """Who is active and who waits; None: nobody. `silent_s`: since the active one's last sign of life."""

    active: Holder | None
    standby: Holder | None
    silent_s: float = 0.0

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "active": self.active and asdict(self.active),
            "standby": self.standby and asdict(self.standby),
            "silent_s": round(self.silent_s, 1),
        }


def nodes_of(store: Path) -> Nodes:
    """As the kernel says at this moment."""
    active = holder_of(lock_file(store, "lock"))
    silent_s = 0.0
    if active is not None:
        silent_s = max(0.0, time.time() - lock_file(store, "lock").stat().st_mtime)
    return Nodes(active, holder_of(lock_file(store, "standby")), silent_s)


def wait_for_store(site: Site, node: str) -> Waited:
    """Everything that takes time, and everything that can be wrong, before; then until the store is ours."""
    prompts, kept = Prompts.load(site.sounds), KeptAudio(site.prompts)
    try:
        with_audio(checked(site, prompts, read_texts(site.flows)), prompts, kept, {})
    except BadFile as bad:
        log.error("flow files are bad: taking over now, the flows would be those live last", problems=str(bad))
    with Standby(site.store, node) as standby:
        log.info("standby", node=node, store=str(site.store))
        lock = standby.wait()
    log.info("taking over" if standby.follows else "active", node=node)
    return Waited(lock, kept, standby.follows)


@asynccontextmanager
async def beating(lock: StoreLock, stale_s: float, at_work: asyncio.Event) -> AsyncIterator[None]:
    """Signs of life from this event loop, from `at_work` to the block's end: one that is frozen, or hung, gives none.

    None are promised while a daemon starts: on a busy machine it would be killed for starting slowly, again and again.
    The lock may be let go of within the block."""

    async def beat() -> None:
        await at_work.wait()
        lock.promise(stale_s)
        while True:
            lock.beat()
            await asyncio.sleep(stale_s / BEATS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
