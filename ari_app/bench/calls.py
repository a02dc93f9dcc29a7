"""`hotline bench calls`: callers at a rate, agents enough, everything recorded; how long they wait, what it costs.

Timed by RTP and SIP as phones of our own see it, beside the load:
- first_audio_ms: INVITE sent → first packet of the greeting that sounds. The greeting begins with 100 ms of silence.
- key_to_prompt_ms: key let go (the RFC 4733 event's end sent) → the packet with the first sample of the next prompt's
  file; its 100 ms of silence at the start is part of it. key_to_sound_ms: → its first packet that sounds.
- ready_to_ring_ms: the agent's wish accepted (HTTP reply read) → INVITE at his phone, a caller waiting.
  asked_to_ring_ms counts from the HTTP request. A reply may come after the INVITE: then the figure is negative.
CPU is that of the whole processes from the load's start to the last recording joined, divided by all calls the daemon
took in that time (`calls_taken`): the load's (`placed`) and the measuring phones' own, which are calls like any other.
In it are also the measuring agent's rounds (an offer, a ring, a refusal, but no call of its own: 1.5 a second), scrapes
of /metrics, and what the processes do when idle; how much measuring and idling take without the load stands in
`*_cpu_ms_per_s_unloaded`. Callers' lines are listened to as config.yaml's defaults say (`line_analysis`): `analyser_*`
is the process that does it, which the daemon's figure leaves out; what the daemon does for it stays in. What the same
load gives when nobody listens stands in `without_line_analysis`.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from ari_app.bench import figures
from ari_app.bench.house import LANGUAGE, NEXT_PROMPT, NO_CHANGES, NUMBER, House, Scale, house, keep
from ari_app.bench.probes import Measured, probing
from ari_app.bench.tally import Calls
from ari_app.errors import HotlineError
from ari_app.media.prompts import Prompts
from ari_app.phones import sipp
from ari_app.phones.sipp import Agents, Callers, Load, run_agents, run_callers
from ari_app.provision.install import Install
from ari_app.site import Site

KEY_AFTER_S: Final = 0.5
RING_S: Final = 0.2
TALK_S: Final = 1.8  # From the end of the recording notice to the caller's hang-up.
SPARE_AGENTS: Final = 5
SETTLE_S: Final = 30.0
COMPARED: Final = (
    "placed",
    "failed",
    "daemon_cpu_ms_per_call",
    "asterisk_cpu_ms_per_call",
    "key_to_prompt_ms",
    "ready_to_ring_ms",
)
DEAF: Final = {"line": {"lines_max": 0}}
WARM_S: Final = 4.0  # The measuring phones alone, before the load.

Say = Callable[[str], None]
Cpu = tuple[float, float, float]  # CPU seconds of daemon, Asterisk and analyser.
Readings = tuple[Cpu, Cpu, Cpu]  # When the measuring phones begin, when the load begins, when all is over.


@dataclass(frozen=True)
class Plan:
    """`rate` calls a second for `seconds`; `stay_s` from the key to the caller's hang-up."""

    rate: float
    seconds: float
    stay_s: float
    listens: tuple[bool, ...]  # Whether callers' lines are analysed, for each run of it.

    @classmethod
    def of(cls, rate: float, seconds: float, site: Site, listens: tuple[bool, ...]) -> "Plan":
        """Callers stay for the recording notice and TALK_S."""
        stay_s = round(Prompts.load(site.sounds).seconds(NEXT_PROMPT, LANGUAGE) + TALK_S, 1)
        return cls(rate, seconds, stay_s, listens)

    @property
    def scale(self) -> Scale:
        """Agents are taken from shortly after the key to the hang-up: 1.5 times as many as that needs."""
        callers = math.ceil(self.rate * (KEY_AFTER_S + self.stay_s + 1))
        return Scale(math.ceil(1.5 * self.rate * self.stay_s) + SPARE_AGENTS, callers)


def bench_calls(site: Site, install: Install, plan: Plan, say: Say) -> dict[str, Any]:
    """Set up, load, take down, with callers' lines analysed and without; the figures. HotlineError when it cannot be
    run."""
    if not sipp.available():
        raise HotlineError("sipp is not installed; try: apt-get install sip-tester")
    here = figures.machine()
    first, *others = [_run(site, install, plan, listens, say) for listens in plan.listens]
    for other in others:
        first["without_line_analysis"] = {name: other[name] for name in COMPARED}
    return {**first, "asterisk_version": str(install.version), **here}


def _run(site: Site, install: Install, plan: Plan, listens: bool, say: Say) -> dict[str, Any]:
    say(f"setting up Asterisk {install.version}, the daemon and {plan.scale.agents} agents")
    with house(site, install, plan.scale, NO_CHANGES if listens else DEAF) as running:
        say(f"ready: daemon pid {running.daemon.pid}, Asterisk pid {running.asterisk_pid}, {running.site.home}")
        result = {**asyncio.run(_measure(running, plan, say)), "line_analysis": listens}
        if result["failed"]:
            say(f"logs and store are kept in {keep(running.site)}")
        return result


