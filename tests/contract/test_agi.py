"""AGI() of a real Asterisk against our FastAGI server: from a plain dialplan, and command by command."""

import asyncio
import itertools
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from ari_app.agi.scripts import Scripts
from ari_app.agi.server import AgiServer, Bounds, Serve, from_dialplan
from ari_app.agi.session import AgiError, AgiFailed, AgiHungUp, Session
from ari_app.model.settings import Secrets
from ari_app.provision.instance import Instance
from ari_app.render.asterisk import render
from tests.asterisk import (
    REPOSITORY,
    RunningAsterisk,
    asterisk_install,
    port_block,
    private_layout,
    secrets_for,
    settings_on,
    stub_sounds,
)

# One extension for each use of AGI(); what came of it is kept in Asterisk's own database, by the call's name (RUN).
DIALPLAN = """
[agi-test]
exten => ask,1,Set(HOTLINE_STATUS=)
 same => n,AGI(agi://127.0.0.1:{port}/${{SCRIPT}},number=${{NUMBER}},password=${{PASSWORD}})
 same => n,Set(DB(${{RUN}}/agi)=${{AGISTATUS}})
 same => n,Set(DB(${{RUN}}/reason)=${{HOTLINE_REASON}})
 same => n,Set(DB(${{RUN}}/balance)=${{HOTLINE_BALANCE_YUAN}} ${{HOTLINE_STOPPED}} ${{HOTLINE_VIP}})
 same => n,Set(DB(${{RUN}}/result)=${{HOTLINE_RESULT}})
 same => n,Set(DB(${{RUN}}/status)=[${{HOTLINE_STATUS}}])
 same => n,Hangup()
exten => session,1,AGI(agi://127.0.0.1:{port}/session,one,,three)
 same => n,Set(DB(${{RUN}}/back)=${{BACK}})
 same => n,Hangup()
exten => h,1,Set(DB(${{RUN}}/over)=${{AGISTATUS}})

[agi-keys]
exten => press,1,Answer()
 same => n,Wait(0.3)
 same => n,SendDTMF(4271,100,60)
 same => n,Wait(60)
exten => silent,1,Answer()
 same => n,Wait(60)
"""
RUNS = itertools.count(1)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    """An Asterisk whose dialplan asks the AGI server on its first spare port."""
    folder = tmp_path_factory.mktemp("agi")
    with port_block() as first:
        settings = settings_on(first, folder, {"paths": {"sounds": str(stub_sounds(folder))}})
        secrets: Secrets = secrets_for(settings)
        installed = asterisk_install()
        layout = private_layout(settings, folder, installed)
        instance = Instance(installed, layout, settings.asterisk)
        files = render(settings, secrets, layout)
        files["extensions.conf"] += DIALPLAN.format(port=first + 4)
        instance.write(files)
        instance.start()
        try:
            yield RunningAsterisk(settings, secrets, layout, instance, folder, tuple(range(first + 4, first + 10)))
        finally:
            instance.stop()


@asynccontextmanager
async def serving(here: RunningAsterisk, serve: Serve) -> AsyncIterator[AgiServer]:
    server = AgiServer(serve, Bounds(sessions_max=20))
    await server.start(here.spare_ports[0])
    try:
        yield server
    finally:
        await server.close()


class Run:
    """One call into `extension`, the other end of it at `far` of agi-keys."""

    def __init__(self, here: RunningAsterisk, extension: str, far: str = "silent", **variables: str) -> None:
        self.here = here
        self.name = f"run{next(RUNS)}"
        self.extension, self.far = extension, far
        self.variables = {"RUN": self.name, "SCRIPT": "balance", "NUMBER": "", "PASSWORD": "", **variables}

    async def cli(self, command: str) -> str:
        return await asyncio.to_thread(self.here.instance.cli, command)

    async def start(self) -> None:
        """Originate it, with the variables."""
        where = {"endpoint": f"Local/{self.far}@agi-keys/n", "context": "agi-test", "extension": self.extension}
        headers = {"Authorization": aiohttp.encode_basic_auth("hotline", self.here.secrets.ari_password)}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(f"{self.here.ari_url}/channels", params=where, json={"variables": self.variables}) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def value(self, key: str) -> str:
        """What the dialplan noted under a key, once it has."""
        end = time.monotonic() + 8
        while time.monotonic() < end:
            said = await self.cli(f"database get {self.name} {key}")
            if said.startswith("Value: "):
                return said.removeprefix("Value: ").rstrip("\n")
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.name}/{key} was never set")

    async def hang_up(self) -> None:
        await self.cli("channel request hangup all")


