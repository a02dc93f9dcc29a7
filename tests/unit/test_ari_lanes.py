"""Lanes over a stand-in that answers when the test says so: order, overtaking, failures."""

import asyncio

import pytest

from ari_app.ari.encode import encode
from ari_app.ari.lanes import LANE_MAX, PATIENCE_S, Lanes
from ari_app.ari.protocol import Reply
from ari_app.errors import AsteriskError
from ari_app.model.effects import (
    Answer,
    Dial,
    DropBridge,
    HangUp,
    Join,
    Leave,
    MakeBridge,
    Mute,
    Play,
    Ring,
    Snoop,
    StopPlay,
)
from ari_app.model.events import CommandFailed, PlaybackEnded

A, B = "7-1", "7-2"


class Asterisk:
    """Answers 204 at once; a path in `blocked` waits for its event, one in `statuses` gets that status."""

    def __init__(self):
        self.asked, self.events = [], []  # Requests as Asterisk works them off, one after another.
        self.sent = []  # How many requests were sent at once.
        self.blocked, self.statuses = {}, {}
        self.working = set()
        self.lanes = Lanes(
            self.ask,
            lambda e: encode(e, lambda p, *_: None if p == "missing" else f"/s/{p}", "app"),
            self.events.append,
        )

    def ask(self, requests, hears, express):
        task = asyncio.create_task(self.work(requests, hears))
        self.working.add(task)
        task.add_done_callback(self.working.discard)

    async def work(self, requests, hears):
        self.sent.append(len(requests))
        for request in requests:
            self.asked.append(f"{request.method} {request.path}")
            if request.path in self.blocked:
                await self.blocked[request.path].wait()
            answer = self.statuses.get(request.path, 204)
            if isinstance(answer, Exception):
                return hears.ended(answer)
            hears.answered(Reply(answer, "reason"))
        hears.ended(None)

    def block(self, path):
        self.blocked[path] = asyncio.Event()
        return self.blocked[path]

    async def quiet(self):
        async with asyncio.timeout(2):
            while self.lanes.pending:
                await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def until(self, *asked):
        async with asyncio.timeout(2):
            while not set(asked) <= set(self.asked):
                await asyncio.sleep(0.001)


async def test_a_lane_keeps_its_order_and_vanishes():
    asterisk = Asterisk()
    for n in range(20):
        asterisk.lanes.put(Answer(A, f"c{n}"))
    assert len(asterisk.lanes) == 1
    assert asterisk.lanes.pending == 20
    await asterisk.quiet()
    assert asterisk.asked == [f"POST channels/c{n}/answer" for n in range(20)]
    assert len(asterisk.lanes) == 0


async def test_what_waits_is_sent_together_but_nothing_that_frees_behind_another():
    asterisk = Asterisk()
    stop, play, hang_up = StopPlay(A, "p1"), Play(A, "a", "p2", ("x",), "en"), HangUp(A, "l1")
    for effect in (stop, Join(A, "b", "a"), play, Ring(A, "l1", "p", "1", "q", 9), hang_up, Leave(A, "b", "a")):
        asterisk.lanes.put(effect)
    await asterisk.quiet()
    assert asterisk.sent == [4, 2]


async def test_nothing_goes_along_behind_a_bridge_that_is_dropped():
    asterisk = Asterisk()
    for effect in (Leave(A, "b", "x"), DropBridge(A, "b"), Play(A, "a", "p2", ("x",), "en")):
        asterisk.lanes.put(effect)
    await asterisk.quiet()
    assert asterisk.sent == [2, 1]


async def test_a_refusal_is_its_own_effect_s_and_an_error_fails_all_that_was_sent_with_it():
    asterisk = Asterisk()
    asterisk.statuses["channels/a/answer"] = 404
    asterisk.statuses["channels/a/play/p1"] = TimeoutError()
    for effect in (Answer(A, "a"), Mute(A, "a"), Play(A, "a", "p1", ("x",), "en"), Join(A, "b", "a")):
        asterisk.lanes.put(effect)
    await asterisk.quiet()
    assert [(failed.action, failed.reason) for failed in asterisk.events] == [
        ("Answer", "gone"),
        ("Play", "timeout"),
        ("Join", "timeout"),
    ]


async def test_a_stop_refused_at_first_frees_what_was_sent_behind_it():
    asterisk = Asterisk()
    asterisk.statuses["playbacks/p1"] = 500
    free = asterisk.block("bridges/b/addChannel")
    asterisk.lanes.put(StopPlay(A, "p1"))
    asterisk.lanes.put(Join(A, "b", "a"))
    await asterisk.until("DELETE playbacks/p1")
    asterisk.statuses["playbacks/p1"] = 204
    async with asyncio.timeout(2):
        while asterisk.asked.count("DELETE playbacks/p1") < 2:  # While the join is blocked.
            await asyncio.sleep(0.001)
    free.set()
    await asterisk.quiet()
    assert sorted(asterisk.asked) == ["DELETE playbacks/p1", "DELETE playbacks/p1", "POST bridges/b/addChannel"]
    assert asterisk.events == []


