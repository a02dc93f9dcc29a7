"""Transcripts on a real Asterisk: the daemon of `hotline.py`, real SIP phones, and the rehearsal as what is expected.

`play` runs one transcript and compares, stream by stream, what the daemon decided with what it decided in the
rehearsal: the same things in the same order.
"""

import asyncio
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace

from ari_app.phones.sip import PhoneError
from ari_app.transcript.exchange import shift_clock
from ari_app.transcript.hotline import Hotline
from ari_app.transcript.performance import STEP_S, Performance
from ari_app.transcript.rehearse import Failure, House, Impossible, Outcome, dressed, rehearse
from ari_app.transcript.steps import LeavesMessage, Press, Speaks, Step, Transcript, Wait
from ari_app.transcript.words import Told, alike, by_stream


async def play(transcript: Transcript, house: House, hotline: Hotline) -> Outcome:
    """Rehearsed first; then on the real one, to the first difference."""
    rehearsed = rehearse(transcript, house)
    if not rehearsed.ok:
        return rehearsed
    header = transcript.header
    try:
        await hotline.begin(dressed(hotline.daemon.site.settings, header, transcript.dialled))
        hotline.floor.closures.update(dict.fromkeys(header.closures))
        shift_clock(hotline.floor, header.at, hotline.clock.now())
        async with AsyncExitStack() as phones:
            failure = await _follow(rehearsed, await Performance.of(hotline, phones))
        await _rest(hotline)
    except (TimeoutError, PhoneError) as problem:
        failure = Failure(transcript.lines[-1].number, f"live: at the end: {problem or type(problem).__name__}")
    return replace(rehearsed, failure=failure)


async def _follow(rehearsed: Outcome, run: Performance) -> Failure | None:
    hotline, since, seen = run.hotline, 0, 0
    for line in rehearsed.transcript.lines:
        if isinstance(line.what, tuple):
            continue
        since, seen, why = line.number, len(hotline.told), ""
        expected = by_stream(rehearsed.told[: rehearsed.counts[line.number]])
        try:
            with hotline.time() if _takes_time(line.what) else nullcontext():
                await run.do(line.what)
                await hotline.until(lambda e=expected: _reached(e, hotline), STEP_S)  # type: ignore[misc]
        except (TimeoutError, PhoneError, Impossible) as problem:
            why = str(problem)
        difference = _difference(expected, hotline) or why
        if difference:
            return Failure(line.number, f"live: {difference}", since, tuple(hotline.told[seen:]))
    extra = _extra(by_stream(rehearsed.told), hotline.told)
    return Failure(since, f"live: {extra}", since, tuple(hotline.told[seen:])) if extra else None


def _takes_time(step: Step) -> bool:
    """In a rehearsal, too. What takes none there takes none here by the hotline's clock."""
    return isinstance(step, Wait | Speaks | LeavesMessage) or (isinstance(step, Press) and len(step.keys) > 1)


def _reached(expected: dict[str, list[Told]], hotline: Hotline) -> bool:
    """All is there; or something else came, so that waiting helps no more."""
    real = by_stream(hotline.told)
    return _differs(expected, real) or all(len(real.get(name, ())) >= len(each) for name, each in expected.items())


def _differs(expected: dict[str, list[Told]], real: dict[str, list[Told]]) -> bool:
    pairs = ((a, b) for name, each in expected.items() for a, b in zip(each, real.get(name, ()), strict=False))
    return any(not alike(a, b) for a, b in pairs)


def _difference(expected: dict[str, list[Told]], hotline: Hotline) -> str:
    real = by_stream(hotline.told)
    for name, each in expected.items():
        for n, want in enumerate(each):
            came = real.get(name, [])[n : n + 1]
            if not came or not alike(want, came[0]):
                return f"rehearsed: {want}; came: {came[0] if came else 'nothing'} ({name})"
    return ""


def _extra(expected: dict[str, list[Told]], told: list[Told]) -> str:
    for name, each in by_stream(told).items():
        if len(each) > (length := len(expected.get(name, ()))):
            return f"not rehearsed: {each[length]} ({name})"
    return ""


async def _rest(hotline: Hotline) -> None:
    """Until no call is left."""
    async with asyncio.timeout(STEP_S):
        while hotline.floor.calls or hotline.floor.desks or hotline.daemon.ari.pending:
            await asyncio.sleep(0.02)
