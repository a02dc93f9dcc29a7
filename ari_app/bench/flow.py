"""`hotline bench flow`: how fast flows are checked, walked and reloaded. No Asterisk, no phones.

- check_2000_nodes_s: one file of `nodes` nodes from the disk to checked flows: read, parsed, all rules. Median.
- steps_per_s: a step is one input (a key, a prompt's end, a silence) given to `interpreter.step`: the cursor and the
  intents that come back, whatever nodes were entered on the way. Inputs are those of STEPS, one CPU, by CPU time.
- reload_ms: `FlowKeeper.reload` asked for → the board has the new version and said so, `live_calls` calls standing in
  different nodes of the old one: files, check, store, swap. `reload_nodes` nodes, median. loop_lag_ms_max: how late
  the event loop was at most meanwhile. reload_2000_nodes_ms: the same with a flow as large as the checked one.
- calls_disturbed: calls whose cursor, walk or version a reload changed, or that then did otherwise with their next
  inputs than on a twin board where nothing was reloaded.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from ari_app.bench import figures
from ari_app.board.board import Board
from ari_app.board.records import Call
from ari_app.config.flows import read_texts, version
from ari_app.errors import HotlineError
from ari_app.flow.expression import Value
from ari_app.flow.intents import Cursor, Input, Key, SaidAll, WaitedOut, Walk
from ari_app.flow.interpreter import begin, step
from ari_app.flow.model import Flow, LoadedFlow
from ari_app.live import Live, checked, flows_of, with_audio
from ari_app.media.kept import KeptAudio
from ari_app.media.prompts import Prompts
from ari_app.model.effects import Effect, Reply
from ari_app.model.events import (
    Booted,
    CallArrived,
    Event,
    FlowsLoaded,
    HoursLoaded,
    KeyPressed,
    LinkUp,
    Listed,
    PlaybackEnded,
)
from ari_app.model.ids import CallId, LegId, Number, PhoneName, RequestId
from ari_app.model.settings import Secrets, Settings
from ari_app.reload import FlowKeeper
from ari_app.runtime.loop import Loop
from ari_app.site import Site
from ari_app.store.journal import Journal

NODES: Final = 2000
RELOAD_NODES: Final = 300  # Some five times the sample hotline.
LIVE_CALLS: Final = 200
CHECKS, ROUNDS, RELOADS = 5, 5, 5
ROUND_S: Final = 0.5  # CPU seconds of steps a round, at least.
TICK_S: Final = 0.001
NUMBER: Final = "1860"
NOW: Final = 1_772_416_800.0  # 2026-03-02 10:00 in Shanghai.

Say = Callable[[str], None]

WALKED: Final[dict[str, Any]] = {
    "start": "news",
    "nodes": {
        "news": {"type": "play", "say": ["main-menu"], "next": "menu"},
        "menu": {"type": "menu", "say": ["main-menu"], "keys": {"1": "number", "0": "person"}},
        "number": {"type": "collect", "say": ["main-menu"], "into": "number", "min": 4, "max": 8, "next": "which"},
        "which": {
            "type": "branch",
            "cases": [
                {"when": "number == '1860' and vip", "to": "person"},
                {"when": "trusted and number in ('4321', '1234')", "to": "person"},
            ],
            "otherwise": "read",
        },
        "read": {"type": "play", "say": ["main-menu", "digits:number"], "next": "news"},
        "person": {"type": "queue", "queue": "billing"},
    },
}
STEPS: Final[tuple[Input, ...]] = (
    *(SaidAll(), SaidAll(), WaitedOut(), SaidAll(), Key("7"), SaidAll(), Key("1")),  # Menu: silence, wrong, right.
    *(SaidAll(), Key("4"), Key("3"), Key("2"), Key("1"), Key("#"), SaidAll()),  # Collect, branch, play.
    *(Key("1"), Key("1"), Key("8"), Key("6"), Key("0"), WaitedOut(), SaidAll()),  # Typed ahead through play and menu.
)
"""Leads from `news` back to `news`."""


def bench_flow(home: Site, say: Say) -> dict[str, Any]:
    """All figures; `home` lends its sounds. HotlineError when it cannot be run."""
    here = figures.machine()
    with _quiet():
        say(f"checking {NODES} nodes")
        check_s = _check(home)
        say(f"walking a flow, {len(STEPS)} inputs a round")
        steps = _steps()
        say(f"reloading {RELOADS} times under {LIVE_CALLS} calls")
        usual, large = _reload(home, RELOAD_NODES), _reload(home, NODES)
    return {
        "check_2000_nodes_s": round(check_s, 3),
        "steps_per_s": round(steps),
        "reload_ms": round(statistics.median(usual.took_ms), 1),
        "calls_disturbed": len(usual.disturbed | large.disturbed),
        "reload_ms_max": round(max(usual.took_ms), 1),
        "loop_lag_ms_max": round(usual.lag_ms, 1),
        "reload_2000_nodes_ms": round(statistics.median(large.took_ms), 1),
        "loop_lag_2000_nodes_ms_max": round(large.lag_ms, 1),
        "nodes": NODES,
        "reload_nodes": RELOAD_NODES,
        "live_calls": LIVE_CALLS,
        **here,
    }


# -- the flow: menus of ten keys, each leading to ten nodes; the rest of the nodes are leaves --


def _flow_text(count: int, edition: int) -> str:
    """A flow of `count` nodes, as YAML. In another edition every key leads elsewhere and all say something else."""
    said = ("main-menu", "please-wait")[edition % 2]
    nodes = {f"n{n}": _node(n, count - 1, said, edition) for n in range(count - 1)}
    nodes["person"] = {"type": "queue", "queue": "billing"}
    return "\n".join(
        ("start: n0", "nodes:", *(f"  {name}: {json.dumps(node)}" for name, node in nodes.items()), f"# {edition}\n")
    )


def _node(n: int, count: int, said: str, edition: int) -> dict[str, Any]:
    below = range(10 * n + 1, min(10 * n + 11, count))
    if below:
        keys = {str((digit + edition) % 10): f"n{child}" for digit, child in enumerate(below)}
        return {"type": "menu", "say": [said], "keys": keys, "on_wrong": "person"}
    leaves: tuple[dict[str, Any], ...] = (
        {"type": "collect", "say": [said], "into": f"v{n}", "max": 3 + edition, "next": "person"},
        {"type": "play", "say": [said], "next": "person"},
        {"type": "menu", "say": [said], "keys": {"1": "person", "#": "n0"}, "on_wrong": "person"},
        {"type": "branch", "cases": [{"when": f"caller == '{n}' and vip", "to": "person"}], "otherwise": "n0"},
    )
    return leaves[n % 4]


def _keys_to(n: int) -> str:
    """What leads from n0 to that node in edition 0."""
    return _keys_to((n - 1) // 10) + str((n - 1) % 10) if n else ""


@contextmanager
def _site(home: Site, nodes: int) -> Iterator[Site]:
    """A folder with config.yaml's settings and one flow of so many nodes; gone when the block ends."""
    settings = Settings.model_validate(
        {
            "numbers": {NUMBER: {"flow": "main"}},
            "skills": {"billing": "bills"},
            "queues": {"billing": {"skills": {"billing": 1}}},
            "agents": {"10001": {"phone": "a1", "skills": {"billing": 1}}},
            "phones": {"a1": {}},
            "paths": {"flows": "flows", "sounds": str(home.sounds), "state": "var"},
            "limits": {"calls_max": 2 * LIVE_CALLS},
        }
    )
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        folder = Path(name)
        site = Site(folder / "config.yaml", settings, Secrets(ari_password="", ami_password="", api_token=""))
        site.flows.mkdir()
        site.state.mkdir()
        paths = f"{{flows: flows, sounds: '{site.sounds}', state: var}}"
        site.config.write_text(f'numbers: {{"{NUMBER}": {{flow: main}}}}\npaths: {paths}\n')
        _write(site, _flow_text(nodes, 0))
        yield site


