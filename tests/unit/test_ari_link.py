"""AriLink against a tiny server of our own: frames and moments a real Asterisk cannot be asked for."""

import asyncio
import itertools
import json
from contextlib import asynccontextmanager, suppress

import pytest
import structlog
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from ari_app.ami.link import Timing
from ari_app.ari.client import AriLink
from ari_app.ari.connection import SILENCE_S_MAX, Address, Backoff, Replaced
from ari_app.ari.pool import Awaited, Pool
from ari_app.ari.protocol import TIMEOUT_S, Request
from ari_app.errors import AsteriskError
from ari_app.model.effects import Answer, Play
from ari_app.model.events import CallArrived, CommandFailed, LinkDown, LinkUp, Listed, PlaybackEnded
from tests.wire import Wire

APPLICATION = {"name": "app", "channel_ids": [], "bridge_ids": [], "endpoint_ids": []}


def arrives(leg):
    channel = {"id": leg, "name": "PJSIP/trunk-00000001", "state": "Ring", "caller": {"number": "123"}}
    return {"type": "StasisStart", "args": ["in", "1860"], "channel": channel}


def seen(leg, state="Up"):
    return {"id": leg, "state": state}


def test_a_lost_link_is_tried_again_soon_and_a_refused_one_seldom():
    backoff = Backoff()
    pauses = [backoff.pause() for _ in range(20)]
    assert pauses[0] <= 0.1 and max(pauses) <= 2.0 and pauses[-1] >= 1.0
    backoff.slow()
    assert 5.0 <= backoff.pause() <= 10.0
    assert backoff.pause() <= 2.0
    backoff.reset()
    assert backoff.pause() <= 0.1


def test_a_silent_cut_is_noticed_within_ten_seconds():
    assert SILENCE_S_MAX <= 10
    assert Timing().ping_s + Timing().pong_s <= 10


def test_a_dead_link_is_noticed_before_its_requests_are_given_up():
    """Else what it swallowed would be taken for refused, and not be ordered again."""
    assert SILENCE_S_MAX < TIMEOUT_S


class FakeAri:
    """`answers` maps `METHOD path` to a JSON value or a status; `during` a path to what happens before its answer."""

    def __init__(self):
        self.events = None
        self.connects = 0
        self.refuse = 0
        self.deaf = False  # No ping on the event socket is answered.
        self.mute = False  # No event comes, though everything is answered.
        self.asked = []
        self.during = {}
        self.answers = {
            "GET asterisk/info": {"system": {"version": "22.10.1"}},
            "GET applications/app": APPLICATION,
            "GET channels": [],
            "GET bridges": [],
            "GET endpoints/PJSIP": [],
        }

    async def socket(self, request):
        self.connects += 1
        if self.refuse:
            return web.Response(status=self.refuse)
        assert "api_key" not in request.query_string
        assert request.headers["Authorization"].startswith("Basic ")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        if request.query["app"] == "app,app-phones":
            self.events = socket
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self.serve(socket, json.loads(frame.data))
            elif frame.type is WSMsgType.PING and not self.deaf:
                await socket.pong(frame.data)
        return socket

    async def http(self, request):
        """Listings come over HTTP: a long reply over a WebSocket kills Asterisk 22.10.1."""
        assert request.headers["Authorization"].startswith("Basic ")
        status, body = await self.answer(request.method, request.match_info["path"])
        return web.Response(status=status, text=body)

    async def serve(self, socket, request):
        assert socket is not self.events, "the event socket carries no requests"
        assert request["method"] != "GET" or request["uri"].startswith("playbacks/")  # A short reply.
        status, body = await self.answer(request["method"], request["uri"])
        await socket.send_json(
            {"type": "RESTResponse", "request_id": request["request_id"], "status_code": status, "message_body": body}
        )

    async def answer(self, method, path):
        name = f"{method} {path}"
        self.asked.append(name)
        if name in self.during:
            await self.during[name]()
        if path.startswith("events/user/") and not self.mute:
            await self.say({"type": "ChannelUserevent", "eventname": path.rpartition("/")[2]})
        answer = self.answers.get(name, APPLICATION if "applications/" in name else 204)
        return (answer, "") if isinstance(answer, int) else (200, json.dumps(answer))

    def app(self):
        app = web.Application()
        app.router.add_get("/ari/events", self.socket)
        app.router.add_route("*", "/ari/{path:.*}", self.http)
        return app

    async def say(self, message):
        await self.events.send_str(message if isinstance(message, str) else json.dumps(message))


class Told(list):
    """The events a link told, to be waited for."""

    def __init__(self):
        super().__init__()
        self.more = asyncio.Event()

    def __call__(self, event):
        self.append(event)
        self.more.set()

    async def wait(self, kind, count=1):
        async with asyncio.timeout(5):
            while len(found := [event for event in self if isinstance(event, kind)]) < count:
                self.more.clear()
                await self.more.wait()
        return found[count - 1]


