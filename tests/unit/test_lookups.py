"""Look-ups by HTTP and SQL, and the one front: services down, slow or lying, queries that may only read."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from ari_app.errors import ConfigError, LookUpFailed
from ari_app.lookup.http import HttpLookUps
from ari_app.lookup.sql import SqlLookUps
from ari_app.lookups import LookUps
from ari_app.model.machine import HttpLookUp, SqlLookUp
from ari_app.model.settings import Settings
from ari_app.site import Site
from tests.asterisk import REPOSITORY, merged, sample, secrets_for

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def service(answer: Answer, **options: Any) -> AsyncIterator[HttpLookUps]:
    """One HTTP service on a free port, and the look-up `crm` that asks it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    path = options.pop("path", "/api/balance")
    asked = HttpLookUps({"crm": HttpLookUp(url=f"http://127.0.0.1:{port}{path}", **options)})
    try:
        yield asked
    finally:
        await asked.close()
        await runner.cleanup()


def saying(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        raw = body if isinstance(body, bytes) else body.encode()
        return web.Response(body=raw, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def reason(asking: Awaitable[object]) -> str:
    with pytest.raises(LookUpFailed) as caught:
        await asking
    return caught.value.reason


# -- HTTP --


async def test_get_and_post_carry_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, str], str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "")
        seen.append((request.method, dict(request.query), await request.text(), token))
        return web.json_response({"yuan": 1.5})

    monkeypatch.setenv("CRM_TOKEN", "t0ken")
    request = {"number": "138&x=1", "note": "ü #"}
    async with service(answer, path="/a?fixed=1") as crm:
        assert await crm.ask("crm", request, 2) == {"yuan": 1.5}
    async with service(answer, method="POST", token_env="CRM_TOKEN") as crm:
        assert await crm.ask("crm", request, 2) == {"yuan": 1.5}
    assert seen[0] == ("GET", {"fixed": "1", **request}, "", "")
    assert seen[1][:2] == ("POST", {}) and json.loads(seen[1][2]) == request and seen[1][3] == "Bearer t0ken"


async def test_only_flat_values_with_names_are_taken() -> None:
    body = {
        "balanceDue": 3, "x-y": "z", "VIP": True, "none": None, "list": [1], "deep": {"a": 1}, "1a": 1, "a b": 1,
        "": 1, "long": "x" * 2000, "huge": 10**40, "text": "ü\n", "f": 0.5,
    }  # fmt: skip
    async with service(saying(json.dumps(body))) as crm:
        found = await crm.ask("crm", {}, 2)
    assert found == {"balance_due": 3, "x_y": "z", "vip": True, "text": "ü\n", "f": 0.5}


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (saying("{}", 404), "not-found"),
        (saying("{}", 500), "refused"),
        (saying("{}", 201), "refused"),
        (saying("[1]"), "bad-answer"),
        (saying("<html>"), "bad-answer"),
        (saying(b"\xff\xfe\x00"), "bad-answer"),
        (saying(b""), "bad-answer"),
        (saying("[" * 60_000), "bad-answer"),
        (saying('{"n": ' + "9" * 6_000 + "}"), "bad-answer"),
        (saying('{"a": "' + "x" * 70_000 + '"}'), "too-large"),
        (saying(json.dumps({f"a{n}": 1 for n in range(99)})), "too-large"),
        (saying("{}", Content_Encoding="br"), "bad-answer"),
        (saying("", 302, Location="http://127.0.0.2:1/x"), "redirected"),
        (saying("", 302, Location="https://127.0.0.1/x"), "redirected"),
        (saying("", 302, Location="/again"), "redirected"),
        (saying("", 302), "redirected"),
    ],
)
async def test_whatever_it_answers_is_a_reason(answer: Answer, wanted: str) -> None:
    async with service(answer) as crm:
        assert await reason(crm.ask("crm", {"a": "1"}, 2)) == wanted


async def test_not_a_number_is_left_out() -> None:
    async with service(saying('{"a": NaN, "b": Infinity, "c": 1}')) as crm:
        assert await crm.ask("crm", {}, 2) == {"c": 1}


async def test_a_redirect_on_the_same_host_is_followed_by_get_only() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/new":
            return web.json_response({"ok": True})
        return web.Response(status=307, headers={"Location": "/new"})

    async with service(answer) as crm:
        assert await crm.ask("crm", {}, 2) == {"ok": True}
    async with service(answer, method="POST") as crm:
        assert await reason(crm.ask("crm", {}, 2)) == "redirected"


