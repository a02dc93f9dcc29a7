"""What the HTTP API asks of the daemon: wishes of agents, views of the floor, health, calls from the store."""

import asyncio
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ari_app.board import views
from ari_app.errors import AsteriskError, HotlineError
from ari_app.flow.situations import Situations
from ari_app.model.control import ControlAsked
from ari_app.model.effects import Reply
from ari_app.model.events import AgentAsked, ClosureSet, FlowsLoaded, HoursLoaded
from ari_app.model.ids import AgentId, CallId, RequestId
from ari_app.model.mask import mask
from ari_app.model.screening_facts import ScreeningAsked
from ari_app.model.wishes import ForceAsked, SurgeAsked
from ari_app.model.work import CallbackCancelled, ItemAsked
from ari_app.standby import nodes_of
from ari_app.store import screening, work
from ari_app.store.flows import closures
from ari_app.store.reader import open_reader
from ari_app.store.timeline import timeline
from ari_app.web.app import Health, Part
from ari_app.web.metrics import Levels

if TYPE_CHECKING:
    from ari_app.daemon import Daemon

LAG_S_BAD = 0.25
Wish: TypeAlias = (
    AgentAsked
    | ControlAsked
    | ForceAsked
    | SurgeAsked
    | ClosureSet
    | FlowsLoaded
    | HoursLoaded
    | ItemAsked
    | CallbackCancelled
    | ScreeningAsked
)


