"""A fax machine or a modem calls: nobody has to listen to it. It goes to the number for faxes, or hears goodbye."""

from ari_app.board import control, scripts, situations, targets
from ari_app.board.floor import Floor
from ari_app.board.records import Call
from ari_app.model.effects import Warn
from ari_app.model.ids import Number


def heard(floor: Floor, call: Call, now: float) -> None:
    """During a talk at once; during a message at its end (walk.message_over)."""
    call.is_fax = True
    if call.talk is None or call.script is not None:
        return
    there = targets.named(floor.settings, floor.settings.line.fax_to, Number(""))
    why_not = targets.why_not(floor, call, there) if there is not None else ""
    if why_not:
        floor.do(Warn(f"a fax is not passed on to line.fax_to: {why_not}", call.id))
    found = situations.of(call).of_trigger("fax")
    if there is not None and not why_not:
        call.note, call.passed_by = "fax", call.talk.agent
        control.pass_on(floor, call, there, now)
    elif found is not None and found[1].runs("talking"):
        scripts.leave_to(floor, call, found[0], now)
