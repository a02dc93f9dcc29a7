"""Load by SIPp: many callers, many agents' phones, counted. Our own scenarios are in the folder `sipp/`.

Callers dial, press a key (SIP INFO; or RFC 4733, which needs raw sockets: root or CAP_NET_RAW), send a tone (or
what else they are given) for the whole call, and hang up `stay_s` after the key unless hung up on. Agents' phones need
no registration: give each an address of record with a static contact `sip:NAME@127.0.0.1:PORT`; one SIPp process is all
of them. They answer after `ring_s` and send back what they hear, so a call with voice both ways has packets both ways
on both legs.

What `ok` means: SIP went as the scenario says, to the BYE. It does not say that a caller reached an agent: a caller
sent away after the key is `ok` too (measured: 129 of 400, when Asterisk had run out of RTP ports). So compare the
agents' `answered` with the callers' `placed`, and, with agents that never hang up, ask for `hung_up_on` 0 of the
callers. Two-way voice of a call is read from Asterisk's RTP counts of both legs (rxcount and txcount >= 50 is one
second each way, because agents echo) or from the daemon's facts; SIPp 3.6 itself counts no RTP.
"""

import asyncio
import csv
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from aiortp.codecs import get_codec

from ari_app.phones import audio
from ari_app.phones.pcap import digits_pcap
from ari_app.phones.ports import DEFAULT_PORTS, Ports
from ari_app.phones.sip import Address, PhoneError

SCENARIOS = Path(__file__).with_name("sipp")
HOST = "127.0.0.1"
FOREVER_S = 86_000.0
MEDIA_PORTS = Ports(range(26_000, 31_000))
STOP_S = 5.0  # Seconds SIPp gets to end its calls when told to stop.


@dataclass(frozen=True)
class Callers:
    """What the callers do. Times in seconds; `rate` calls a second for `seconds`."""

    number: str = "1860"
    rate: float = 10.0
    seconds: float = 30.0
    key: str = "1"
    key_after_s: float = 0.5
    stay_s: float = 4.0
    rfc4733: bool = False
    caller: str = "1390000"  # Followed by the number of the call.
    tone_hz: int = 600
    answer_s: float = 10.0  # A caller not answered by then counts as failed.
    sound: bytes = b""  # PCM they say over and over in place of the tone.
    media_port: int = 0  # Each call takes the next two free ports from here on; 0: from one that is free.

    @property
    def count(self) -> int:
        """Calls placed in all."""
        return max(1, round(self.rate * self.seconds))

    @property
    def limit_s(self) -> int:
        """Seconds after which SIPp gives up."""
        return round(self.seconds + self.key_after_s + self.stay_s + 3 * self.answer_s)


@dataclass(frozen=True)
class Agents:
    """What the agents' phones do: answer after `ring_s`; hang up after `talk_s`, or never (None)."""

    port: int
    ring_s: float = 0.2
    talk_s: float | None = None
    media_port: int = 32_000  # The one port all of them echo on (and media_port + 2).


@dataclass(frozen=True)
class Load:
    """What SIPp counted. `failures`: its failure counters that are not 0, by name.

    `hung_up_on`: ended by the other side: callers before `stay_s` had passed, agents before `talk_s`. `cancelled`:
    agents' phones that rang in vain.
    """

    placed: int
    answered: int
    hung_up_on: int
    cancelled: int
    ok: int
    failed: int
    retransmissions: int
    exit_code: int
    failures: dict[str, int] = field(default_factory=dict)
    errors: str = ""  # The first lines of SIPp's error log.


def available() -> bool:
    """Whether SIPp is installed (Debian: sip-tester)."""
    return shutil.which("sipp") is not None


async def run_callers(server: Address, plan: Callers) -> Load:
    """Place all calls, wait for the last to end. Bounded: count, and a time limit after which SIPp fails.

    PhoneError when it could place none, with SIPp's reason.
    """
    with tempfile.TemporaryDirectory(prefix="sipp-callers-") as name:
        folder = Path(name)
        process = await _start_callers(folder, server, plan)
        try:
            await asyncio.wait_for(process.wait(), plan.limit_s + STOP_S)
        finally:
            await _stop(process)
        load = _load(folder, process.returncode or 0)
    if not load.placed:
        raise PhoneError(f"sipp left with {load.exit_code} before the first call: {load.errors or 'it says not why'}")
    return load


@asynccontextmanager
async def running_callers(server: Address, plan: Callers) -> AsyncIterator["Running"]:
    """Callers for as long as the block lasts (at most `plan.count`); at its end no new ones come, and those there are
    get the time to be answered, to stay, and STOP_S to end as they would."""
    running = Running()
    with tempfile.TemporaryDirectory(prefix="sipp-callers-") as name:
        folder = Path(name)
        process = await _start_callers(folder, server, plan)
        try:
            yield running
        finally:
            await _stop(process, plan.answer_s + plan.key_after_s + plan.stay_s + STOP_S)
            running.load = _load(folder, process.returncode or 0)


