"""What the analyser says, read from its pipe."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ari_app.ami.link import AmiLink
from ari_app.errors import AsteriskError
from ari_app.hearing import METER_S, Hearing
from ari_app.model.effects import ForgetLine, HearLine
from ari_app.model.events import FaxHeard, LineJudged, LineUnheard
from ari_app.model.ids import CallId, LegId, LineId, RecordingId
from ari_app.model.line import Rules


async def test_an_analyser_killed_in_the_middle_of_a_line_costs_that_line_only() -> None:
    told: list[Any] = []
    hearing = Hearing(cast(AmiLink, None), Rules(), Path("/a"), Path("/a"), told.append)
    pipe = asyncio.StreamReader()
    pipe.feed_data(b'{"line":"7-1.h1","verdict":"quiet","speech_dbfs":-45.0,"noise_dbfs":-70.0}\n{"line":"7-1.h1","ver')
    pipe.feed_eof()
    await hearing._reports(cast(Any, SimpleNamespace(stdout=pipe)))
    assert told == [LineJudged("7-1.h1", "quiet", -45.0, -70.0, None)]  # type: ignore[arg-type]


async def test_a_line_is_metered_as_long_as_somebody_looks() -> None:
    """Asked for once, told at every step, and ended by the first step that comes after the last look's time."""
    told: list[Any] = []
    hearing = Hearing(cast(AmiLink, None), Rules(), Path("/a"), Path("/a"), told.append)
    asked: list[Any] = []
    hearing._tell = asked.append  # type: ignore[method-assign]
    line, now = LineId("7-1.h1"), asyncio.get_running_loop().time()
    assert hearing.watched(line, now) is None and hearing.watched(line, now) is None
    assert asked == [{"meter": line, "on": True}]
    pipe = asyncio.StreamReader()
    pipe.feed_data(b'{"line":"7-1.h1","meter":{"snr_db":20.0}}\n{"line":"7-1.h1","fax":true}\n')
    pipe.feed_eof()
    await hearing._reports(cast(Any, SimpleNamespace(stdout=pipe)))
    assert hearing.watched(line, now) == {"snr_db": 20.0} and told == [FaxHeard(line)]
    hearing.watched(line, now - METER_S - 1)
    hearing._metered(line, {"snr_db": 21.0})
    assert asked[1:] == [{"meter": line, "on": False}] and not hearing.meters


async def test_a_tap_that_is_refused_is_said_and_the_call_goes_on() -> None:
    """MixMonitor fails, or its answer never comes: one event, nothing is watched, and its end is no error."""

    class Refusing:
        async def until_connected(self, _: float) -> None: ...

        async def stop_recording(self, *_: object) -> None:
            raise AsteriskError("StopMixMonitor: no such channel")

        async def start_hearing(self, *_: object) -> None:
            raise AsteriskError("MixMonitor: no such channel")

    told: list[Any] = []
    hearing = Hearing(cast(AmiLink, Refusing()), Rules(), Path("/a"), Path("/a"), told.append)
    asked: list[Any] = []
    hearing._tell = asked.append  # type: ignore[method-assign]
    leg, line = LegId("7-1.a"), LineId("7-1.h1")
    hearing.perform(HearLine(CallId("7-1"), leg, line))
    hearing.perform(ForgetLine(CallId("7-1"), leg, line))
    while hearing._last:
        await asyncio.wait(list(hearing._last.values()))
    assert told == [LineUnheard(line, "MixMonitor: no such channel")]
    assert asked == [{"watch": line, "path": "/a/7-1.h1.0.sln48", "lent": False}, {"drop": line}]


async def test_a_tap_whose_answer_was_lost_is_ended_and_its_file_removed() -> None:
    """Asterisk may have begun it: nobody else would ever end it."""
    running: list[LineId] = []

    class Lossy:
        async def until_connected(self, _: float) -> None: ...

        async def start_hearing(self, leg: LegId, path: str, line: LineId) -> None:
            running.append(line)
            raise AsteriskError("AMI MixMonitor: the connection was lost before the answer came")

        async def stop_recording(self, leg: LegId, line: LineId) -> None:
            running.remove(line)

    told: list[Any] = []
    hearing = Hearing(cast(AmiLink, Lossy()), Rules(), Path("/a"), Path("/a"), told.append)
    asked: list[Any] = []
    hearing._tell = asked.append  # type: ignore[method-assign]
    hearing.perform(HearLine(CallId("7-1"), LegId("7-1.a"), LineId("7-1.h1")))
    while hearing._last:
        await asyncio.wait(list(hearing._last.values()))
    assert [type(each) for each in told] == [LineUnheard] and not running and not hearing._tapped
    assert [next(iter(each)) for each in asked] == ["watch", "drop"]


async def test_a_line_that_cannot_be_heard_is_given_up() -> None:
    stopped: list[Any] = []

    class Stopping:
        async def until_connected(self, _: float) -> None: ...

        async def stop_recording(self, leg: LegId, line: LineId) -> None:
            stopped.append((leg, line))

    told: list[Any] = []
    hearing = Hearing(cast(AmiLink, Stopping()), Rules(), Path("/a"), Path("/a"), told.append)
    leg, line = LegId("7-1.a"), LineId("7-1.h1")
    hearing._legs[line] = leg
    hearing._tapped.add(line)
    pipe = asyncio.StreamReader()
    pipe.feed_data(b'{"line":"7-1.h1","refused":"Asterisk has written nothing for 10 s"}\n' * 2)
    pipe.feed_eof()
    await hearing._reports(cast(Any, SimpleNamespace(stdout=pipe)))
    assert told == [LineUnheard(line, "Asterisk has written nothing for 10 s")] and stopped == [(leg, line)]


async def test_a_line_is_heard_in_its_recording_and_back_in_a_file_of_its_own() -> None:
    """Asterisk's second file ends with the one and begins with the other, and no name comes twice."""
    asked: list[Any] = []

    class Asking:
        async def until_connected(self, _: float) -> None: ...

        async def start_hearing(self, leg: LegId, path: str, line: LineId) -> None:
            asked.append(("start", path))

        async def stop_recording(self, leg: LegId, line: LineId) -> None:
            asked.append(("stop", line))

    hearing = Hearing(cast(AmiLink, Asking()), Rules(), Path("/a"), Path("/o"), asked.append)
    hearing._tell = asked.append  # type: ignore[method-assign]
    call, leg, line = CallId("7-1"), LegId("7-1.a"), LineId("7-1.h1")
    for recording in (RecordingId("7-1.r2"), None, RecordingId("7-1.r2"), None, RecordingId("7-1.r2")):
        hearing.perform(HearLine(call, leg, line, recording))
    hearing.perform(ForgetLine(call, leg, line))
    while hearing._last:
        await asyncio.wait(list(hearing._last.values()))
    own = [{"watch": line, "path": f"/o/7-1.h1.{n}.sln48", "lent": False} for n in range(2)]
    lent = {"watch": line, "path": "/o/7-1.r2-in.wav", "lent": True, "from": "end"}
    assert asked == [
        lent,
        *(("start", "/a/7-1.h1.0.sln48"), own[0], lent, ("stop", line)),
        *(("start", "/a/7-1.h1.1.sln48"), own[1], lent, ("stop", line)),
        {"drop": line},
    ]