def _write(site: Site, text: str) -> None:
    (site.flows / "main.yaml").write_text(text)


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard output is for the figures."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


# -- check and steps --


def _check(home: Site) -> float:
    with _site(home, NODES) as site:
        took = []
        for edition in range(CHECKS):
            _write(site, _flow_text(NODES, edition))  # One seen before is not parsed again.
            began = time.perf_counter()
            flows_of(site)
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def _steps() -> float:
    """Steps a CPU second: the median of ROUNDS."""
    walk = Walk(LoadedFlow(name="main", version="0", flow=Flow.model_validate(WALKED)), ZoneInfo("Asia/Shanghai"))
    given: dict[str, Value] = {
        "caller": "13800138000",
        "dialled": NUMBER,
        "trusted": False,
        "language": "zh-CN",
        "vip": False,
    }
    start, _ = begin(walk, NOW, given)
    return statistics.median(_round(walk, start) for _ in range(ROUNDS))


def _round(walk: Walk, at: Cursor) -> float:
    began, done = time.thread_time(), 0
    while (took := time.thread_time() - began) < ROUND_S:
        for got in STEPS:
            at, _ = step(walk, at, got, NOW)
        done += len(STEPS)
    if at.node != "news" or not at.saying:
        raise HotlineError(f"the walk went astray: it stands at {at.node}")
    return done / took


# -- reload --