@asynccontextmanager
async def linked(fake, password="secret"):
    async with linking(fake, password) as (link, told, _):
        yield link, told


@asynccontextmanager
async def linking(fake, password="secret"):
    """With the task of the link."""
    async with TestServer(fake.app()) as server:
        told = Told()
        address = Address(str(server.make_url("/")), "hotline", password, "app")
        link = AriLink(address, told, lambda p, *_: f"/s/{p}", lambda play: 60.0)
        running = asyncio.create_task(link.run())
        try:
            yield link, told, running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await link.close()


async def test_frames_nobody_can_read_are_counted_and_the_link_lives():
    fake = FakeAri()
    async with linked(fake) as (link, told):
        await told.wait(Listed)
        for frame in ("nonsense", "[]", "{}", '{"type": 7}', '{"type": "RESTResponse"}', '{"type": "StasisStart"}'):
            await fake.say(frame)
        await fake.events.send_bytes(b"\xff\xfe")
        await fake.say({"type": "SomethingNew"})
        await fake.say(arrives("c1"))
        assert await told.wait(CallArrived) == CallArrived("c1", "123", "1860", "trunk")
        assert link.up
        assert link.decoder.unknown == {"frame": 6, "StasisStart incomplete": 1, "SomethingNew": 1}
        assert link.counters["unknown"] == 8


def frames(message, size):
    """As a server may send it (RFC 6455 §5.4): in pieces, of which the last says so."""
    raw = json.dumps(message).encode()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    for n, piece in enumerate(pieces):
        first = (0 if n else 1) | (0x80 if n == len(pieces) - 1 else 0)
        yield bytes((first, len(piece))) + piece


async def test_a_message_in_pieces_is_one_and_an_endless_one_is_a_loss(monkeypatch):
    fake = FakeAri()
    async with linked(fake) as (link, told):
        await told.wait(Listed)
        wire = fake.events._req.transport
        for frame in frames(arrives("c1"), 40):
            wire.write(frame)
            await asyncio.sleep(0)
        assert await told.wait(CallArrived) == CallArrived("c1", "123", "1860", "trunk")
        assert link.decoder.unknown == {}
        monkeypatch.setattr("ari_app.ari.socket.MESSAGE_MAX", 100)
        for frame in itertools.islice(frames(arrives("c2"), 40), 3):
            wire.write(frame)
        assert "connection broken" in (await told.wait(LinkDown)).reason


async def test_a_clean_close_is_a_loss_and_everything_is_sent_again():
    fake = FakeAri()
    async with linked(fake) as (_, told):
        await told.wait(Listed)
        first = list(fake.asked)
        fake.asked.clear()
        await fake.events.close()
        down = await told.wait(LinkDown)
        assert "closed by Asterisk" in down.reason
        await told.wait(Listed, 2)
        assert [name for name in fake.asked if "sync" not in name] == [name for name in first if "sync" not in name]
        assert [type(event) for event in told] == [LinkUp, Listed, LinkDown, LinkUp, Listed]


async def test_a_call_that_arrives_while_we_list_comes_after_the_listing_and_once():
    fake = FakeAri()

    async def meanwhile():
        await fake.say(arrives("new"))
        fake.answers["GET channels"] = [seen("old"), seen("new", "Ring")]
        fake.answers["GET applications/app"] = {**APPLICATION, "channel_ids": ["old", "new"]}

    fake.during["GET asterisk/info"] = meanwhile
    async with linked(fake) as (_, told):
        await told.wait(CallArrived)
        up, listed, arrived = told
        assert isinstance(up, LinkUp)
        assert [channel.leg for channel in listed.channels] == ["old"]
        assert arrived.leg == "new"


async def test_a_listing_nobody_can_read_is_tried_again():
    fake = FakeAri()
    fake.answers["GET channels"] = [{"no": "id"}]
    fake.answers["GET applications/app"] = {"name": "app"}
    async with linked(fake) as (link, told):
        async with asyncio.timeout(5):
            while fake.connects < 5:
                await asyncio.sleep(0.01)
        assert told == []
        assert "cannot read" in link.status
        fake.answers["GET applications/app"], fake.answers["GET channels"] = APPLICATION, []
        await told.wait(Listed)
        assert link.status == "up, Asterisk 22.10.1"