class Desk:
    """The WebDesk of web/, over a running daemon."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self._waiting: dict[RequestId, asyncio.Future[Reply]] = {}
        self._asked = 0

    def request(self) -> RequestId:
        """A new id of somebody who waits for a Reply."""
        self._asked += 1
        return RequestId(f"desk-{self._asked}")

    async def ask(self, event: Wish) -> Reply:
        """Post the wish and wait for the board's answer."""
        if event.request is None:
            raise AsteriskError("a wish without a request id is never answered")
        future = self._waiting[event.request] = asyncio.get_running_loop().create_future()
        self._daemon.loop.post(event)
        try:
            reply: Reply = await future
            return reply
        finally:
            del self._waiting[event.request]

    async def supervise(self, event: ForceAsked | SurgeAsked) -> Reply:
        return await self.ask(event)

    def replied(self, reply: Reply) -> None:
        future = self._waiting.get(reply.request)
        if future is not None and not future.done():
            future.set_result(reply)

    def knows(self, agent: AgentId) -> bool:
        return agent in self._daemon.loop.board.floor.seats

    def view(self) -> views.Snapshot:
        return views.snapshot(self._daemon.loop.board.floor, self._daemon.loop.clock.now())

    def health(self) -> Health:
        """Each part with what it says of itself; `stake` is what stands at risk while one fails."""
        daemon = self._daemon
        journal, loop = daemon.journal, daemon.loop
        calls, nodes = len(loop.board.floor.calls), nodes_of(daemon.site.store)
        door = daemon.door or ("draining" if loop.board.floor.draining else "")
        parts = {
            "asterisk": Part(daemon.ari.up, daemon.ari.status),
            "ami": Part(daemon.ami.connected, daemon.ami.status),
            "store": Part(journal.health == "ok", f"{journal.health}, {journal.waiting} rows waiting"),
            "door": Part(not door, door or "open"),
            "flows": Part(*daemon.flows.health()),
            "standby": Part(True, f"this is {nodes.active}, {nodes.standby or 'nobody'} waits"),
            "loop": Part(loop.lag_s < LAG_S_BAD, f"lag {loop.lag_s * 1000:.0f} ms, {loop.bugs} bugs"),
        }
        return Health(parts, f"{calls} calls on the line, {journal.waiting} rows not yet on disk")

    def flows(self) -> dict[str, Any]:
        keeper = self._daemon.flows
        return {"flows": keeper.listed(), "problems": list(keeper.problems)}

    def situations(self) -> Situations:
        return self._daemon.flows.live.situations

    async def reload_flows(self, by: str) -> str:
        return await self._daemon.flows.reload(by)

    async def roll_back(self, name: str, version: str, by: str) -> str:
        return await self._daemon.flows.rollback(name, version, by)

    def bans(self) -> list[dict[str, Any]]:
        return [asdict(ban) for ban in self._daemon.guard.bans.held.values()]

    def unban(self, address: str, by: str) -> bool:
        return self._daemon.guard.unban(address, by)

    async def retain(self, by: str) -> dict[str, int]:
        return vars(await self._daemon.housekeeping.retain(by))

    def nodes(self) -> dict[str, Any]:
        return nodes_of(self._daemon.site.store).plain()

    def hand_over(self, by: str, anyway: bool) -> str:
        waiting = nodes_of(self._daemon.site.store).standby
        if waiting is None and not anyway:
            raise HotlineError("no standby waits: the calls would wait for the next daemon")
        to = str(waiting or "whoever starts next")
        self._daemon.hand_over(to, by)
        return to

    async def set_closure(self, event: ClosureSet) -> Reply:
        return await self.ask(replace(event, request=self.request()))

    async def closures(self) -> list[dict[str, Any]]:
        found = await asyncio.to_thread(closures, self._daemon.site.store, self._daemon.loop.clock.now())
        return [asdict(each) for each in found]

    async def inbox(self) -> list[dict[str, Any]]:
        return await asyncio.to_thread(work.items, self._daemon.site.store)

    async def callbacks(self) -> list[dict[str, Any]]:
        return await asyncio.to_thread(work.callbacks, self._daemon.site.store)

    async def work(self, event: ItemAsked | CallbackCancelled) -> Reply:
        return await self.ask(replace(event, request=self.request()))

    async def screenings(self, over: bool, appeals: bool) -> list[dict[str, Any]]:
        now = self._daemon.loop.clock.now()
        return await asyncio.to_thread(screening.screenings, self._daemon.site.store, now, over=over, appeals=appeals)

    async def screening(self, name: str) -> dict[str, Any] | None:
        return await asyncio.to_thread(screening.screening, self._daemon.site.store, name)

    async def screen(self, event: ScreeningAsked) -> Reply:
        reply = await self.ask(replace(event, request=self.request()))
        if event.wish == "erase":  # The wish itself names the number: it must stand where it is erased next.
            await asyncio.wrap_future(self._daemon.loop.committed())
        return reply

    async def line(self, call: CallId) -> dict[str, Any] | None:
        """Asking keeps the meter going for some seconds."""
        daemon = self._daemon
        found = daemon.loop.board.floor.calls.get(call)
        if found is None:
            return None
        heard = found.line if daemon.hearing.leg(found.line) is not None else None
        said = await daemon.ari.rtp(found.leg) if found.leg in found.legs else None
        meter = daemon.hearing.watched(heard, asyncio.get_running_loop().time()) if heard is not None else None
        return {
            "call": call,
            "state": found.state,
            "agent": found.talk.agent if found.talk is not None else None,
            "listened": heard is not None,
            "verdict": found.verdict,
            "meter": meter,
            "network": daemon.quality.network(found.leg, said) if said is not None else None,
        }

    def metrics(self) -> bytes:
        daemon = self._daemon
        floor, now = daemon.loop.board.floor, daemon.loop.clock.now()
        levels = Levels(
            inbox=len(daemon.loop.inbox),
            journal=daemon.journal.waiting,
            lag_s=daemon.loop.lag_s,
            bugs=daemon.loop.bugs,
            unknown=daemon.ari.decoder.unknown,
            ari=daemon.ari.counters,
        )
        daemon.metrics.standby.set(nodes_of(daemon.site.store).standby is not None)
        daemon.metrics.attacked(daemon.guard.events, daemon.guard.made, len(daemon.guard.bans.held))
        held = floor.screening.held.values()
        appeals = sum(each.appeal is not None for each in held)
        daemon.metrics.harassed(len(held), appeals, daemon.screens.calls)
        daemon.metrics.boxes(views.boxes(floor, now))
        daemon.metrics.sample(views.totals(floor, now), views.queues(floor, now), levels, views.surge(floor))
        return daemon.metrics.exposition()

    async def calls(self, limit: int) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._calls, limit)

    async def call(self, call: CallId) -> dict[str, Any] | None:
        return await asyncio.to_thread(self._call, call)

    def _calls(self, limit: int) -> list[dict[str, Any]]:
        with open_reader(self._daemon.site.store) as reader:
            return [{**asdict(call), "caller": mask(call.caller)} for call in reader.calls(limit)]

    def _call(self, call: CallId) -> dict[str, Any] | None:
        with open_reader(self._daemon.site.store) as reader:
            story = reader.call(call)
        return None if story is None else {"call": call, "timeline": timeline(story, masked=True)}