@dataclass
class Reloads:
    """What some reloads took, how late the event loop was at most, and which calls they disturbed."""

    took_ms: list[float] = field(default_factory=list)
    lag_ms: float = 0.0
    disturbed: set[LegId] = field(default_factory=set)


def _reload(home: Site, nodes: int) -> Reloads:
    with _site(home, nodes) as site:
        journal = Journal.open(site.store)
        try:
            return asyncio.run(_reloads(site, journal, nodes))
        finally:
            journal.close()


async def _reloads(site: Site, journal: Journal, nodes: int) -> Reloads:
    prompts, found = Prompts.load(site.sounds), Reloads()
    texts = [_flow_text(nodes, edition) for edition in range(1, RELOADS + 1)]
    kept = KeptAudio(site.prompts)
    live = with_audio(checked(site, prompts, read_texts(site.flows)), prompts, kept, {})
    boards = Boards.of(site.settings, live)
    boards.fill(nodes)
    asking = Asking()
    asking.loop = Loop(boards.board, journal, asking.perform)
    keeper = FlowKeeper(site, journal, prompts, live, kept, asking.ask, asking.loop.clock.now)
    await keeper.begin()
    running = [asyncio.create_task(work) for work in (asking.loop.run(), _watch_lag(found))]
    try:
        for text in texts:
            _write(site, text)
            began = time.perf_counter()
            await keeper.reload("bench")
            found.took_ms.append(1000 * (time.perf_counter() - began))
            if boards.board.floor.flows["main"].version != version(text.encode()):
                raise HotlineError("the new flow is not live")
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    found.disturbed = boards.disturbed()
    return found


async def _watch_lag(found: Reloads) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK_S)
        found.lag_ms = max(found.lag_ms, 1000 * (time.perf_counter() - before - TICK_S))


@dataclass
class Asking:
    """The daemon's way to ask its board: the event goes through the loop, the Reply comes back."""

    loop: Loop = field(init=False)
    reply: "asyncio.Future[Reply] | None" = None

    async def ask(self, event: FlowsLoaded | HoursLoaded, flows: Any) -> Reply:
        self.loop.board.offer_flows(flows)
        self.reply = asyncio.get_running_loop().create_future()
        self.loop.post(replace(event, request=RequestId("bench")))
        return await self.reply

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, Reply) and self.reply is not None:
            self.reply.set_result(effect)


@dataclass
class Boards:
    """Two boards with the same calls; flows are reloaded on `board`, never on `twin`."""

    board: Board
    twin: Board
    before: dict[CallId, tuple[Cursor, Walk, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, live: Live) -> "Boards":
        zone = ZoneInfo(settings.timezone)
        return cls(Board(settings, live.flows, zone), Board(settings, live.flows, zone))

    def both(self, event: Event, now: float = NOW) -> bool:
        """Whether they do the same."""
        return self.board.handle(event, now) == self.twin.handle(event, now)

    def fill(self, nodes: int) -> None:
        """LIVE_CALLS callers, each in a node of his own, spread over the flow."""
        for event in (Booted(1), LinkUp("22"), Listed((), (), (PhoneName("a1"),))):
            self.both(event)
        standing = [n for n in range(nodes - 1) if n % 4 != 3 or 10 * n + 1 < nodes - 1]  # A branch keeps nobody.
        for k in range(LIVE_CALLS):
            leg = LegId(f"c{k}")
            self.both(CallArrived(leg, Number("13800138000"), NUMBER, "bench"))
            for digit in _keys_to(standing[k * len(standing) // LIVE_CALLS]):
                self.both(KeyPressed(leg, digit))
        self.before = {call.id: _place(call) for call in self.board.floor.calls.values()}
        if len({cursor.node for cursor, _, _ in self.before.values()}) != LIVE_CALLS:
            raise HotlineError("the bench's calls do not stand in different nodes")

    def disturbed(self) -> set[LegId]:
        """Calls that stand elsewhere than before, or go on otherwise than on the twin."""
        calls = list(self.board.floor.calls.values())
        moved = {call.leg for call in calls if _place(call) != self.before[call.id]}
        return moved | {call.leg for call in calls if not self._go_on(call.id)}

    def _go_on(self, call: CallId) -> bool:
        """Give a call its next inputs on both boards: whether it does the same."""
        here, there = self.board.floor.calls[call], self.twin.floor.calls[call]
        for digit in "171#":
            events: list[Event] = [KeyPressed(there.leg, digit)]
            if digit == "7" and there.playback is not None:
                events.insert(0, PlaybackEnded(there.playback, True))
            for event in events:
                if not self.both(event, NOW + 60) or here.cursor != there.cursor or here.state != there.state:
                    return False
        return True


def _place(call: Call) -> tuple[Cursor, Walk, str]:
    assert call.cursor is not None and call.walk is not None
    return call.cursor, call.walk, call.walk.flow.version
