"""Call control end to end: an Asterisk whose agents may supervise and transfer, and a telephone outside.

Who hears whom is told by tones: the caller 600 Hz, agents 900 and 1100, a supervisor 1500, the outside 1900.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ari_app.model.control import Control, ControlAsked
from ari_app.model.ids import AgentId, Number, RequestId
from ari_app.model.settings import NumberPlan
from ari_app.phones import audio
from ari_app.phones.call import Call
from ari_app.phones.phone import Phone, answer_after
from tests.asterisk import REPOSITORY, RunningAsterisk
from tests.e2e.kit import CHANGES, PORTS, Hotline, talk
from tests.e2e.test_calls import to_queue

CALLER_HZ, FIRST_HZ, SECOND_HZ, BOSS_HZ, OUTSIDE_HZ = 600, 900, 1100, 1500, 1900
NUMBER = "13900139000"

CONTROL: dict[str, Any] = {
    **CHANGES,
    "agents": {
        "8025": {"phone": "p8025", "skills": {"billing": 3, "mandarin": 3}, "may": ["transfer-blind"]},
        "8026": {"phone": "p8026", "skills": {"network": 3}},
        "8099": {"phone": "visitor", "skills": {"english": 1}, "may": ["supervise"]},
    },
    "agent_rules": {"no_ringing_s": 2, "hold_reminders_s": [1, 2]},
    "outbound": {"trunk": "local", "permitted": ["139XXXXXXXX"], "ring_s": 5},
    "directory": {"700": "agent:8026", "701": f"number:{NUMBER}"},
}


def with_flow(asterisk: RunningAsterisk, folder: Path, text: str) -> RunningAsterisk:
    """The same house, but 1861 is answered by this flow beside the repository's."""
    flows = folder / "flows"
    flows.mkdir()
    for file in (REPOSITORY / "ivr_flows").glob("*.yaml"):
        (flows / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (flows / "node.yaml").write_text(text, encoding="utf-8")
    settings = asterisk.settings
    changes = {
        "paths": settings.paths.model_copy(update={"flows": str(flows)}),
        "numbers": {**settings.numbers, "1861": NumberPlan(flow="node")},
    }
    return replace(asterisk, settings=settings.model_copy(update=changes))


async def ask(hotline: Hotline, agent: str, action: Control, target: str = "", note: str = "") -> tuple[bool, str]:
    hotline._asks += 1
    number = Number(target.removeprefix("number:") if target.startswith("number:") else "")
    asked = ControlAsked(
        AgentId(agent), action, "" if number else target, number, note, RequestId(f"control-{hotline._asks}")
    )
    reply = await asyncio.wait_for(hotline.daemon.desk.ask(asked), 5)
    return reply.ok, reply.message


async def does(hotline: Hotline, agent: str, action: Control, target: str = "", note: str = "") -> None:
    ok, message = await ask(hotline, agent, action, target, note)
    assert ok, message


@asynccontextmanager
async def outside(asterisk: RunningAsterisk) -> AsyncIterator[Phone]:
    """The telephone behind the trunk."""
    async with Phone(NUMBER, None, asterisk.sip, PORTS, sip_port=asterisk.spare_ports[0]) as phone:
        phone.on_invite = answer_after(0.1)
        yield phone


async def connected(caller: Phone, desk: Phone, key: str = "1") -> tuple[Call, Call]:
    """A caller talking to whoever answers `desk`; the work number has been said."""
    call = await to_queue(caller, key)
    answering = await desk.incoming()
    await talk(call, answering, 0.2, (CALLER_HZ, FIRST_HZ))
    return call, answering


async def hears(call: Call, *tones: int, without: tuple[int, ...] = ()) -> None:
    """Within a time every tone is heard; then, for a second, all of `tones` and none of `without`."""
    for hz in tones:
        await call.wait_tone(hz, 10)
    while True:
        since = time.monotonic()
        assert await call.lasts(1.0), f"{call} ended"
        pcm = call.pcm(since)
        levels = {hz: audio.tone_dbfs(pcm, hz) for hz in (*tones, *without)}
        if all(levels[hz] > -30 for hz in tones):
            break
    assert all(levels[hz] < -45 for hz in without), levels