async def no_channel_left(here: RunningAsterisk) -> None:
    end = time.monotonic() + 8
    while "0 active channels" not in (said := await asyncio.to_thread(here.instance.cli, "core show channels count")):
        assert time.monotonic() < end, said
        await asyncio.sleep(0.05)


async def run(here: RunningAsterisk, **variables: str) -> Run:
    made = Run(here, "ask", **variables)
    await made.start()
    return made


# -- from a plain dialplan --


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    monkeypatch.setenv("HOTLINE_CUSTOMERS", str(tmp_path / "customers.db"))
    found = Scripts(REPOSITORY / "agi_scripts")
    return from_dialplan(lambda name, request: found.run(name, request, 5))


async def test_a_look_up_sets_variables(here: RunningAsterisk, scripts: Serve) -> None:
    async with serving(here, scripts) as server:
        one = await run(here, NUMBER="13800138007")
        assert await one.value("status") == "[OK]"
        assert await one.value("agi") == "SUCCESS"
        assert await one.value("balance") == "0 yes yes"
        two = await run(here, NUMBER="13800138000", SCRIPT="check_password", PASSWORD="502918")
        assert (await two.value("status"), await two.value("result")) == ("[OK]", "ok")
        three = await run(here, NUMBER="13900000000")
        assert (await three.value("status"), await three.value("reason")) == ("[FAILED]", "no-such-number")
        four = await run(here, SCRIPT="../balance")
        assert (await four.value("status"), await four.value("reason")) == ("[FAILED]", "no-such-script")
        assert server.counts["served"] == 4
    await no_channel_left(here)


async def test_without_a_server_the_dialplan_goes_on(here: RunningAsterisk) -> None:
    one = await run(here, NUMBER="13800138000")
    assert await one.value("status") == "[]"
    assert await one.value("agi") == "FAILURE"
    await no_channel_left(here)


async def test_a_server_that_refuses_lets_the_dialplan_go_on(here: RunningAsterisk, scripts: Serve) -> None:
    async with serving(here, scripts) as server:
        server.sessions = 1000  # As if they were there.
        one = await run(here, NUMBER="13800138000")
        assert await one.value("status") == "[]"
        assert server.counts["refused"] == 1
    await no_channel_left(here)


async def test_a_hang_up_during_a_look_up_frees_the_channel(here: RunningAsterisk) -> None:
    began = asyncio.Event()

    async def slow(_: str, __: object) -> dict[str, str]:
        began.set()
        await asyncio.sleep(60)
        return {}

    async with serving(here, from_dialplan(slow)) as server:
        one = await run(here)
        await asyncio.wait_for(began.wait(), 8)
        await one.hang_up()
        await no_channel_left(here)
        assert server.counts["hung-up"] == 1 and server.sessions == 0
        assert await one.value("over")


async def test_a_server_that_goes_away_lets_the_dialplan_go_on(here: RunningAsterisk) -> None:
    began = asyncio.Event()

    async def slow(_: str, __: object) -> dict[str, str]:
        began.set()
        await asyncio.sleep(60)
        return {}

    async with serving(here, from_dialplan(slow)):
        one = await run(here)
        await asyncio.wait_for(began.wait(), 8)
    assert await one.value("status") == "[]"
    await no_channel_left(here)


# -- command by command --


