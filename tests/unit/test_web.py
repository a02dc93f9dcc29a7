"""The HTTP interface against a desk of paper: every endpoint, every error path, and docs/api.md."""

import asyncio
import itertools
import json
import re
import shlex
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from ari_app.board.views import AgentView, QueueView, Snapshot, Totals
from ari_app.errors import HotlineError
from ari_app.flow.situations import Situation, Situations
from ari_app.model.control import ControlAsked
from ari_app.model.effects import Reply
from ari_app.model.events import AgentAsked, ClosureSet
from ari_app.model.ids import AgentId, CallId, PhoneName, QueueName, RequestId
from ari_app.model.screening_facts import ScreeningAsked
from ari_app.model.states import AgentState, CallState
from ari_app.model.wishes import ForceAsked, SurgeAsked
from ari_app.model.work import CallbackCancelled, ItemAsked
from ari_app.web.app import BODY_MAX, READS_MAX, Health, Part, make_app, serving
from ari_app.web.auth import is_loopback
from ari_app.web.client import Api
from ari_app.web.metrics import Metrics

TOKEN = "a-token-of-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
DOCS = Path(__file__).parents[2] / "docs" / "api.md"
VIEW = Snapshot(
    now=12.5,
    totals=Totals(0, dict.fromkeys(CallState, 0), dict.fromkeys(AgentState, 0), 0, 0.0, True, "", False),
    agents=(AgentView(AgentId("8025"), AgentState.READY, "", 1.0, 11.5, PhoneName("p8025"), None, None),),
    queues=(QueueView(QueueName("billing"), 3, 1, 41.2, 0, 5),),
    calls=(),
)


SILENT = Situation.model_validate(
    {
        "title": {"zh-CN": "无声来电", "en": "Silent line"},
        "when": {"zh-CN": "听不到声音", "en": "Nothing is heard"},
        "who": ["machine", "agent"],
        "trigger": "silent",
        "allowed": ["in-flow", "talking"],
        "steps": [{"say": ["silent-line-greeting"]}, {"wait_s": 5}, "hang-up"],
        "cards": {"zh-CN": ["您好，请说话。"], "en": ["Hello, please go ahead."]},
    }
)


