"""The caller's line while he talks: listened to from the join to the end; each change is a fact, and in the view."""

from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.effects import ForgetLine, HearLine, Warn
from ari_app.model.events import LineJudged, LineUnheard
from ari_app.model.facts import LineHeard, LineMissed
from ari_app.model.ids import LineId


def listen(floor: Floor, call: Call) -> None:
    """From here on the caller's line is judged, if the hotline listens at all."""
    if floor.settings.line.lines_max:
        call.line, call.verdict = LineId(floor.mint.part(call.id, "h")), None
        floor.do(HearLine(call.id, call.leg, call.line))


def forget(floor: Floor, call: Call) -> None:
    if call.line is not None:
        floor.do(ForgetLine(call.id, call.leg if call.leg in call.legs else None, call.line))
        call.line = call.verdict = None


def judged(floor: Floor, call: Call, event: LineJudged) -> None:
    if call.line == event.line and call.talk is not None:
        call.verdict = event.verdict
        floor.note(LineHeard(call.id, call.talk.agent, event.verdict, event.speech_dbfs, event.noise_dbfs))


def unheard(floor: Floor, call: Call, event: LineUnheard) -> None:
    if call.line == event.line:
        call.line = call.verdict = None
        floor.note(LineMissed(call.id, event.reason))
        floor.do(Warn(f"the caller's line is not listened to: {event.reason}", call.id))
