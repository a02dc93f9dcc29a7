"""A caller who harasses: marked by an agent, screened by Asterisk alone, appeals, is lifted, and gets through again."""

import asyncio
import re
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ari_app import screening
from ari_app.model.facts import CallOpened, Connected, MessageLeft, SituationBegan
from ari_app.model.ids import Number
from ari_app.model.screening_facts import AppealLeft, CallerScreened, ScreeningAsked, ScreeningRefused
from ari_app.model.work import MessageStored
from ari_app.phones import audio
from ari_app.screenlist import difference
from ari_app.store import connect
from ari_app.store.erasure import erase_person
from tests.e2e.kit import CALLER, Hotline

VIP, OTHER = "13800138001", "13700137000"


async def until(held: Any, timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not held():
            await asyncio.sleep(0.05)


def playing(hotline: Hotline) -> str:
    """What the channels of the dialplan do now."""
    return hotline.asterisk.instance.cli("core show channels concise")


def kept(hotline: Hotline, family: str) -> str:
    return hotline.asterisk.instance.cli(f"database show {family}")


def kept_calls(hotline: Hotline) -> dict[str, str]:
    """What Asterisk has counted."""
    shown = hotline.asterisk.instance.cli("dialplan show globals")
    return dict(re.findall(r"SCREENED_([A-Z]+)=([0-9]+)", shown))


async def reply(hotline: Hotline, **wish: Any) -> str:
    said = await asyncio.wait_for(hotline.daemon.desk.screen(ScreeningAsked(by="8026", **wish)), 10)
    return said.message


@pytest.mark.timeout(120)
async def test_marked_screened_appealed_lifted(hotline: Hotline) -> None:
    """The second call is Asterisk's alone; Asterisk's list and the store agree before and after."""
    async with hotline.agent("8025") as desk, hotline.caller() as caller:
        call = await caller.dial("1860")
        await call.wait_answered()
        await call.press("1")
        answering = await desk.incoming()
        await answering.wait_answered()
        await hotline.wait(Connected)
        await answering.press("*#")
        marked = await hotline.wait(CallerScreened)
        await hotline.wait(SituationBegan, situation="nuisance-call")
        await call.hangup()
        await hotline.closed()
        await until(lambda: hotline.daemon.screens.agrees)
        assert CALLER in kept(hotline, "screened") and f"86{CALLER}" in kept(hotline, "screened")
        assert difference(hotline.daemon.site, hotline.asterisk.instance) == ([], [])

        again = await caller.dial("1860")
        await until(lambda: "screening-notice" in playing(hotline))
        rival = await caller.dial("1860")  # A second call of the same number at once is not even answered.
        assert await rival.wait_ended(5) is None and rival.status == 403
        await until(lambda: "screening-appeal-ask" in playing(hotline), 25)
        assert kept_calls(hotline) == {"ANSWERED": "1", "REFUSED": "1"}
        await until(lambda: hotline.daemon.screens.calls == {"answered": 1, "refused": 1}, screening.COUNT_S + 5)
        await again.press("1")
        await until(lambda: "!AGI!" in playing(hotline), 20)
        new = Path(hotline.asterisk.layout.net, "new")
        await until(lambda: list(new.glob("*.wav")))
        again.play_tone(700)
        await until(lambda: max(path.stat().st_size for path in new.glob("*.wav")) > 48_000)
        await again.hangup()
        appeal = await hotline.wait(AppealLeft, 20)
        assert appeal.screening == marked.screening
        left = await hotline.wait(MessageLeft)
        assert (left.box, left.back) == ("appeals", CALLER)
        assert [fact.call for fact in hotline.facts if isinstance(fact, CallOpened)] == [marked.call]
        await until(lambda: f"{marked.until:.0f}" in kept(hotline, "appealed"))
        stored = await hotline.wait(MessageStored)
        _, (pcm,) = audio.read_wav(hotline.daemon.site.messages / stored.path)
        assert audio.heard(pcm, 700)

        assert await reply(hotline, wish="lift", why="a wrong line", screening=marked.screening) == "lifted"
        await until(lambda: hotline.daemon.screens.agrees)
        assert CALLER not in kept(hotline, "screened") and CALLER not in kept(hotline, "appealed")
        third = await caller.dial("1860")
        await hotline.wait(CallOpened, 10, count=2)
        await third.hangup()
        await hotline.closed(count=2)


@pytest.mark.timeout(60)
async def test_the_wish_to_erase_a_number_does_not_keep_it(hotline: Hotline) -> None:
    """The wish names the number, and is written down like every event: before it is answered."""
    store, number = hotline.daemon.site.store, Number("13600136001")
    assert await reply(hotline, wish="erase", why="", number=number) == "not screened"
    assert await asyncio.to_thread(erase_person, store, [number], time.time(), "test") is not None
    await asyncio.wrap_future(hotline.daemon.loop.committed())
    with closing(connect.reading(store)) as conn:
        wished = "SELECT count(*) FROM event WHERE kind = 'ScreeningAsked' AND body ->> '$.wish' = 'erase'"
        assert conn.execute(wished).fetchone()[0] == 1
        assert conn.execute("SELECT count(*) FROM person WHERE value = ?", (number,)).fetchone()[0] == 0


@pytest.mark.timeout(60)
async def test_a_vip_is_refused_and_an_old_entry_lapses_by_itself(hotline: Hotline) -> None:
    said = await reply(hotline, wish="add", why="insults", number=Number(VIP))
    assert said == "not screened: a VIP by the caller's record"
    await hotline.wait(ScreeningRefused)
    assert "screened until" in await reply(hotline, wish="add", why="insults", number=Number(f"+86{OTHER}"))
    await until(lambda: hotline.daemon.screens.agrees)
    assert OTHER in kept(hotline, "screened")
    assert await reply(hotline, wish="erase", why="", number=Number(OTHER)) == "no longer screened"
    await until(lambda: hotline.daemon.screens.agrees)
    assert OTHER not in kept(hotline, "screened")
    hotline.asterisk.instance.cli(f"database put screened {OTHER} 1700000000/digit-1/digit-1")
    assert difference(hotline.daemon.site, hotline.asterisk.instance) == ([], [])
    async with hotline.caller(OTHER) as caller:
        call = await caller.dial("1860")
        await hotline.opened()
        await call.hangup()
        await hotline.closed()
    hotline.asterisk.instance.cli(f"database put screened {OTHER} 99999999999/digit-1/digit-1")
    assert difference(hotline.daemon.site, hotline.asterisk.instance) == ([], [OTHER])
    hotline.daemon.ami._drop()  # A lost connection: what Asterisk has too much goes at the next one.
    await until(lambda: OTHER not in kept(hotline, "screened"), 20)