@dataclass
class Paper:
    """A WebDesk that says what it is told to."""

    reply: tuple[bool, str] = (True, "ready")
    hangs: bool = False
    fails: bool = False
    sick: bool = False
    asked: list[AgentAsked | ControlAsked] = field(default_factory=list)
    changed: list[tuple[Any, ...]] = field(default_factory=list)
    cancelled: int = 0
    reading: int = 0
    reading_most: int = 0
    gate: asyncio.Event | None = None

    async def ask(self, event: AgentAsked | ControlAsked) -> Reply:
        self.asked.append(event)
        if self.hangs:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        assert event.request is not None
        return Reply(event.request, *self.reply)

    async def supervise(self, event: ForceAsked | SurgeAsked) -> Reply:
        self.changed.append((event,))
        assert event.request is not None
        return Reply(event.request, *self.reply)

    def bans(self) -> list[dict[str, Any]]:
        return [{"address": "203.0.113.9", "until": 1.0, "times": 1}]

    def unban(self, address: str, by: str) -> bool:
        return address == "203.0.113.9"

    async def retain(self, by: str) -> dict[str, int]:
        return {"events_deleted": 0}

    def nodes(self) -> dict[str, Any]:
        return {"active": {"node": "a", "pid": 1}, "standby": None, "silent_s": 0.1}

    def hand_over(self, by: str, anyway: bool) -> str:
        self.changed.append(("handover", by, anyway))
        return self._said()

    def knows(self, agent: AgentId) -> bool:
        return agent in ("8025", "8099")

    def view(self) -> Snapshot:
        if self.fails:
            raise RuntimeError("13800138000 is in this traceback")
        return VIEW

    def health(self) -> Health:
        return Health(
            {"asterisk": Part(not self.sick, "22.10.0"), "store": Part(True, "ok")}, "callers hear an apology"
        )

    def flows(self) -> dict[str, Any]:
        return {"flows": [{"name": "main", "version": "5e24eae29a6b", "nodes": 9, "held": False}], "problems": []}

    def situations(self) -> Situations:
        return Situations(version="5e24eae29a6b", named={"silent-line": SILENT})

    async def reload_flows(self, by: str) -> str:
        self.changed.append(("reload", by))
        return self._said()

    async def roll_back(self, name: str, version: str, by: str) -> str:
        self.changed.append(("rollback", name, version, by))
        return self._said()

    async def closures(self) -> list[dict[str, Any]]:
        return [{"hours": "*", "until": None, "by": "li", "reason": "", "at": 1.0}]

    async def set_closure(self, event: ClosureSet) -> Reply:
        self.changed.append((event.hours, event.closed, event.until, event.by))
        return Reply(RequestId("r"), *self.reply)

    async def inbox(self) -> list[dict[str, Any]]:
        return [{"message": "7-42.m6", "number": "138****8000"}]

    async def callbacks(self) -> list[dict[str, Any]]:
        return [{"booking": "7-43", "number": "138****8000"}]

    async def work(self, event: ItemAsked | CallbackCancelled) -> Reply:
        self.changed.append(event)
        return Reply(RequestId("r"), *self.reply)

    async def line(self, call: CallId) -> dict[str, Any] | None:
        return {"call": call, "verdict": "clear"} if call == "7-42" else None

    async def screenings(self, over: bool, appeals: bool) -> list[dict[str, Any]]:
        return [{"screening": "7-42.n1", "number": "138****8000"}]

    async def screening(self, name: str) -> dict[str, Any] | None:
        return {"screening": name} if name == "7-42.n1" else None

    async def screen(self, event: ScreeningAsked) -> Reply:
        self.changed.append(event)
        return Reply(RequestId("r"), *self.reply)

    def _said(self) -> str:
        if not self.reply[0]:
            raise HotlineError(self.reply[1])
        return self.reply[1]

    def metrics(self) -> bytes:
        return Metrics().exposition()

    async def calls(self, limit: int) -> list[dict[str, Any]]:
        self.reading += 1
        self.reading_most = max(self.reading_most, self.reading)
        if self.gate is not None:
            await self.gate.wait()
        self.reading -= 1
        return [{"call": f"7-{n}"} for n in range(min(limit, 3))]

    async def call(self, call: CallId) -> dict[str, Any] | None:
        return {"call": call, "timeline": []} if call == "7-42" else None


@pytest.fixture
def desk():
    return Paper()


@pytest.fixture
async def client(desk) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(make_app(desk, TOKEN, reply_s=0.5))) as client:
        yield client


async def refused(response, status: int) -> dict[str, str]:
    """The body of an error, which always has both fields."""
    body = await response.json()
    assert (response.status, set(body)) == (status, {"error", "cure"}), body
    assert body["error"] and body["cure"]
    assert response.headers["Cache-Control"] == "no-store"
    return body


# -- health and figures --


async def test_healthz_needs_no_token(client, desk):
    response = await client.get("/healthz")
    assert response.status == 200
    text = await response.text()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert json.loads(text) == {
        "ok": True,
        "parts": {"asterisk": {"ok": True, "text": "22.10.0"}, "store": {"ok": True, "text": "ok"}},
        "stake": "",
    }


async def test_healthz_says_what_is_at_stake(client, desk):
    desk.sick = True
    response = await client.get("/healthz")
    body = await response.json()
    assert (response.status, body["ok"], body["stake"]) == (503, False, "callers hear an apology")


async def test_metrics_from_this_machine_need_no_token(client):
    response = await client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "hotline_calls_opened_total 0.0" in await response.text()


# -- agents --


@pytest.mark.parametrize("wish", ["sign-in", "ready", "not-ready", "sign-out", "disposition"])
async def test_every_wish_becomes_its_event(client, desk, wish):
    response = await client.post(f"/api/agents/8025/{wish}", headers=BEARER)
    assert (response.status, await response.json()) == (200, {"ok": True, "message": "ready"})
    (event,) = desk.asked
    assert (event.agent, event.wish, event.value, event.phone) == ("8025", wish, "", None)
    assert event.request.startswith("web-")