async def in_session(here: RunningAsterisk, far: str, use: Callable[[Session, Run], Awaitable[None]]) -> Run:
    """`use` with a real channel; its assertions fail here."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    made = Run(here, "session", far)

    async def serve(session: Session) -> None:
        try:
            await use(session, made)
        except BaseException as error:
            done.set_exception(error)
            raise
        done.set_result(None)

    async with serving(here, serve):
        await made.start()
        await asyncio.wait_for(done, 20)
    await no_channel_left(here)
    return made


async def test_variables_survive_the_way_there_and_back(here: RunningAsterisk) -> None:
    async def use(session: Session, _: Run) -> None:
        assert session.arguments == ("one", "", "three")
        assert session.env["network_script"] == "session" and session.env["context"] == "agi-test"
        for value in ('a "b" \\ c', "  blanks  ", "值 ü", "a,b;c|d(e)", "${EXTEN}", "", "\\", '"', "tab\there", "1)"):
            await session.set_variable("MINE", value)
            assert await session.get_variable("MINE") == value
        await session.set_variable("LONG", "x" * 2000)
        assert (await session._ask("GET FULL VARIABLE", "${LEN(${LONG})}")).value == "2000"
        assert await session.get_variable("LONG") == "x" * 1023  # Cut by Asterisk on the way back.
        with pytest.raises(AgiFailed):
            await session.set_variable("LONG", "x" * 2048)
        assert await session.get_variable("NOBODY") is None
        assert await session.get_variable("CHANNEL(language)") == "zh-CN"
        await session.set_variable("CHANNEL(language)", "en")
        assert await session.get_variable("CHANNEL(language)") == "en"
        await session.exec("Set", "BACK=two words")
        assert await session.get_variable("BACK") == "two words"

    made = await in_session(here, "silent", use)
    assert await made.value("back") == "two words"


async def test_a_value_with_line_feeds_is_read_whole(here: RunningAsterisk) -> None:
    async def use(session: Session, _: Run) -> None:
        await session.set_variable("NOT", "expanded ${LINES}")
        assert await session.get_variable("NOT") == "expanded ${LINES}"
        assert await session.get_variable("URIDECODE(a%0Ab%0Ac)") == "a\nb\nc"
        assert await session.get_variable("NOT") == "expanded ${LINES}"

    await in_session(here, "silent", use)


async def test_refusals(here: RunningAsterisk) -> None:
    async def use(session: Session, _: Run) -> None:
        with pytest.raises(AgiFailed, match="510"):
            session._good("x", await session._ask("NO SUCH THING"))
        with pytest.raises(AgiFailed, match="520"):
            session._good("x", await session._ask("GET DATA"))
        with pytest.raises(AgiFailed, match="no such application"):
            await session.exec("NoSuchApplication")
        with pytest.raises(AgiFailed):
            await session.stream_file("/no/such/file")
        await session.verbose('said "so"', 1)

    await in_session(here, "silent", use)


def tone(folder: Path, seconds: float) -> str:
    path = folder / f"quiet-{seconds}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(int(16000 * seconds)))
    return str(path.with_suffix(""))


async def test_keys_and_prompts(here: RunningAsterisk, tmp_path: Path) -> None:
    async def use(session: Session, _: Run) -> None:
        await session.answer()
        assert await session.wait_for_digit(5) == "4"
        assert await session.get_data(tone(tmp_path, 0.1), 5, 2) == "27"
        assert await session.stream_file(tone(tmp_path, 9), "123") == "1"
        assert await session.wait_for_digit(0.05) == ""
        assert await session.get_data(tone(tmp_path, 0.1), 0.1, 4) == ""
        assert await session.stream_file(tone(tmp_path, 0.1)) == ""
        assert await session.exec("NoOp") == "0"

    await in_session(here, "press", use)


async def test_a_hang_up_in_the_middle_of_a_prompt(here: RunningAsterisk, tmp_path: Path) -> None:
    async def use(session: Session, made: Run) -> None:
        playing = asyncio.create_task(session.stream_file(tone(tmp_path, 30)))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await made.hang_up()
        with pytest.raises(AgiFailed):
            await playing
        assert time.monotonic() - began < 3
        await asyncio.wait_for(session.hung_up.wait(), 3)
        with pytest.raises(AgiHungUp):  # 511
            await session.stream_file(tone(tmp_path, 1))
        await session.set_variable("STILL", "works")
        assert await session.get_variable("STILL") == "works"
        await session.hangup()

    await in_session(here, "silent", use)


async def test_hangup_from_our_side(here: RunningAsterisk) -> None:
    async def use(session: Session, made: Run) -> None:
        await session.hangup()
        with pytest.raises(AgiError):
            await session.answer()
            await session.stream_file("x")

    made = await in_session(here, "silent", use)
    assert await made.value("over")
