"""Carries out the LookUp effects of flows; the answer, or that there is none, comes back as LookedUp."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ari_app.errors import LookUpFailed
from ari_app.lookups import LookUps, Scalar
from ari_app.model.effects import LookUp
from ari_app.model.events import Answer, Event, LookedUp


@dataclass
class Asking:
    """`perform` returns at once; each look-up runs as a task of its own, bounded by LookUps."""

    lookups: LookUps
    post: Callable[[Event], None]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def perform(self, effect: LookUp) -> None:
        task = asyncio.create_task(self._ask(effect), name=f"look-up {effect.lookup}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, effect: LookUp) -> None:
        request = {name: as_text(value) for name, value in effect.request}
        try:
            values = await self.lookups.ask(effect.kind, effect.name, request, effect.timeout_s)
        except LookUpFailed as failed:
            self.post(LookedUp(effect.lookup, False, reason=failed.reason))
        else:
            self.post(LookedUp(effect.lookup, True, tuple(Answer(name, value) for name, value in values.items())))

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.lookups.close()


def as_text(value: Scalar) -> str:
    """As a handler gets it: yes and no for truth, no trailing zeros."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