async def test_a_wrong_password_is_said_once_retried_and_shown():
    fake = FakeAri()
    fake.refuse = 401
    with structlog.testing.capture_logs() as logs:
        async with linked(fake, "wrong-password") as (link, told):
            async with asyncio.timeout(5):
                while fake.connects < 1 or "wrong ARI user" not in link.status:
                    await asyncio.sleep(0.01)
            link._say("wrong ARI user or password (401)")  # The second attempt comes ten seconds later.
            assert told == []
    assert [entry["log_level"] for entry in logs] == ["error", "debug"]
    assert "wrong-password" not in repr(logs) + repr(link.address) + link.status


async def test_two_programs_do_not_throw_each_other_out_for_ever(monkeypatch):
    monkeypatch.setattr(Backoff, "slow", lambda self: None)
    fake = FakeAri()
    async with linking(fake) as (link, told, running):
        for times in (1, 2, 3):
            await told.wait(LinkUp, times)
            await fake.say({"type": "ApplicationReplaced", "application": "app"})
            down = await told.wait(LinkDown, times)
        assert "another program has taken over the application 'app'" in down.reason
        with pytest.raises(Replaced):
            await asyncio.wait_for(running, 5)
        assert not link.up and "\n" not in link.status and "another program" in link.status
        assert fake.connects == 3


async def test_effects_without_a_link_fail_as_down_but_not_within_the_step():
    fake = FakeAri()
    fake.refuse = 503
    async with linked(fake) as (link, told):
        link.perform(Answer("7-1", "c1"))
        assert told == []
        failed = await told.wait(CommandFailed)
        assert (failed.action, failed.target, failed.reason) == ("Answer", "c1", "down")


async def test_a_playback_whose_end_was_missed_ends_with_the_next_listing():
    fake = FakeAri()
    async with linked(fake) as (link, told):
        await told.wait(Listed)
        for name in ("over", "plays"):
            link.perform(Play("7-1", "c1", f"7-1.{name}", ("x",), "en"))
        async with asyncio.timeout(5):
            while link.pending:
                await asyncio.sleep(0.001)
        fake.answers["GET playbacks/7-1.over"] = 404
        await fake.events.close()
        await told.wait(Listed, 2)
        assert await told.wait(PlaybackEnded) == PlaybackEnded("7-1.over", ok=True)
        assert told[-1] == PlaybackEnded("7-1.over", ok=True)


async def test_requests_under_way_fail_as_down_when_the_link_goes():
    fake = FakeAri()
    never = asyncio.Event()
    fake.during["POST channels/c1/answer"] = never.wait
    async with linked(fake) as (link, told):
        await told.wait(Listed)
        link.perform(Answer("7-1", "c1"))
        link.perform(Answer("7-1", "c2"))
        async with asyncio.timeout(5):
            while "POST channels/c1/answer" not in fake.asked:
                await asyncio.sleep(0.001)
        await fake.events.close()
        await told.wait(CommandFailed, 2)
        assert [e.reason for e in told if isinstance(e, CommandFailed)] == ["down", "down"]
        assert [type(e) for e in told][2] is LinkDown
        never.set()


async def test_more_requests_than_sockets_wait_their_turn_and_the_express_does_not(monkeypatch):
    monkeypatch.setattr("ari_app.ari.pool.SOCKETS_MAX", 3)
    monkeypatch.setattr("ari_app.ari.pool.EXPRESS_MAX", 1)
    fake = FakeAri()
    go = asyncio.Event()
    fake.during["POST slow"] = go.wait
    async with TestServer(fake.app()) as server:
        address = Address(str(server.make_url("/")), "hotline", "secret", "app")
        pool, replies = Pool(address), []

        async def ask(method, path, express=False):
            awaited = Awaited()
            pool.ask([Request(method, path, {})], awaited, express)
            replies.extend(reply.status for reply in await awaited.replies)

        slow = [asyncio.create_task(ask("POST", "slow")) for _ in range(5)]
        async with asyncio.timeout(5):
            while fake.asked.count("POST slow") < 3:
                await asyncio.sleep(0.001)
        await asyncio.wait_for(ask("DELETE", "fast", express=True), 2)
        assert replies == [204]
        assert pool.sockets == 4
        go.set()
        await asyncio.gather(*slow)
        assert replies == [204] * 6
        await pool.close()
        assert pool.sockets == 0


@pytest.mark.parametrize("deaf", [True, False])
async def test_who_talks_and_does_not_hear_is_lost(monkeypatch, deaf):
    """Half of the line is dead: events come all the time, and no ping is answered."""
    monkeypatch.setattr("ari_app.ari.connection.PING_S", 0.02)
    monkeypatch.setattr("ari_app.ari.connection.LOOK_S", 0.02)
    fake = FakeAri()
    async with linked(fake) as (_, told):
        await told.wait(Listed)
        fake.deaf = deaf
        async with asyncio.timeout(10):
            for n in itertools.count():
                if any(isinstance(event, LinkDown) for event in told) or (not deaf and n == 50):
                    break
                with suppress(ConnectionResetError):  # It has just been given up.
                    await fake.say(arrives(f"c{n}"))
                await asyncio.sleep(0.005)
        assert told.count(CallArrived("c0", "123", "1860", "trunk")) == 1
        down = [event.reason for event in told if isinstance(event, LinkDown)]
        assert down[:1] == (["no answer to a ping for 7 s"] if deaf else [])