async def test_what_comes_behind_a_stop_that_is_repeated_waits_for_it():
    asterisk = Asterisk()
    asterisk.statuses["playbacks/p1"] = 500
    asterisk.lanes.put(StopPlay(A, "p1"))
    await asterisk.until("DELETE playbacks/p1")
    asterisk.lanes.put(Answer(A, "a"))
    async with asyncio.timeout(2):
        while asterisk.asked.count("DELETE playbacks/p1") < 3:
            await asyncio.sleep(0.001)
    assert "POST channels/a/answer" not in asterisk.asked
    asterisk.statuses["playbacks/p1"] = 204
    await asterisk.quiet()
    assert asterisk.asked[-1] == "POST channels/a/answer"


async def test_a_blocked_lane_holds_up_its_own_call_and_no_other():
    asterisk = Asterisk()
    free = asterisk.block("channels/a/answer")
    for effect in (Answer(A, "a"), Join(A, "b1", "a"), Answer(B, "b"), Join(B, "b2", "b")):
        asterisk.lanes.put(effect)
    await asterisk.until("POST bridges/b2/addChannel")
    assert "POST bridges/b1/addChannel" not in asterisk.asked
    free.set()
    await asterisk.quiet()
    assert asterisk.asked[-1] == "POST bridges/b1/addChannel"


async def test_stopping_and_hanging_up_overtake_a_blocked_request_and_the_rest_waits_for_them():
    asterisk = Asterisk()
    asterisk.lanes.put(Play(A, "a", "p1", ("x",), "en"))
    await asterisk.quiet()
    free, stopped = asterisk.block("bridges/b1/addChannel"), asterisk.block("playbacks/p1")
    for effect in (Join(A, "b1", "a"), StopPlay(A, "p1"), Mute(A, "a")):
        asterisk.lanes.put(effect)
    await asterisk.until("DELETE playbacks/p1")
    asterisk.lanes.put(HangUp(A, "c"))  # Comes while the lane is known to be blocked: goes at once.
    await asterisk.until("DELETE channels/c")
    free.set()
    await asyncio.sleep(0.01)
    assert "POST channels/a/mute" not in asterisk.asked
    stopped.set()
    await asterisk.quiet()
    assert asterisk.asked[-1] == "POST channels/a/mute"
    assert asterisk.lanes.counters["overtakings"] == 2


async def test_nothing_overtakes_while_asterisk_answers_promptly():
    asterisk = Asterisk()
    effects = [
        Play(A, "a", "p1", ("x",), "en"),
        Join(A, "b1", "a"),
        StopPlay(A, "p1"),
        Leave(A, "b1", "a"),
        HangUp(A, "a"),
    ]
    for effect in effects:
        asterisk.lanes.put(effect)
    await asterisk.quiet()
    assert [line.split()[1].split("/")[-1] for line in asterisk.asked] == [
        "p1",
        "addChannel",
        "p1",
        "removeChannel",
        "a",
    ]


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        (Play(A, "a", "p1", ("x",), "en"), StopPlay(A, "p1"), "channels/a/play/p1"),
        (Ring(A, "l1", "p8025", "1", "q", 9), HangUp(A, "l1"), "channels/l1"),
        (Dial(A, "l1", "1", "t", "192.0.2.1:5060", "2", 9), HangUp(A, "l1"), "channels/l1"),
        (Snoop(A, "l1", "l0", False), HangUp(A, "l1"), "channels/l0/snoop/l1"),
    ],
)
async def test_what_would_come_to_nothing_does_not_overtake(first, second, path):
    asterisk = Asterisk()
    free = asterisk.block(path)
    asterisk.lanes.put(first)
    asterisk.lanes.put(second)
    await asyncio.sleep(PATIENCE_S * 3)
    assert len(asterisk.asked) == 1
    free.set()
    await asterisk.quiet()
    assert len(asterisk.asked) == 2


async def test_the_play_behind_the_blocked_one_keeps_its_stop_behind_it():
    asterisk = Asterisk()
    free = asterisk.block("channels/a/answer")
    for effect in (Answer(A, "a"), Play(A, "a", "p2", ("x",), "en"), StopPlay(A, "p2")):
        asterisk.lanes.put(effect)
    await asyncio.sleep(PATIENCE_S * 3)
    assert asterisk.asked == ["POST channels/a/answer"]
    free.set()
    await asterisk.quiet()
    assert asterisk.asked[1:] == ["POST channels/a/play/p2", "DELETE playbacks/p2"]