async def _start_callers(folder: Path, server: Address, plan: Callers) -> asyncio.subprocess.Process:
    return await _start(
        folder,
        _caller_scenario(folder, plan),
        f"{server[0]}:{server[1]}",
        *("-m", str(plan.count), "-r", f"{plan.rate:g}", "-l", str(plan.count)),
        *("-timeout", f"{plan.limit_s}s", "-timeout_error"),
        *("-p", str(next(iter(DEFAULT_PORTS))), "-mp", str(plan.media_port or next(iter(MEDIA_PORTS)))),
    )


class Running:
    """SIPp while it runs; `load` once it has stopped."""

    load: Load | None = None


@asynccontextmanager
async def run_agents(plan: Agents, seconds_max: float = 3600) -> AsyncIterator[Running]:
    """Agents' phones for as long as the block lasts (at most `seconds_max`); they are counted at its end."""
    running = Running()
    with tempfile.TemporaryDirectory(prefix="sipp-agents-") as name:
        folder = Path(name)
        process = await _start(
            folder,
            _agent_scenario(folder, plan),
            *("-p", str(plan.port), "-mp", str(plan.media_port), "-rtp_echo", "-aa"),
            *("-timeout", f"{round(seconds_max)}s"),
        )
        try:
            await _listening(plan.port, process)
            yield running
        finally:
            await _stop(process)
            running.load = _load(folder, process.returncode or 0)


async def _start(folder: Path, scenario: Path, *arguments: str) -> asyncio.subprocess.Process:
    if not available():
        raise PhoneError("sipp is not installed (Debian: apt-get install sip-tester)")
    return await asyncio.create_subprocess_exec(
        *("sipp", *arguments, "-sf", str(scenario), "-i", HOST, "-mi", HOST, "-nostdin"),
        *("-trace_stat", "-stf", str(folder / "stat.csv"), "-fd", "1"),
        *("-trace_err", "-error_file", str(folder / "errors.log")),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    """Until SIPp has bound its port (seen in /proc/net/udp, so that nothing of it is taken). PhoneError."""
    wanted = f":{port:04X} "
    async with asyncio.timeout(STOP_S):
        while wanted not in Path("/proc/net/udp").read_text():
            if process.returncode is not None:
                raise PhoneError(f"sipp left with {process.returncode}: is UDP port {port} taken?")
            await asyncio.sleep(0.01)


async def _stop(process: asyncio.subprocess.Process, timeout_s: float = STOP_S) -> None:
    """SIGUSR1: no new calls, leave when the running ones have ended. Then SIGKILL."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGUSR1)
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _caller_scenario(folder: Path, plan: Callers) -> Path:
    tone = folder / "tone.ul"
    tone.write_bytes(get_codec(0).encode(plan.sound or audio.tone(plan.tone_hz, 1)))
    digits = folder / "digits.pcap"
    digits.write_bytes(digits_pcap(plan.key))
    fields = {
        "number": plan.number,
        "caller": plan.caller,
        "key": plan.key,
        "tone": tone.name,
        "digits": digits.name,
        "answer_ms": _ms(plan.answer_s),
        "key_ms": _ms(plan.key_after_s),
        "stay_ms": _ms(plan.stay_s),
    }
    press = _render("press_pcap.xml" if plan.rfc4733 else "press_info.xml", fields)
    return _write(folder, _render("caller.xml", {**fields, "press": press}))


def _agent_scenario(folder: Path, plan: Agents) -> Path:
    talk_s = FOREVER_S if plan.talk_s is None else plan.talk_s
    return _write(folder, _render("agent.xml", {"ring_ms": _ms(plan.ring_s), "talk_ms": _ms(talk_s)}))


def _render(name: str, fields: dict[str, str]) -> str:
    return Template((SCENARIOS / name).read_text()).safe_substitute(fields)  # SIPp's own [$names] stay.


def _write(folder: Path, text: str) -> Path:
    path = folder / "scenario.xml"
    path.write_text(text)
    return path


def _ms(seconds: float) -> str:
    return str(max(1, round(1000 * seconds)))


def _load(folder: Path, exit_code: int) -> Load:
    rows = list(csv.DictReader(_lines(folder / "stat.csv"), delimiter=";"))
    last = rows[-1] if rows else {}
    failures = {
        name[: -len("(C)")]: int(value)
        for name, value in last.items()
        if name.startswith("Failed") and name.endswith("(C)") and name != "FailedCall(C)" and int(value)
    }

    def count(name: str) -> int:
        return int(last.get(name, 0))

    return Load(
        placed=count("TotalCallCreated"),
        answered=count("answered(C)"),
        hung_up_on=count("hung_up_on(C)"),
        cancelled=count("cancelled(C)"),
        ok=count("SuccessfulCall(C)"),
        failed=count("FailedCall(C)"),
        retransmissions=count("Retransmissions(C)"),
        exit_code=exit_code,
        failures=failures,
        errors=_errors(folder / "errors.log"),
    )


def _errors(path: Path) -> str:
    """SIPp's error log, a line each, without the waits that end by design (`ontimeout`)."""
    entries = re.split(r"(?=\d{4}-\d\d-\d\d\t)", "\n".join(_lines(path)))[1:]
    return "\n".join([entry.strip() for entry in entries if "jumping to label" not in entry][:20])


def _lines(path: Path) -> Iterable[str]:
    return path.read_text(errors="replace").splitlines() if path.exists() else []