async def test_value_and_phone_come_through_and_requests_differ(client, desk):
    for body in ({"value": "meal"}, {"phone": "p8026"}):
        assert (await client.post("/api/agents/8025/not-ready", headers=BEARER, json=body)).status == 200
    first, second = desk.asked
    assert (first.value, first.phone, second.value, second.phone) == ("meal", None, "", "p8026")
    assert first.request != second.request


@pytest.mark.parametrize(
    ("target", "aimed"),
    [
        ("queue:billing", ("queue:billing", "")),
        ("8026", ("8026", "")),
        ("number:10086", ("", "10086")),
        ("13900139000", ("", "13900139000")),
        ("+8613900139000", ("", "+8613900139000")),
        ("139 0013-9000", ("", "13900139000")),
        ("number:(0139) 001 39000", ("", "013900139000")),
    ],
)
async def test_call_control_keeps_a_number_apart(client, desk, target, aimed):
    body = {"target": target, "value": "a note", "by": "page"}
    assert (await client.post("/api/agents/8025/transfer", headers=BEARER, json=body)).status == 200
    (event,) = desk.asked
    assert (event.action, event.target, event.number, event.value, event.by) == ("transfer", *aimed, "a note", "page")


@pytest.mark.parametrize("text", ["a\x1b[31mred", "two\nlines", "bell\a"])
async def test_terminals_are_told_nothing_by_a_text(client, desk, text):
    body = await refused(await client.post("/api/agents/8025/not-ready", headers=BEARER, json={"value": text}), 400)
    assert "printable" in body["error"] and not desk.asked


@pytest.mark.parametrize("until", [1795971600000, 1e30, -1])
async def test_hours_are_closed_until_a_time_in_seconds(client, desk, until):
    body = {"hours": "office", "closed": True, "until": until}
    assert (
        "not milliseconds"
        in (await refused(await client.post("/api/closures", headers=BEARER, json=body), 400))["error"]
    )
    assert not desk.changed


@pytest.mark.parametrize(("token", "status"), [(BEARER, 400), ({}, 401)])
async def test_a_body_that_is_not_packed_as_it_says_is_no_bug(client, token, status):
    with capture_logs() as logs:
        headers = {**token, "Content-Encoding": "gzip"}
        await refused(await client.post("/api/agents/8025/ready", headers=headers, data=b"abcd"), status)
    assert not [each for each in logs if each["log_level"] == "error"]


async def test_a_client_that_goes_away_is_no_bug():
    desk = Paper()
    with capture_logs() as logs:
        async with TestServer(make_app(desk, TOKEN)) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            head = f"POST /api/agents/8025/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
            writer.write(f"{head}Content-Length: 100\r\n\r\nx".encode())
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.05)  # For the server to notice.
    assert not [each for each in logs if each["log_level"] == "error"] and not desk.asked


async def test_call_control_takes_no_other_key(client, desk):
    await refused(await client.post("/api/agents/8025/hold", headers=BEARER, json={"phone": "p8025"}), 400)
    assert not desk.asked


async def test_a_refused_wish_says_why(client, desk):
    desk.reply = (False, "not signed in")
    body = await refused(await client.post("/api/agents/8025/ready", headers=BEARER), 409)
    assert body["error"] == "not signed in"


async def test_an_unknown_agent_is_never_asked(client, desk):
    body = await refused(await client.post("/api/agents/9999/ready", headers=BEARER), 404)
    assert "9999" in body["error"] and not desk.asked


async def test_an_unknown_wish_lists_the_known(client, desk):
    body = await refused(await client.post("/api/agents/8025/dance", headers=BEARER), 404)
    assert "sign-out" in body["cure"] and not desk.asked


