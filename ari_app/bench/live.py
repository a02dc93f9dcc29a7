"""`hotline bench line --live N`: what listening to N callers at once costs on the real Asterisk, the whole way.

Twice the same: N SIPp callers talk to N agents, recorded, once with nobody listening to their lines (`lines_max: 0`),
once with all N heard. What the second takes more, over the same stretch in which all talk, is the price:
- asterisk_cpu_ms_per_audio_s: Asterisk, which writes a file of each caller's voice;
- path_cpu_ms_per_audio_s: ours: the analyser, and what it costs the daemon to follow it.
Callers speak all the time (a prompt over and over): the dearest a line can be.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ari_app.bench import figures
from ari_app.bench.calls import KEY_AFTER_S, RING_S, SETTLE_S, SPARE_AGENTS, Cpu, Say, cpu_now, sign_in
from ari_app.bench.house import LANGUAGE, NEXT_PROMPT, NUMBER, House, Scale, house
from ari_app.bench.tally import POLL_S, Calls
from ari_app.errors import HotlineError
from ari_app.media.prompts import Prompts
from ari_app.model.facts import LineHeard, LineMissed
from ari_app.phones import audio, sipp
from ari_app.phones.sipp import Agents, Callers, Load, run_agents, run_callers
from ari_app.provision.install import Install
from ari_app.site import Site
from ari_app.store.reader import open_reader

RATE: Final = 10.0  # Calls a second until all are there.
HEARD_S: Final = 6.0  # All talk, and have had their first verdict, when the clock starts.
MEASURED_S: Final = 15.0
SPARE_S: Final = 3.0  # Callers stay longer than is measured.
TALK_S: Final = 20.0  # Within which all talk.
SPOKEN: Final = "main-menu"


@dataclass(frozen=True)
class Run:
    """CPU seconds of daemon, Asterisk and analyser while all talked; verdicts and refusals of the whole run."""

    cpu: Cpu
    heard: int
    missed: int


def bench_live(site: Site, install: Install, lines: int, say: Say) -> dict[str, Any]:
    """HotlineError when it cannot be run, or not all lines talked."""
    if not sipp.available():
        raise HotlineError("sipp is not installed; try: apt-get install sip-tester")
    here, runs = figures.machine(), []
    for lines_max in (0, lines):
        say(f"{lines} calls, {lines_max} of them listened to")
        with house(
            site, install, Scale(lines + SPARE_AGENTS, lines + SPARE_AGENTS), {"line": {"lines_max": lines_max}}
        ) as running:
            runs.append(asyncio.run(_measure(running, lines)))
    off, on = runs
    cost = [1000 * (more - less) / (lines * MEASURED_S) for more, less in zip(on.cpu, off.cpu, strict=True)]
    daemon, asterisk, analyser = cost
    return {
        "path_cpu_ms_per_audio_s": round(daemon + analyser, 3),
        "asterisk_cpu_ms_per_audio_s": round(asterisk, 3),
        "together_cpu_ms_per_audio_s": round(sum(cost), 3),
        "analyser_cpu_ms_per_audio_s": round(analyser, 3),
        "daemon_cpu_ms_per_audio_s": round(daemon, 3),
        "unheard_call_cpu_ms_per_s": {
            "daemon": round(1000 * off.cpu[0] / (lines * MEASURED_S), 3),
            "asterisk": round(1000 * off.cpu[1] / (lines * MEASURED_S), 3),
        },
        "lines": lines,
        "lines_heard": on.heard,
        "lines_missed": on.missed,
        "seconds": MEASURED_S,
        "asterisk_version": str(install.version),
        **here,
    }


async def _measure(running: House, lines: int) -> Run:
    await sign_in(running, Scale(lines + SPARE_AGENTS, lines).numbers)
    prompts = Prompts.load(running.site.sounds)
    ramp_s = lines / RATE
    stay_s = ramp_s + prompts.seconds(NEXT_PROMPT, LANGUAGE) + HEARD_S + MEASURED_S + SPARE_S
    plan = Callers(NUMBER, RATE, ramp_s, key_after_s=KEY_AFTER_S, stay_s=stay_s, sound=_speech(running.site.sounds))
    calls = Calls(running.site.store)
    async with run_agents(Agents(running.agents_port, RING_S, media_port=running.echo_port)):
        load = asyncio.create_task(run_callers(running.server, plan))
        try:
            await _all_talk(calls, lines, load)
            await asyncio.sleep(HEARD_S)
            before = cpu_now(running)
            await asyncio.sleep(MEASURED_S)
            after = cpu_now(running)
            await asyncio.to_thread(calls.read)
            if calls.closed:
                raise HotlineError(f"{len(calls.closed)} of {lines} calls ended before they were measured")
        finally:
            await load
        await calls.settled(SETTLE_S)
    heard, missed = _facts(running.site.store)
    daemon, asterisk, analyser = (end - begin for begin, end in zip(before, after, strict=True))
    return Run((daemon, asterisk, analyser), heard, missed)


def _speech(sounds: Path) -> bytes:
    """What the callers say."""
    path = Prompts.load(sounds).path(SPOKEN, LANGUAGE)
    if path is None:
        raise HotlineError(f"{sounds}: no prompt {SPOKEN}; try: hotline prompts build")
    return audio.read_wav(path)[1][0]


async def _all_talk(calls: Calls, lines: int, load: "asyncio.Task[Load]") -> None:
    """Until every caller is connected to an agent."""
    end = asyncio.get_running_loop().time() + lines / RATE + TALK_S
    while len(calls.connected) < lines:
        if load.done() or asyncio.get_running_loop().time() > end:
            raise HotlineError(f"only {len(calls.connected)} of {lines} calls were connected to an agent")
        await asyncio.sleep(POLL_S)
        await asyncio.to_thread(calls.read)


def _facts(store: Path) -> tuple[int, int]:
    """Lines that had a verdict, and lines that were not listened to."""
    heard, missed, last = set(), set(), 0
    with open_reader(store) as reader:
        while kept := reader.facts_after(last):
            heard |= {one.fact.call for one in kept if isinstance(one.fact, LineHeard)}
            missed |= {one.fact.call for one in kept if isinstance(one.fact, LineMissed)}
            last = kept[-1].id
    return len(heard), len(missed)
