"""kill -9 in the middle of everything, and a new daemon: every caller goes on from where he was, in his place.

One Asterisk, one scenario with a caller in each state, so that all of them live through the same two deaths. Who hears
whom is told by tones, what became of it by the facts in the store.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ari_app.model.control import TransferAnswered
from ari_app.model.facts import (
    AgentChanged,
    CallClosed,
    Connected,
    HoldBegan,
    MessageLeft,
    NodeEntered,
    OfferEnded,
    OfferRang,
    Queued,
    QueueLeft,
    RecordingStored,
    RecordingWanted,
    TalkEnded,
)
from ari_app.model.ids import CallId
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, answer_after, ring_only
from ari_app.store.reader import open_reader
from ari_app.store.rebuild import rebuild
from tests.asterisk import REPOSITORY, RunningAsterisk, merged, running_asterisk
from tests.e2e.kit import CHANGES, talk
from tests.e2e.test_daemon import House, Process, Watch, rows_of, said_by

DESKS = ("talk", "hold", "consult", "expert", "ring", "wrap", "wait", "gone")  # A skill, a queue, an agent of each.
AGENT = {name: f"{9001 + n}" for n, name in enumerate(DESKS)}
KEYS = {"talk": "1", "hold": "2", "consult": "3", "ring": "4", "wrap": "5", "wait": "6", "gone": "7"}
FLOW: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        "hello": {"type": "play", "say": ["greeting-day", "main-menu"], "next": "menu"},
        "menu": {
            "type": "menu",
            "say": ["main-menu"],
            "keys": {**{key: name for name, key in KEYS.items()}, "8": "password", "9": "message"},
            "tries": 3,
        },
        **{name: {"type": "queue", "queue": name, "next": "bye"} for name in KEYS},
        "password": {"type": "collect", "into": "pin", "secret": True, "min": 4, "max": 4, "say": ["password-ask"],
                     "first_s": 20, "between_s": 10, "next": "bye"},
        "message": {"type": "voicemail", "say": ["voicemail-ask"], "next": "bye", "silence_s": 10},
        "bye": {"type": "hangup", "say": ["goodbye"]},
    },
}  # fmt: skip
QUEUE: dict[str, Any] = {"whisper": "", "ring_s": 60, "recording": {"policy": "always", "basis": "test"}}
CHANGED: dict[str, Any] = {
    "numbers": {"1870": {"flow": "node"}},
    "skills": dict.fromkeys(DESKS, "a test"),
    "queues": {name: {"skills": {name: 1}, "wrap_up_s": 60 if name == "wrap" else 0, **QUEUE} for name in DESKS},
    "phones": {f"p-{name}": {} for name in DESKS},
    "agents": {AGENT[name]: {"phone": f"p-{name}", "skills": {name: 1}} for name in DESKS},
    "surge": {"waiting": 50, "rush": 60},
    "limits": {"drain_s": 0},
    "log": {"format": "json", "level": "debug"},
}
HZ = {name: 700 + 50 * n for n, name in enumerate(DESKS)}  # What each agent's phone plays.


@dataclass
class Scene:
    """Phones, their calls and the ids of these, by name."""

    house: House
    watch: Watch
    desks: dict[str, Phone]
    calls: dict[str, Call] = field(default_factory=dict)
    ids: dict[str, CallId] = field(default_factory=dict)
    answering: dict[str, Call] = field(default_factory=dict)

    async def enters(self, stack: AsyncExitStack, name: str, keys: str = "") -> Call:
        """A caller of his own: dials, and presses keys as soon as something is heard."""
        phone = await stack.enter_async_context(self.house.caller(f"138000000{len(self.calls):02}"))
        opened = len(self.ids) + 1
        call = await phone.dial("1870")
        self.calls[name] = call
        self.ids[name] = (await self.watch.fact(NodeEntered, node="hello", count=opened)).call
        await call.wait_silence_end(10)
        if keys:
            await call.press(keys)
        return call

    async def talks(self, name: str) -> None:
        call = self.calls[name]
        self.answering[name] = await self.desks[name].incoming(15)
        await talk(call, self.answering[name], 0.2, (600, HZ[name]))
        await self.watch.fact(Connected, call=self.ids[name])

    async def goes_on(self, name: str, hz: int) -> None:
        """Both hear now what the other says now."""
        await talk(self.calls[name], self.answering[name], 0.2, (hz, HZ[name] + 200))

    async def agent(self, name: str, state: str) -> None:
        await self.house.ask(AGENT[name], "sign-in", "ready")
        assert state == "ready"


def with_flow(folder: Path) -> str:
    flows = folder / "flows"
    flows.mkdir()
    for file in (REPOSITORY / "ivr_flows").glob("*.yaml"):
        (flows / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (flows / "node.yaml").write_text(yaml.safe_dump(FLOW, sort_keys=False), encoding="utf-8")
    return str(flows)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("recovery")
    flows = with_flow(folder)
    with running_asterisk(folder, merged(CHANGES, CHANGED)) as asterisk:
        yield furnished(asterisk, flows)


def furnished(asterisk: RunningAsterisk, flows: str) -> House:
    house = House(asterisk, asterisk.folder / "config.yaml", asterisk.folder / "hotline.db")
    house.write("config.yaml", {"paths": {"flows": flows}})
    secrets = asterisk.folder / "secrets.yaml"
    secrets.touch(mode=0o600)
    secrets.write_text(yaml.safe_dump(asterisk.secrets.model_dump()))
    return house


@asynccontextmanager
async def scene(house: House) -> AsyncIterator[tuple[Scene, AsyncExitStack]]:
    async with AsyncExitStack() as stack:
        desks = {}
        for name in DESKS:
            password = house.asterisk.secrets.phones[f"p-{name}"]
            phone = Phone(f"p-{name}", password, house.asterisk.sip, house.caller().ports, register=True)
            desks[name] = await stack.enter_async_context(phone)
            desks[name].on_invite = ring_only() if name == "ring" else answer_after(0.1)
        yield Scene(house, Watch(house.store, 0), desks), stack


async def recovered(house: House, daemon: Process, began: float) -> float:
    """Seconds from the start of its process until it has compared everything with Asterisk."""
    async with asyncio.timeout(20):
        while not (said := daemon.said("link to Asterisk is up")):
            assert daemon.process.returncode is None, daemon.text
            await asyncio.sleep(0.01)
    assert said
    return time.monotonic() - began


def hears_something(call: Call, since: float) -> bool:
    return audio.level_dbfs(call.pcm(since)) > -50


async def until_heard(call: Call, since: float, timeout_s: float = 5) -> float:
    """Seconds from `since` until this caller hears anything."""
    async with asyncio.timeout(timeout_s):
        while (at := audio.onset_s(call.pcm(since))) is None:
            await asyncio.sleep(0.05)
    return at


@pytest.mark.timeout(240)
async def test_everybody_goes_on_after_kill_9(house: House) -> None:
    async with scene(house) as (here, stack):
        watch, ids, calls = here.watch, here.ids, here.calls
        async with house.daemon() as first:
            for name in DESKS:
                if name != "wait":
                    await here.agent(name, "ready")
            talkers = ("talk", "hold", "consult", "wrap", "gone")
            for name in talkers:
                await here.enters(stack, name, KEYS[name])
            await asyncio.gather(*(here.talks(name) for name in talkers))
            await here.answering["hold"].press("*1")
            await watch.fact(HoldBegan, call=ids["hold"])
            await here.answering["consult"].press(f"*2{AGENT['expert']}#")
            here.answering["expert"] = await here.desks["expert"].incoming(10)
            await watch.fact(TransferAnswered, call=ids["consult"])
            await calls["wrap"].hangup()
            await watch.fact(AgentChanged, agent=AGENT["wrap"], state="wrap-up")
            await here.enters(stack, "ring", KEYS["ring"])
            await watch.fact(OfferRang, count=6)
            for n in range(3):
                await here.enters(stack, f"wait{n}", KEYS["wait"])
                await watch.fact(Queued, call=ids[f"wait{n}"])
            await here.enters(stack, "menu", "*")
            await watch.fact(NodeEntered, call=ids["menu"], node="menu")
            await here.enters(stack, "password", "88")  # The second one is ignored; the digits follow.
            await watch.fact(NodeEntered, call=ids["password"], node="password")
            await calls["password"].press("49")
            await here.enters(stack, "message", "99")
            await watch.fact(NodeEntered, call=ids["message"], node="message")
            await here.enters(stack, "greeting")
            await speaks(here)
            await first.kill()
        died = time.monotonic()
        await calls["gone"].hangup()
        await here.goes_on("talk", 1900)
        secrets_and_numbers(house)
        began = time.monotonic()
        async with house.daemon(ready=False) as second:
            took = await recovered(house, second, began)
            print(
                f"\nrecovered {took:.2f} s after the start of the process, {time.monotonic() - died:.2f} s after death"
            )
            await house.healthy(second)
            await everybody_is_there(here, began)
            await they_go_on(here)
            await house.at_rest()
            assert second.said("bug: the board failed on an event") == []
            await asyncio.gather(*(each.wait_ended() for each in here.answering.values() if not each.ended.is_set()))
    left = json.dumps(rows_of(house.store), default=str)
    for epoch in (1, 2):
        assert "every decision as it was" in said_by(house, "replay", str(epoch))
    rebuild(house.store)
    assert json.dumps(rows_of(house.store), default=str) == left


async def speaks(here: Scene) -> None:
    """Until Asterisk has recorded two seconds of his message."""
    here.calls["message"].play_tone(500)
    async with asyncio.timeout(30):
        while not [
            each for each in here.house.store.parent.rglob(f"{here.ids['message']}.m*") if each.stat().st_size > 32_000
        ]:
            await asyncio.sleep(0.05)


def secrets_and_numbers(house: House) -> None:
    with closing(sqlite3.connect(house.store)) as conn:
        states = [row[0] for row in conn.execute("SELECT state FROM call_state UNION ALL SELECT state FROM seat_state")]
    assert len(states) >= 10 + 8
    assert not [state for state in states if "13800000" in state]


async def everybody_is_there(here: Scene, began: float) -> None:
    """Nobody was hung up, and everybody hears what he should."""
    calls, watch = here.calls, here.watch
    assert {name for name, call in calls.items() if call.ended.is_set()} == {"wrap", "gone"}
    for name in ("wait0", "wait1", "wait2", "hold", "ring", "menu", "greeting", "password"):
        await until_heard(calls[name], began + 0.5)
    await here.goes_on("talk", 1700)
    ended = await watch.fact(TalkEnded, call=here.ids["gone"])
    assert ended.by == "caller"
    await watch.fact(CallClosed, call=here.ids["gone"], by="caller")


async def they_go_on(here: Scene) -> None:
    calls, ids, watch, desks = here.calls, here.ids, here.watch, here.desks
    # The talk ends as talks do; its recording holds what was said before, between and after.
    await calls["talk"].hangup()
    assert (await watch.fact(TalkEnded, call=ids["talk"])).by == "caller"
    # Hold ends by the agent's key; the consult is completed by his.
    await here.answering["hold"].press("*1")
    await here.goes_on("hold", 1750)
    await here.answering["consult"].press("*4")
    await here.answering["consult"].wait_ended(10)
    here.answering["consult"] = here.answering["expert"]
    await talk(calls["consult"], here.answering["expert"], 0.2, (1800, HZ["expert"]))
    await asyncio.gather(calls["hold"].hangup(), calls["consult"].hangup())
    # The phone that rang still rings, or rings again.
    ringing = await desks["ring"].incoming(10)
    while ringing.ended.is_set():
        ringing = await desks["ring"].incoming(10)
    await ringing.answer()
    here.answering["ring"] = ringing
    await talk(calls["ring"], ringing, 0.2, (600, HZ["ring"]))
    await calls["ring"].hangup()
    # After-call work goes on, and ends when the agent says so.
    await here.house.ask(AGENT["wrap"], "ready")
    # Those who wait come in their order.
    await here.house.ask(AGENT["wait"], "sign-in", "ready")
    for n in range(3):
        answering = await desks["wait"].incoming(15)
        await talk(calls[f"wait{n}"], answering, 0.2, (600, HZ["wait"]))
        left = await watch.fact(QueueLeft, call=ids[f"wait{n}"])
        assert left.outcome == "connected" and left.wait_s > 3
        await calls[f"wait{n}"].hangup()
    # The menu takes its key, the password is asked for anew.
    await calls["menu"].press("*")
    await watch.fact(NodeEntered, call=ids["menu"], node="menu", count=2)
    await calls["password"].press("1357")
    await watch.fact(NodeEntered, call=ids["password"], node="bye")
    # The message was spoken on, and is kept.
    await calls["message"].press("#")
    assert (await watch.fact(MessageLeft, call=ids["message"])).seconds >= 2
    await asyncio.gather(*(each.hangup() for each in calls.values() if not each.ended.is_set()))
    for name in ids:
        await watch.fact(CallClosed, call=ids[name])
    assert not [f for f in await facts(watch, OfferEnded) if f.outcome in ("unreachable", "declined", "ran-out")]
    for wanted in await facts(watch, RecordingWanted):
        await watch.fact(RecordingStored, recording=wanted.recording)
    stored = await watch.fact(RecordingStored, call=ids["talk"])
    _, (left_side, right_side) = audio.read_wav(here.house.recordings / stored.path)
    for hz, side in ((600, left_side), (1900, left_side), (1700, left_side), (HZ["talk"], right_side)):
        assert audio.heard(side, hz), f"{hz} Hz is not in the recording of the talk"


async def facts(watch: Watch, kind: type[Any]) -> list[Any]:
    with open_reader(watch.store) as reader:
        return [each.fact for each in reader.facts_after(watch.since, 100_000) if isinstance(each.fact, kind)]
