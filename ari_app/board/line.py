"""The caller's line while he talks or leaves a message: listened to; each change is a fact, and in the view."""

from dataclasses import replace

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.kpi.mos import mos_of
from ari_app.model.effects import ForgetLine, HearLine, Warn
from ari_app.model.events import LegMeasured, LineJudged, LineUnheard
from ari_app.model.facts import CallQuality, LineHeard, LineMissed, NoiseCause
from ari_app.model.ids import LineId, RecordingId


def listen(floor: Floor, call: Call) -> None:
    """From here on the caller's line is judged, if the hotline listens at all."""
    if call.resting is not None:
        call.resting = replace(call.resting, listens=True)
    elif floor.settings.line.lines_max:
        call.line, call.verdict, call.line_in = LineId(floor.mint.part(call.id, "h")), None, call.recording
        floor.do(HearLine(call.id, call.leg, call.line, call.recording))


def forget(floor: Floor, call: Call) -> None:
    if call.resting is not None:
        call.resting = replace(call.resting, listens=False)
    if call.line is not None:
        floor.do(ForgetLine(call.id, call.leg if call.leg in call.legs else None, call.line))
        call.line = call.verdict = None


def apart(floor: Floor, call: Call) -> None:
    """The line is heard in a file of its own: what is recorded ends, or never began."""
    _hear_in(floor, call, None)


def _hear_in(floor: Floor, call: Call, recording: RecordingId | None) -> None:
    if call.line is not None and call.line_in != recording and call.leg in call.legs:
        call.line_in = recording
        floor.do(HearLine(call.id, call.leg, call.line, recording))


def judged(floor: Floor, call: Call, event: LineJudged) -> bool:
    """Whether the verdict is about what is listened to now."""
    if call.line != event.line:
        return False
    call.verdict = event.verdict
    _hear_in(floor, call, call.recording if event.verdict == "clear" and call.recording_on else None)
    agent = call.talk.agent if call.talk is not None else None
    floor.note(LineHeard(call.id, agent, event.verdict, event.speech_dbfs, event.noise_dbfs, _cause(floor, event)))
    return True


def _cause(floor: Floor, event: LineJudged) -> NoiseCause:
    if event.verdict != "noisy" or event.loss is None:
        return ""
    return "network" if event.loss > floor.settings.line.loss_share else "place"


def measured(floor: Floor, event: LegMeasured) -> None:
    """How a leg sounded that is gone."""
    figures = (event.loss, event.loss_max, event.jitter_ms, event.rtt_ms)
    floor.note(CallQuality(event.call, event.leg, *figures, mos_of(event.loss, event.jitter_ms, event.rtt_ms)))


def unheard(floor: Floor, call: Call, event: LineUnheard) -> bool:
    """Whether what was listened to until now is listened to no more."""
    was_heard = call.line == event.line
    if was_heard:
        call.line = call.verdict = None
        floor.note(LineMissed(call.id, event.reason))
        floor.do(Warn(f"the caller's line is not listened to: {event.reason}", call.id))
    return was_heard