@pytest.mark.parametrize(
    ("effect", "answer", "reason"),
    [
        (Answer(A, "x"), 404, "gone"),
        (Join(A, "b", "x"), 400, "gone"),  # addChannel says 400 "Channel not found".
        (Leave(A, "b", "x"), 422, "gone"),
        (Answer(A, "x"), 409, "refused"),
        (Play(A, "x", "p", ("y",), "en"), 412, "refused"),
        (Ring(A, "x", "p", "1", "q", 9), 500, "unreachable"),
        (Dial(A, "x", "1", "t", "192.0.2.1:5060", "2", 9), 500, "unreachable"),
        (Ring(A, "x", "p", "1", "q", 9), 409, "refused"),
        (Answer(A, "x"), 500, "error"),
        (Answer(A, "x"), TimeoutError(), "timeout"),
        (Answer(A, "x"), AsteriskError("no link"), "down"),
        (Answer(A, "x"), ZeroDivisionError(), "error"),
    ],
)
async def test_a_failure_comes_back_with_its_reason_and_the_lane_goes_on(effect, answer, reason):
    asterisk = Asterisk()
    for request in encode(effect, lambda p, *_: p, "app"):
        asterisk.statuses[request.path] = answer
    asterisk.lanes.put(effect)
    await asterisk.until(*(f"{request.method} {request.path}" for request in encode(effect, lambda p, *_: p, "app")))
    asterisk.lanes.put(Mute(A, "next"))
    await asterisk.quiet()
    [failed] = asterisk.events
    assert isinstance(failed, CommandFailed)
    assert (failed.action, failed.call, failed.reason) == (type(effect).__name__, A, reason)
    assert failed.target in ("x", "p")
    assert asterisk.asked[-1] == "POST channels/next/mute"


@pytest.mark.parametrize("effect", [HangUp(A, "x"), StopPlay(A, "x"), Leave(A, "x", "x")])
async def test_ending_what_has_ended_is_no_failure(effect):
    asterisk = Asterisk()
    for request in encode(effect, lambda p, *_: p, "app"):
        asterisk.statuses[request.path] = 404
    asterisk.lanes.put(effect)
    await asterisk.quiet()
    assert asterisk.events == []
    assert asterisk.lanes.counters["gone_quiet"] == 1


async def test_a_playback_that_cannot_be_stopped_yet_is_stopped_soon():
    asterisk = Asterisk()
    asterisk.statuses["playbacks/p1"] = 500
    asterisk.lanes.put(StopPlay(A, "p1"))
    await asterisk.until("DELETE playbacks/p1")
    asterisk.statuses["playbacks/p1"] = 204
    await asterisk.quiet()
    assert asterisk.events == []
    asterisk.statuses["playbacks/p2"] = 500
    asterisk.lanes.put(StopPlay(A, "p2"))
    await asterisk.quiet()
    assert [(failed.action, failed.reason) for failed in asterisk.events] == [("StopPlay", "error")]


async def test_a_bridge_that_is_there_gets_its_music():
    asterisk = Asterisk()
    asterisk.statuses["bridges/music"] = 409
    asterisk.lanes.put(MakeBridge(None, "music", "holding", "default"))
    await asterisk.quiet()
    assert asterisk.events == []
    assert asterisk.asked == ["POST bridges/music", "POST bridges/music/moh"]


async def test_a_play_without_any_prompt_ends_as_failed():
    asterisk = Asterisk()
    asterisk.lanes.put(Play(A, "a", "p1", ("missing",), "en"))
    await asterisk.quiet()
    assert asterisk.events == [PlaybackEnded("p1", ok=False)]
    assert asterisk.asked == []


async def test_a_lost_link_fails_what_waits():
    asterisk = Asterisk()
    free = asterisk.block("channels/a/answer")
    asterisk.statuses["channels/a/answer"] = AsteriskError("gone")
    for effect in (Answer(A, "a"), Join(A, "b", "a"), HangUp(A, "a")):
        asterisk.lanes.put(effect)
    await asterisk.until("POST channels/a/answer")
    asterisk.lanes.drop()
    free.set()
    await asterisk.quiet()
    assert [(e.action, e.reason) for e in asterisk.events] == [("HangUp", "down"), ("Answer", "down"), ("Join", "down")]
    assert len(asterisk.lanes) == 0


async def test_a_full_lane_refuses_all_but_hang_ups():
    asterisk = Asterisk()
    free = asterisk.block("channels/a/answer")
    asterisk.lanes.put(Answer(A, "a"))
    await asterisk.until("POST channels/a/answer")
    for _ in range(LANE_MAX + 1):
        asterisk.lanes.put(Mute(A, "a"))
    asterisk.lanes.put(Ring(A, "l1", "p", "1", "q", 9))
    asterisk.lanes.put(HangUp(A, "a"))
    assert [e.reason for e in asterisk.events] == ["error", "error"]
    free.set()
    await asterisk.quiet()
    assert "DELETE channels/a" in asterisk.asked


async def test_close_leaves_nothing_running():
    asterisk = Asterisk()
    asterisk.block("channels/a/answer")
    asterisk.lanes.put(Answer(A, "a"))
    await asterisk.until("POST channels/a/answer")
    asterisk.lanes.close()
    assert asterisk.lanes.pending == 0
    assert len(asterisk.lanes) == 0