async def _measure(running: House, plan: Plan, say: Say) -> dict[str, Any]:
    await sign_in(running, plan.scale.numbers)
    callers = Callers(NUMBER, plan.rate, plan.seconds, key_after_s=KEY_AFTER_S, stay_s=plan.stay_s)
    calls, measured = Calls(running.site.store), Measured()
    async with run_agents(Agents(running.agents_port, RING_S, media_port=running.echo_port)) as phones:
        say(f"{callers.count} calls, {plan.rate:g} a second, each stays {plan.stay_s:g} s after its key")
        async with probing(running, measured):
            idle = cpu_now(running)
            await asyncio.sleep(WARM_S)
            await asyncio.to_thread(calls.read)
            taken_before, before = calls.taken, cpu_now(running)
            load = await run_callers(running.server, callers)
        if not load.placed:
            raise HotlineError(f"SIPp left with {load.exit_code} and placed no call\n{load.errors}".strip())
        say("the last caller has hung up; waiting for the recordings")
        in_time = await calls.settled(SETTLE_S)
        after = cpu_now(running)
    answered = await asyncio.to_thread(calls.answered, running.site.recordings, callers.tone_hz)
    for trouble in [*_troubles(load, phones.load, calls, in_time), *measured.troubles]:
        say(trouble)
    taken = calls.taken - taken_before
    return _result(plan, load, answered, measured) | {"calls_taken": taken} | _costs((idle, before, after), taken)


async def sign_in(running: House, numbers: list[str]) -> None:
    """The load's agents, ready."""
    headers = {"Authorization": f"Bearer {running.site.secrets.api_token}"}
    async with aiohttp.ClientSession(running.site.api_url, headers=headers, raise_for_status=True) as api:
        for number in numbers:
            for wish in ("sign-in", "ready"):
                async with api.post(f"/api/agents/{number}/{wish}"):
                    pass


def cpu_now(running: House) -> Cpu:
    with suppress(OSError):
        analyser = sum(figures.cpu_s(child) for child in figures.children(running.daemon.pid))
        return figures.cpu_s(running.daemon.pid), figures.cpu_s(running.asterisk_pid), analyser
    raise HotlineError("the daemon has ended during the bench")


def _troubles(load: Load, agents: Load | None, calls: Calls, in_time: bool) -> list[str]:
    lines = []
    if load.failed or load.hung_up_on:
        lines.append(f"SIPp callers: {load.failed} failed {load.failures}, {load.hung_up_on} hung up on")
        lines += load.errors.splitlines()[:5]
    if agents is not None and agents.failed:
        lines.append(f"SIPp agents: {agents.failed} failed {agents.failures}")
        lines += agents.errors.splitlines()[:5]
    if not in_time:
        lines.append(f"after {SETTLE_S:g} s {len(calls.opened - calls.closed)} calls are still open")
    if len(calls.connected) < load.placed or calls.unrecorded or calls.unsettled:
        lines.append(
            f"of {load.placed} calls {len(calls.opened)} came in, {len(calls.connected)} were connected, "
            f"{len(calls.recordings)} recorded"
        )
    return lines


def _result(plan: Plan, load: Load, answered: int, measured: Measured) -> dict[str, Any]:
    timed = measured.calls
    prompt = [t.key_to_prompt_ms for t in timed if t.key_to_prompt_ms is not None]
    sound = [t.key_to_sound_ms for t in timed if t.key_to_sound_ms is not None]
    return {
        "placed": load.placed,
        "answered": answered,
        "failed": load.placed - answered,
        "first_audio_ms": figures.percentiles([t.first_audio_ms for t in timed], 50, 95),
        "key_to_prompt_ms": figures.percentiles(prompt, 50, 95),
        "ready_to_ring_ms": figures.percentiles(measured.ready_to_ring, 50, 99),
        "key_to_sound_ms": figures.percentiles(sound, 50, 95),
        "first_rtp_ms": figures.percentiles([t.first_rtp_ms for t in timed], 50, 95),
        "asked_to_ring_ms": figures.percentiles(measured.asked_to_ring, 50, 99),
        "measured_calls": len(timed),
        "measured_rings": len(measured.ready_to_ring),
        "measuring_troubles": len(measured.troubles),
        "bench_lag_ms": figures.percentiles(measured.lag_ms, 50, 99),
        "daemon_lag_ms_max": round(max(measured.daemon_lag_ms, default=0.0), 1),
        "rate": plan.rate,
        "seconds": plan.seconds,
        "stay_s": plan.stay_s,
        "agents": plan.scale.agents,
    }


def _costs(readings: Readings, calls: int) -> dict[str, float]:
    costs = {}
    for name, idle, before, after in zip(("daemon", "asterisk", "analyser"), *readings, strict=True):
        costs[f"{name}_cpu_ms_per_call"] = round(1000 * (after - before) / max(1, calls), 2)
        costs[f"{name}_cpu_ms_per_s_unloaded"] = round(1000 * (before - idle) / WARM_S, 1)
    return costs