@pytest.mark.parametrize("how", ["silent", "trickle"])
async def test_a_slow_service_is_given_up(how: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if how == "trickle":
            await response.prepare(request)
            for _ in range(500):
                await response.write(b" ")
                await asyncio.sleep(0.02)
        await asyncio.sleep(10)
        return response

    async with service(answer, timeout_s=0.2) as crm:
        assert await reason(crm.ask("crm", {}, 10)) == "timeout"
    async with service(answer) as crm:
        assert await reason(crm.ask("crm", {}, 0.1)) == "timeout"


async def test_a_service_that_is_down_garbled_or_cut_off() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        said = {
            "/cut": b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"a"',
            "/junk": b"\x00\x01 what\r\n\r\n",
            "/": b"",
        }
        writer.write(said[path])
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    paths = {"down": "", "cut": "cut", "junk": "junk"}
    crm = HttpLookUps({name: HttpLookUp(url=f"http://127.0.0.1:{port}/{path}") for name, path in paths.items()})
    for name in paths:
        assert await reason(crm.ask(name, {}, 2)) == "unreachable"
    server.close()
    await server.wait_closed()
    assert await reason(crm.ask("down", {}, 2)) == "unreachable"
    await crm.close()


async def test_a_missing_token_is_never_sent_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(saying("{}"), token_env="NO_SUCH_TOKEN") as crm:
        assert await reason(crm.ask("crm", {}, 2)) == "no-token"
        monkeypatch.setenv("NO_SUCH_TOKEN", "a\nb")
        assert await reason(crm.ask("crm", {}, 2)) == "no-token"


@pytest.mark.parametrize("url", ["", "x", "ftp://a/b", "file:///etc/passwd", "http:///x", "http://u:p@h/", "http://[/"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^lookups\.http\.crm\.url: "):
        HttpLookUps({"crm": HttpLookUp(url=url)})


# -- SQL --

QUERIES = """
-- name: customer
-- One customer.
SELECT name, balance / 100.0 AS balance_yuan, vip, empty, raw, "Odd Name" FROM customer WHERE number = :number;
-- name: everyone
SELECT name FROM customer ORDER BY name;
-- name: forever
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n;
-- name: change
UPDATE customer SET name = 'x' RETURNING name;
-- name: twice
SELECT 1 AS one; SELECT 2 AS two;
-- name: attach
ATTACH DATABASE :file AS other;
-- name: pragma
PRAGMA user_version;
-- name: large
SELECT zeroblob(2000000) AS z;
-- name: nonsense
SELEC;
"""


@pytest.fixture
def shop(tmp_path: Path) -> SqlLookUps:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as conn:
        conn.execute('CREATE TABLE customer (number, name, balance, vip, empty, raw, "Odd Name")')
        rows = [("1", "Ana", 8650, 1, None, b"x", 1), ("2", "Bo", 0, 0, None, b"x", 1)]
        conn.executemany("INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        conn.commit()
    (tmp_path / "shop.sql").write_text(QUERIES)
    names = [line.removeprefix("-- name: ") for line in QUERIES.splitlines() if line.startswith("-- name")]
    common: dict[str, Any] = {"database": "shop.db", "queries": "shop.sql"}
    queries = {name: SqlLookUp(**common, timeout_s=0.3) for name in [*names, "missing"]}
    queries["alias"] = SqlLookUp(**common, query="everyone")
    queries["no-file"] = SqlLookUp(database="shop.db", queries="none.sql")
    queries["no-database"] = SqlLookUp(database="none.db", queries="shop.sql", query="everyone")
    return SqlLookUps(queries, tmp_path)


async def test_one_row_of_scalars(shop: SqlLookUps, tmp_path: Path) -> None:
    found = await shop.ask("customer", {"number": "1", "more": "x"}, 2)
    assert found == {"name": "Ana", "balance_yuan": 86.5, "vip": 1}
    assert await shop.ask("alias", {}, 2) == {"name": "Ana"}


async def test_values_are_values(shop: SqlLookUps) -> None:
    assert await reason(shop.ask("customer", {"number": "1' OR '1'='1"}, 2)) == "not-found"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("customer", "missing-value"),
        ("forever", "timeout"),
        *((name, "broken") for name in ("change", "twice", "attach", "pragma", "large", "nonsense", "missing")),
        ("no-file", "broken"),
        ("no-database", "broken"),
        ("unknown", "no-such-query"),
    ],
)
async def test_what_may_not_be_or_is_not(shop: SqlLookUps, tmp_path: Path, name: str, wanted: str) -> None:
    before = (tmp_path / "shop.db").read_bytes()
    assert await reason(shop.ask(name, {"file": str(tmp_path / "new.db")}, 2)) == wanted
    assert (tmp_path / "shop.db").read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"shop.db", "shop.sql"}


async def test_a_locked_file_is_a_time_out(shop: SqlLookUps, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert await reason(shop.ask("everyone", {}, 2)) == "timeout"


async def test_a_cancelled_query_stops(shop: SqlLookUps) -> None:
    asking = asyncio.create_task(shop.ask("forever", {}, 2))
    await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await shop.ask("everyone", {}, 2) == {"name": "Ana"}


# -- the front --


def front(tmp_path: Path, **changes: Any) -> LookUps:
    settings = Settings.model_validate(merged(sample(), changes))
    return LookUps(Site(tmp_path / "config.yaml", settings, secrets_for(settings)))


@pytest.fixture
async def look_ups(tmp_path: Path, shop: SqlLookUps) -> AsyncIterator[LookUps]:
    (tmp_path / "agi_scripts").mkdir()
    source = (
        "import asyncio\nasync def look_up(asked):\n    await asyncio.sleep(float(asked['s']))\n    return {'a': 1}\n"
    )
    (tmp_path / "agi_scripts/slow.py").write_text(source)
    lookups = {
        "at_once_max": 2,
        "http": {"crm": {"url": "http://127.0.0.1:9/"}},
        "sql": {"everyone": {"database": "shop.db", "queries": "shop.sql"}},
    }
    made = front(tmp_path, lookups=lookups)
    yield made
    await made.close()


async def test_one_front_for_all(look_ups: LookUps) -> None:
    assert [look_ups.names(kind) for kind in ("agi", "http", "sql")] == [("slow",), ("crm",), ("everyone",)]
    assert await look_ups.ask("agi", "slow", {"s": "0"}, 2) == {"a": 1}
    assert await look_ups.ask("sql", "everyone", {}, 2) == {"name": "Ana"}
    assert await reason(look_ups.ask("http", "crm", {}, 2)) == "unreachable"
    assert await reason(look_ups.ask("http", "everyone", {}, 2)) == "no-such-service"
    assert await reason(look_ups.ask("ldap", "x", {}, 2)) == "no-such-kind"  # type: ignore[arg-type]
    assert look_ups.counts == {
        ("agi", "ok"): 1,
        ("sql", "ok"): 1,
        ("http", "unreachable"): 1,
        ("http", "no-such-service"): 1,
    }


async def test_who_is_asked_gets_texts(look_ups: LookUps, tmp_path: Path) -> None:
    (tmp_path / "agi_scripts/echo.py").write_text("def look_up(request):\n    return request\n")
    found = await look_ups.ask("agi", "echo", {"a": True, "b": False, "c": 2.0, "d": 86.5, "e": 7, "f": "007"}, 2)
    assert found == {"a": "true", "b": "false", "c": "2", "d": "86.5", "e": "7", "f": "007"}


async def test_too_many_at_once_fail_at_once(look_ups: LookUps) -> None:
    slow = [asyncio.create_task(look_ups.ask("agi", "slow", {"s": "60"}, 60)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await reason(look_ups.ask("sql", "everyone", {}, 2)) == "busy"
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert look_ups.at_once == 0 and look_ups.counts["agi", "cancelled"] == 2
    assert await look_ups.ask("sql", "everyone", {}, 2) == {"name": "Ana"}


async def test_failures_are_logged_without_what_was_asked(look_ups: LookUps) -> None:
    with capture_logs() as logs:
        await reason(look_ups.ask("agi", "slow", {"s": "x", "password": "314159"}, 2))
        await reason(look_ups.ask("http", "crm", {"password": "314159"}, 2))
    assert [line["event"] for line in logs] == ["script broken", "look-up failed", "look-up failed"]
    assert "314159" not in str(logs)


async def test_the_dialplans_server_asks_the_same_front(look_ups: LookUps) -> None:
    server = look_ups.server()
    await server.start(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"agi_network: yes\nagi_network_script: slow\nagi_request: agi://x/slow\nagi_arg_1: s=0\n\n")
    said = []
    while line := (await asyncio.wait_for(reader.readline(), 3)).decode():
        said.append(line.strip())
        writer.write(b"200 result=1\n")
    writer.close()
    await server.close()
    assert said == ['SET VARIABLE "HOTLINE_A" "1"', 'SET VARIABLE "HOTLINE_STATUS" "OK"']
    assert look_ups.counts["agi", "ok"] == 1


def test_the_samples_settings_make_a_front() -> None:
    settings = Settings.model_validate(sample())
    assert settings.agi.port == 4573
    made = LookUps(Site(REPOSITORY / "config.yaml", settings, secrets_for(settings)))
    assert "balance" in made.names("agi")