@pytest.mark.parametrize("from_the_start", [True, False])
async def test_who_answers_and_whose_events_do_not_come_is_lost(monkeypatch, from_the_start):
    """Asterisk can leave a connection registered for nothing: it answers pings and requests."""
    monkeypatch.setattr("ari_app.ari.client.ECHO_EVERY_S", 0.02)
    monkeypatch.setattr("ari_app.ari.client.ECHO_LOOK_S", 0.02)
    fake = FakeAri()
    fake.mute = from_the_start
    async with linked(fake) as (link, told):
        if not from_the_start:
            await told.wait(Listed)
            fake.mute = True
            assert "its events do not reach us" in (await told.wait(LinkDown)).reason
        async with asyncio.timeout(5):
            while fake.connects < 3:
                await asyncio.sleep(0.01)
        assert not link.up and "its events do not reach us" in link.status
        fake.mute = False
        await told.wait(Listed, 1 if from_the_start else 2)
        assert link.up


async def test_what_a_dead_connection_still_holds_never_arrives():
    """Silent, given up, and the packets pass again: the old orders must not be carried out after the comparison."""
    fake = FakeAri()
    async with TestServer(fake.app()) as server, Wire(server.port) as wire:
        between = Address(wire.url, "hotline", "secret", "app")

        def ask(pool, path):
            pool.ask([Request("POST", path, {})], awaited := Awaited())
            return awaited.replies

        old = Pool(between)
        await ask(old, "first")
        wire.silence()
        late = ask(old, "late")
        async with asyncio.timeout(5):
            while not wire.held:
                await asyncio.sleep(0.001)
        await old.close()
        with pytest.raises(AsteriskError):
            await late
        async with asyncio.timeout(5):
            while not wire.resets:
                await asyncio.sleep(0.001)
        wire.silence(False)
        new = Pool(between)
        await ask(new, "second")
        await new.close()
    assert [asked for asked in fake.asked if asked in ("POST first", "POST late", "POST second")] == [
        "POST first",
        "POST second",
    ]


async def test_an_order_whose_socket_was_refused_takes_the_one_that_came_free_meanwhile():
    """Or it would wait until somebody else asked for something."""
    fake, go, at_door, refuse = FakeAri(), asyncio.Event(), asyncio.Event(), asyncio.Event()
    fake.during["POST slow"] = go.wait
    plain = fake.socket

    async def socket(request):
        if fake.connects:
            at_door.set()
            await refuse.wait()
            return web.Response(status=503)
        return await plain(request)

    fake.socket = socket
    async with TestServer(fake.app()) as server:
        pool = Pool(Address(str(server.make_url("/")), "hotline", "secret", "app"))

        def ask(path):
            waits = Awaited()
            pool.ask([Request("POST", path, {})], waits)
            return waits.replies

        first = ask("slow")
        async with asyncio.timeout(10):
            while "POST slow" not in fake.asked:
                await asyncio.sleep(0.001)
            second = ask("channels/c2/answer")
            await at_door.wait()
            go.set()
            await first
            refuse.set()
            await second
        await pool.close()


async def test_a_prompt_that_was_stopped_as_stuck_was_not_heard_whoever_says_so_first(monkeypatch):
    """Asterisk may tell its end, as one like any other, before it answers that it has stopped it."""
    monkeypatch.setattr("ari_app.ari.client.LOOK_S", 0.01)
    monkeypatch.setattr("ari_app.ari.playing.GRACE_S", -60.0)
    fake = FakeAri()
    name = "7-1.p1"

    async def ends_first():
        media = {"id": name, "media_uri": "sound:x", "target_uri": "channel:7-1.a", "language": "en", "state": "done"}
        await fake.say({"type": "PlaybackFinished", "application": "app", "timestamp": "x", "playback": media})
        await asyncio.sleep(0.1)

    fake.answers[f"GET playbacks/{name}"] = {"id": name}
    fake.during[f"DELETE playbacks/{name}"] = ends_first
    async with linked(fake) as (link, told):
        await told.wait(Listed)
        link.perform(Play("7-1", "7-1.a", name, ("x",), "en"))
        await told.wait(PlaybackEnded)
        assert [event for event in told if isinstance(event, PlaybackEnded)] == [PlaybackEnded(name, ok=False)]
        assert link.counters["prompts_stuck"] == 1