async def test_a_reply_that_does_not_come_is_504_and_given_up(client, desk):
    desk.hangs = True
    body = await refused(await client.post("/api/agents/8025/ready", headers=BEARER), 504)
    assert "/api/agents" in body["cure"] and desk.cancelled == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[1]", "object"),
        (b"null", "object"),
        (b'{"reason": "meal"}', "reason"),
        (b'{"value": 1}', "value"),
        (b'{"phone": null}', "phone"),
        (b'{"value": "' + b"x" * 81 + b'"}', "value"),
        (b"[" * 5000, "JSON"),
    ],
)
async def test_a_bad_body_is_400_with_a_cure(client, desk, body, word):
    answer = await refused(await client.post("/api/agents/8025/ready", headers=BEARER, data=body), 400)
    assert word in answer["error"] and not desk.asked


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_413(client, desk, chunked):
    async def pieces():
        for _ in range(3):
            yield b" " * (BODY_MAX // 2)

    data = pieces() if chunked else b" " * (BODY_MAX + 1)
    await refused(await client.post("/api/agents/8025/ready", headers=BEARER, data=data), 413)
    assert not desk.asked


async def test_a_body_that_does_not_come_is_408(client, desk, monkeypatch):
    monkeypatch.setattr("ari_app.web.body.BODY_S", 0.05)

    async def never():
        yield b"{"
        await asyncio.sleep(30)

    await refused(await client.post("/api/agents/8025/ready", headers=BEARER, data=never()), 408)
    assert not desk.asked


# -- supervisors --


async def test_an_override_and_a_wish_about_the_surge_plan_become_their_events(client, desk):
    body = {"to": "not-ready", "by": "8001", "reason": "away"}
    assert (await client.post("/api/agents/8025/force", headers=BEARER, json=body)).status == 200
    assert (await client.post("/api/surge/step", headers=BEARER, json={"by": "8001", "why": "storm"})).status == 200
    (force,), (surge,) = desk.changed
    assert (force.agent, force.to, force.by, force.reason) == ("8025", "not-ready", "8001", "away")
    assert (surge.wish, surge.by, surge.why) == ("step", "8001", "storm")
    assert force.request != surge.request and not desk.asked
    assert await (await client.get("/api/surge", headers=BEARER)).json() == {"now": 12.5, "surge": None}


async def test_supervisors_are_told_what_is_wrong(client, desk):
    body = await refused(await client.post("/api/agents/8025/force", headers=BEARER, json={"to": "talking"}), 400)
    assert "not-ready" in body["cure"]
    body = await refused(await client.post("/api/surge/panic", headers=BEARER), 404)
    assert "end-drill" in body["cure"] and not desk.changed
    desk.reply = (False, "8026 may not supervise")
    body = await refused(await client.post("/api/surge/step", headers=BEARER, json={"by": "8026"}), 409)
    assert body["error"] == "8026 may not supervise"


# -- reading --


async def test_agents_queues_and_live(client):
    agents = await (await client.get("/api/agents", headers=BEARER)).json()
    assert agents["now"] == 12.5 and agents["agents"][0]["state"] == "ready"
    queues = await (await client.get("/api/queues", headers=BEARER)).json()
    assert queues["queues"][0] == {
        "name": "billing",
        "waiting": 3,
        "ringing": 1,
        "longest_wait_s": 41.2,
        "ready": 0,
        "signed_in": 5,
        "booked": 0,
    }
    live = await (await client.get("/api/live", headers=BEARER)).json()
    assert set(live) == {"now", "totals", "agents", "queues", "calls", "surge", "boxes"}
    assert live["totals"]["calls_by_state"]["in-flow"] == 0


async def test_calls_from_the_store(client):
    assert len((await (await client.get("/api/calls?limit=2", headers=BEARER)).json())["calls"]) == 2
    assert len((await (await client.get("/api/calls", headers=BEARER)).json())["calls"]) == 3
    assert (await (await client.get("/api/calls/7-42", headers=BEARER)).json())["call"] == "7-42"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1e3", "٣"])
async def test_a_bad_limit_is_400(client, limit):
    await refused(await client.get("/api/calls", params={"limit": limit}, headers=BEARER), 400)


@pytest.mark.parametrize("call", ["7-43", "x", "7-", "7-42'--", "1" * 30 + "-1"])
async def test_an_unknown_call_is_404(client, call):
    await refused(await client.get(f"/api/calls/{call}", headers=BEARER), 404)


async def test_reads_wait_their_turn_and_time_out(client, desk):
    desk.gate = asyncio.Event()
    responses = await asyncio.gather(*(client.get("/api/calls", headers=BEARER) for _ in range(READS_MAX + 2)))
    assert desk.reading_most == READS_MAX
    for response in responses:
        await refused(response, 504)
    desk.gate.set()
    assert (await client.get("/api/calls", headers=BEARER)).status == 200  # Places of the timed-out are free again.


# -- what stands before every endpoint --

PROTECTED = [
    *("/api/agents", "/api/queues", "/api/calls", "/api/calls/7-42", "/api/live"),
    *("/api/flows", "/api/closures", "/api/surge", "/api/inbox", "/api/callbacks", "/api/security/bans"),
    *("/api/situations", "/api/situations/silent-line", "/api/nodes"),
    *("/api/screening", "/api/screening/7-42.n1", "/api/calls/7-42/line"),
]
POSTED = {"/api/agents/{number}/{wish}", "/api/flows/reload", "/api/flows/{name}/rollback"} | {
    "/api/agents/{number}/force",
    "/api/surge/{wish}",
    *("/api/inbox/next", "/api/inbox/{message}/{wish}", "/api/callbacks/{booking}/cancel"),
    *("/api/screening/{wish}", "/api/screening/{name}/{wish}"),
    "/api/security/unban",
    "/api/retain",
    "/api/handover",
}


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Bearer é", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"]
)
async def test_without_the_token_nothing_is_said(client, path, given):
    headers = {} if given is None else {"Authorization": given}
    response = await client.get(path, headers=headers)
    await refused(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_without_the_token_nothing_is_done(client, desk):
    for path in ("/api/agents/8025/force", "/api/surge/step", "/api/handover"):
        await refused(await client.post(path), 401)
    flows = ("/api/flows/reload", "/api/flows/main/rollback", "/api/closures")
    for path in ("/api/agents/8025/sign-out", *flows, "/api/inbox/next", "/api/callbacks/7-43/cancel"):
        await refused(await client.post(path), 401)
    for path in ("/api/screening/add", "/api/screening/7-42.n1/lift"):
        await refused(await client.post(path), 401)
    assert not desk.asked and not desk.changed


@pytest.mark.parametrize(("asked", "anyway"), [({"by": "li"}, False), ({"by": "li", "anyway": True}, True)])
async def test_a_hand_over_says_to_whom(client, desk, asked, anyway):
    desk.reply = True, "b (pid 812)"
    response = await client.post("/api/handover", json=asked, headers=BEARER)
    assert (response.status, await response.json()) == (200, {"ok": True, "to": "b (pid 812)"})
    assert desk.changed == [("handover", "li", anyway)]
    desk.reply = False, "no standby waits"
    body = await refused(await client.post("/api/handover", headers=BEARER), 409)
    assert body["error"] == "no standby waits"


def test_only_health_and_metrics_are_open():
    open_paths = {"/healthz", "/metrics"}
    paths = {resource.canonical for resource in make_app(Paper(), TOKEN).router.resources()}
    shapes = {
        p.replace("7-42.n1", "{name}").replace("7-42", "{id}").replace("silent-line", "{name}") for p in PROTECTED
    }
    assert paths - open_paths == shapes | POSTED


def test_an_empty_token_is_no_token():
    with pytest.raises(ValueError, match="token"):
        make_app(Paper(), "")


async def test_an_unknown_path_lists_the_known(client):
    body = await refused(await client.get("/admin"), 404)
    assert "/healthz" in body["cure"] and "/admin" in body["error"]


async def test_a_wrong_method_lists_the_right_ones(client):
    response = await client.post("/api/agents", headers=BEARER)
    await refused(response, 405)
    assert "GET" in response.headers["Allow"]


async def test_a_bug_is_logged_and_says_nothing_outside(client, desk):
    desk.fails = True
    with capture_logs() as logs:
        response = await client.get("/api/live", headers=BEARER)
    body = await refused(response, 500)
    assert "138" not in json.dumps(body)
    assert [(line["log_level"], line["route"]) for line in logs] == [("error", "/api/live")]


@pytest.mark.parametrize("host", ["localhost", "localhost:8480", "127.0.0.1:1", "[::1]:8480", "[::1]", "LOCALHOST"])
async def test_a_host_that_is_ours(client, host):
    assert (await client.get("/healthz", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8480", "localhost.evil.example", "127.0.0.1.nip.io", "", "["]
)
async def test_a_host_that_is_not_ours_is_421(client, host):
    await refused(await client.get("/healthz", headers={"Host": host}), 421)
    await refused(await client.get("/api/live", headers={"Host": host, **BEARER}), 421)


async def test_on_an_open_address_the_host_may_be_any():
    async with TestClient(TestServer(make_app(Paper(), TOKEN, listen="0.0.0.0"))) as client:
        assert (await client.get("/healthz", headers={"Host": "hotline.example"})).status == 200


async def test_metrics_from_another_machine_need_the_token(desk, monkeypatch):
    monkeypatch.setattr(web.Request, "remote", property(lambda self: "192.0.2.7"))
    async with TestClient(TestServer(make_app(desk, TOKEN, listen="0.0.0.0"))) as client:
        await refused(await client.get("/metrics"), 401)
        assert (await client.get("/metrics", headers=BEARER)).status == 200
        assert (await client.get("/healthz")).status == 200


async def test_no_cors(client):
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for response in (
        await client.options("/api/agents/8025/ready", headers=headers),
        await client.get("/healthz", headers=headers),
    ):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_what_counts_as_this_machine():
    assert all(is_loopback(each) for each in ("127.0.0.1", "127.8.0.1", "::1", "localhost", "::1%lo"))
    assert not any(is_loopback(each) for each in ("0.0.0.0", "::", "192.0.2.7", "", None, "example.org"))


# -- serving, and the CLI's client --


async def test_serving_gives_the_port_and_ends(desk):
    async with serving(make_app(desk, TOKEN), "127.0.0.1", 0) as port, ClientSession() as http:
        assert (await http.get(f"http://127.0.0.1:{port}/healthz")).status == 200
    with pytest.raises(HotlineError, match="no daemon answers"):
        await asyncio.to_thread(Api(f"http://127.0.0.1:{port}", TOKEN).get, "/healthz")


async def test_a_taken_port_is_said_with_a_cure(desk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            HotlineError,
            match=rf"^web\.port: tcp port {port} on .* \(Address already in use\): stop ",
        ):
            async with serving(make_app(desk, TOKEN), "127.0.0.1", port):
                pass


@pytest.fixture
async def url(desk) -> AsyncIterator[str]:
    async with serving(make_app(desk, TOKEN, reply_s=0.5), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


async def test_the_client_gets_and_asks(url, desk, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # The token must not go through a proxy.
    api = Api(url, TOKEN)
    assert (await asyncio.to_thread(api.get, "/api/queues"))["queues"][0]["name"] == "billing"
    assert await asyncio.to_thread(lambda: api.ask("8025", "not-ready", value="meal")) == "ready"
    assert desk.asked[0].value == "meal"


async def test_the_client_says_reason_and_cure(url, desk):
    desk.reply = (False, "not signed in")
    with pytest.raises(HotlineError, match=r"^not signed in\n.*api/agents"):
        await asyncio.to_thread(Api(url, TOKEN).ask, "8025", "ready")
    with pytest.raises(HotlineError, match="no agent has the work number"):
        await asyncio.to_thread(Api(url, TOKEN).ask, "../8025", "ready")
    with pytest.raises(HotlineError, match="refuses our token"):
        await asyncio.to_thread(Api(url, "wrong").get, "/api/live")


async def test_the_client_reads_a_sick_healthz(url, desk):
    desk.sick = True
    assert (await asyncio.to_thread(Api(url, TOKEN).get, "/healthz"))["ok"] is False


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"])
async def test_something_else_on_the_port(says):
    async def other(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HotlineError, match=r"web\.port"):
            await asyncio.to_thread(Api(f"http://127.0.0.1:{port}", TOKEN).get, "/healthz")


def test_a_daemon_that_hangs():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = Api(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN, timeout_s=0.1)
        with pytest.raises(HotlineError, match="does not answer within"):
            api.get("/healthz")


@pytest.mark.parametrize("bad", ["", "127.0.0.1:8480", "ftp://x", "https://x"])
def test_a_bad_address(bad):
    with pytest.raises(HotlineError, match="not an address"):
        Api(bad, TOKEN)


# -- admins --


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/api/flows/reload", {}, ("reload", "api")),
        ("/api/flows/main/rollback", {"version": "5e24", "by": "li"}, ("rollback", "main", "5e24", "li")),
        ("/api/closures", {"hours": "all", "closed": True, "until": 9}, ("*", True, 9.0, "api")),
        ("/api/closures", {"hours": "office", "closed": False, "by": "li"}, ("office", False, None, "li")),
    ],
)
async def test_admins_change_what_is_live(client, desk, path, body, told):
    response = await client.post(path, headers=BEARER, json=body)
    assert (response.status, await response.json()) == (200, {"ok": True, "message": "ready"})
    assert desk.changed == [told]


async def test_work_is_asked_for_and_cancelled(client, desk):
    await client.post("/api/inbox/7-42.m6/done", headers=BEARER, json={"agent": "8025", "note": "called back"})
    await client.post("/api/inbox/next", headers=BEARER)
    response = await client.post("/api/callbacks/7-43/cancel", headers=BEARER, json={"by": "li"})
    assert await response.json() == {"ok": True, "message": "ready"}
    assert desk.changed == [
        ItemAsked("7-42.m6", "done", "8025", "8025", "called back"),
        ItemAsked("", "next", "api"),
        CallbackCancelled("7-43", "li"),
    ]


async def test_work_that_is_refused_says_why(client, desk):
    desk.reply = (False, "8026 has taken it")
    response = await client.post("/api/inbox/7-42.m6/take", headers=BEARER)
    assert (await refused(response, 409))["error"] == "8026 has taken it"
    await refused(await client.post("/api/inbox/7-42.m6/burn", headers=BEARER), 404)
    await refused(await client.post("/api/inbox/7-42.m6/next", headers=BEARER), 404)
    await refused(await client.post("/api/callbacks/7-43/cancel", headers=BEARER, json={"who": "li"}), 400)


@pytest.mark.parametrize("path", ["/api/flows/reload", "/api/flows/main/rollback", "/api/closures"])
async def test_what_was_not_changed_is_409_with_every_problem(client, desk, path):
    desk.reply = (False, "main.yaml:1:1  F002  not YAML\nmain.yaml:2:1  F005  unknown key")
    body = {"hours": "all", "closed": True} if path == "/api/closures" else {}
    found = await refused(await client.post(path, headers=BEARER, json=body), 409)
    assert "F002" in found["error"] and "F005" in found["error"]


@pytest.mark.parametrize(
    "body", [{}, {"hours": "all"}, {"hours": "all", "closed": "yes"}, {"hours": "all", "closed": True, "until": "noon"}]
)
async def test_a_closure_must_be_said_in_full(client, desk, body):
    await refused(await client.post("/api/closures", headers=BEARER, json=body), 400)
    assert desk.changed == []


# -- docs/api.md --


def documented() -> set[tuple[str, str]]:
    return set(re.findall(r"^### `([A-Z]+) (/\S*)`$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_docs_name_every_endpoint_and_no_other():
    routes = make_app(Paper(), TOKEN).router.routes()
    served = {(route.method, route.resource.canonical) for route in routes if route.resource and route.method != "HEAD"}
    assert documented() == served


def curls() -> list[str]:
    return re.findall(r"^curl .*$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", curls())
async def test_every_curl_of_the_docs_works(client, line):
    words = shlex.split(line.replace("$TOKEN", TOKEN).replace("$HOTLINE", "http://hotline"))
    options = dict(itertools.pairwise(words))
    name, _, value = options.get("-H", "X: x").partition(": ")
    path = words[-1].removeprefix("http://hotline")
    response = await client.request(options.get("-X", "GET"), path, headers={name: value}, data=options.get("-d"))
    assert response.status == 200, await response.text()


@pytest.mark.parametrize("style", [None, '"'])
def test_the_docs_find_the_token(tmp_path, style):
    secrets = {"ami_password": "other", "api_token": TOKEN, "phones": {"p8025": "x"}}
    (tmp_path / "var").mkdir()
    (tmp_path / "var/secrets.yaml").write_text("# The token.\n" + yaml.safe_dump(secrets, default_style=style))
    (line,) = re.findall(r"^TOKEN=.*$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    found = subprocess.run(
        ["sh", "-c", f'{line}; echo "$TOKEN"'], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert found.stdout.strip() == TOKEN


def test_the_docs_show_every_endpoint():
    shown = " ".join(curls())
    for _, path in documented():
        assert path.split("{")[0] in shown


def test_the_docs_name_every_metric():
    text = DOCS.read_text(encoding="utf-8")
    helps = re.findall(r"^# HELP (hotline_\w+)", Metrics().exposition().decode(), re.MULTILINE)
    assert not [name for name in helps if f"`{name}`" not in text and not name.startswith("hotline_process_")]
    assert not set(re.findall(r"`(hotline_[a-z_]+)`", text)) - set(helps)


async def test_situations_are_listed_in_short_and_shown_whole(client: TestClient[Any, Any]) -> None:
    listed = await (await client.get("/api/situations", headers=BEARER)).json()
    [brief] = listed["situations"]
    assert listed["version"] == "5e24eae29a6b" and brief["title"]["zh-CN"] == "无声来电" and brief["runs_in_talk"]
    assert "cards" not in brief and "steps" not in brief
    whole = await (await client.get("/api/situations/silent-line", headers=BEARER)).json()
    assert whole["cards"] == {"zh-CN": ["您好，请说话。"], "en": ["Hello, please go ahead."]}
    assert whole["steps"] == [{"say": ["silent-line-greeting"]}, {"wait_s": 5}, "hang-up"]
    missing = await client.get("/api/situations/no-such", headers=BEARER)
    assert missing.status == 404 and "GET /api/situations" in (await missing.json())["cure"]


async def test_a_number_is_screened_and_a_screening_lifted(client, desk):
    body = {"number": "13900139000", "by": "8026", "reason": "insults"}
    assert (await client.post("/api/screening/add", headers=BEARER, json=body)).status == 200
    lift = {"by": "8026", "reason": "a mistake"}
    assert (await client.post("/api/screening/7-42.n1/lift", headers=BEARER, json=lift)).status == 200
    assert desk.changed == [
        ScreeningAsked("add", "8026", "insults", number="13900139000"),
        ScreeningAsked("lift", "8026", "a mistake", screening="7-42.n1"),
    ]
    await refused(await client.post("/api/screening/add", headers=BEARER, json={"by": "8026"}), 400)
    await refused(await client.post("/api/screening/7-42.n1/forget", headers=BEARER, json={}), 404)
    await refused(await client.get("/api/screening/7-1.n1", headers=BEARER), 404)


async def test_the_line_of_a_live_call(client):
    response = await client.get("/api/calls/7-42/line", headers=BEARER)
    assert await response.json() == {"call": "7-42", "verdict": "clear"}
    for name in ("7-1", "x"):
        await refused(await client.get(f"/api/calls/{name}/line", headers=BEARER), 404)
