"""The surge plan on the floor: counts who waits after every event, gives agents skills and takes them back, notes it.

A step only ever adds to what an agent can do; undone, he has exactly what config.yaml and the steps left give him.
A drill says and notes what it would do, and changes nothing; the plan itself rests meanwhile.
"""

from collections.abc import Iterable

from ari_app.acd import surge as acd
from ari_app.board import rights
from ari_app.board.floor import Floor
from ari_app.board.records import SurgeTaken
from ari_app.model import surge as model
from ari_app.model.audit import SurgeStepTaken, SurgeStepUndone, SurgeSwitched
from ari_app.model.effects import CancelTimer, SetTimer
from ari_app.model.ids import AgentId, QueueName, Skill, TimerId
from ari_app.model.surge import SurgeStep
from ari_app.model.wishes import SurgeAsked

TIMER = TimerId("surge.look")
PLAN = "plan"


def look(floor: Floor, now: float) -> None:
    """At the end of every event: the plan's own moves."""
    if not floor.surge.plan.steps:
        return
    while (move := floor.surge.see(_counted(floor), now)) is not None:
        _carry_out(floor, move, PLAN, now)
    at = floor.surge.next_at()
    if at != floor.surge_at:
        floor.surge_at = at
        floor.do(CancelTimer(TIMER) if at is None else SetTimer(TIMER, at))


def waiting(floor: Floor) -> int:
    """Callers of the plan's queues who wait on the line, those whose agent's phone rings among them.

    Not those who booked a call-back: at night theirs would be a surge that nobody feels.
    """
    queues, places = floor.settings.surge.queues or floor.settings.queues, floor.engine.places
    booked = sum(each.id in places and each.visit.queue in queues for each in floor.bookings.values())
    return _places(floor) - booked


def _places(floor: Floor) -> int:
    queues = floor.settings.surge.queues or floor.settings.queues
    return sum(floor.engine.length(QueueName(queue)) for queue in queues)


def _counted(floor: Floor) -> int:
    """The same as far as the plan cares, after every event: call-backs are only looked through when it matters."""
    count = _places(floor)
    return waiting(floor) if floor.bookings and count > floor.surge.plan.waiting else count


def members(floor: Floor, step: SurgeStep) -> tuple[AgentId, ...]:
    """Who gets the step's skills, each once."""
    return tuple(AgentId(number) for number in model.members(floor.settings.surge, step))


def _carry_out(floor: Floor, move: acd.Move, by: str, now: float) -> None:
    surge, plan = floor.surge, floor.settings.surge
    step, number, count = plan.steps[move.step], move.step + 1, waiting(floor)
    agents = members(floor, step)
    match move:
        case acd.Take(_, why):
            floor.surge_taken.append(SurgeTaken(move.step, now, by, why))
            call_in = acd.head_count(count - plan.waiting, plan.handle_s, plan.clear_s) if step.call_in else 0
            floor.note(SurgeStepTaken(number, step.name, by, why, surge.drill, count, agents, call_in))
        case acd.Undo(_, why):
            floor.surge_taken.pop()
            floor.note(SurgeStepUndone(number, step.name, by, why, surge.drill, count))
    if not surge.drill:
        _give_skills(floor, agents)


def _give_skills(floor: Floor, agents: Iterable[AgentId]) -> None:
    floor.staff_changed = True
    floor.served_by.clear()
    for agent in agents:
        floor.offer(floor.engine.set_skills(agent, skills(floor, agent)))


def skills(floor: Floor, agent: AgentId) -> dict[Skill, int]:
    """What the agent can do now: his own skills, and those of the steps that hold."""
    has = {Skill(name): level for name, level in floor.settings.agents[agent].skills.items()}
    for taken in floor.surge_taken if not floor.surge.drill else ():
        step = floor.settings.surge.steps[taken.step]
        if agent in members(floor, step):
            has.update({Skill(name): max(level, has.get(Skill(name), 0)) for name, level in step.skills.items()})
    return has


# -- by hand --


def ask(floor: Floor, asked: SurgeAsked, now: float) -> tuple[bool, str]:
    """A supervisor's wish; granted or not, and a short sentence."""
    if not floor.surge.plan.steps:
        return False, "there is no surge plan: write surge.steps in config.yaml"
    if refused := rights.refusal(floor, asked.by):
        return False, refused
    if not asked.why.strip():
        return False, "say why: what is done to the surge plan is kept with its reason"
    match asked.wish:
        case "arm" | "disarm":
            return _arm(floor, asked)
        case "step":
            return _move(floor, floor.surge.take(now, asked.why), asked, now)
        case "undo":
            return _move(floor, floor.surge.undo(now, asked.why), asked, now)
        case "drill":
            return _begin_drill(floor, asked)
        case "end-drill":
            return _end_drill(floor, asked, now)


def _arm(floor: Floor, asked: SurgeAsked) -> tuple[bool, str]:
    armed = asked.wish == "arm"
    if floor.surge.armed != armed:
        floor.surge.armed = armed
        floor.note(SurgeSwitched("armed" if armed else "disarmed", asked.by, asked.why))
    return True, "armed" if armed else "disarmed: steps are taken and undone by hand only"


def _move(floor: Floor, move: acd.Move | None, asked: SurgeAsked, now: float) -> tuple[bool, str]:
    if move is None:
        return False, "all steps are taken already" if asked.wish == "step" else "no step is taken"
    _carry_out(floor, move, asked.by, now)
    name = floor.settings.surge.steps[move.step].name
    done = "taken" if asked.wish == "step" else "undone"
    return True, f"step {move.step + 1} ({name}) {done}{' in the drill' if floor.surge.drill else ''}"


def _begin_drill(floor: Floor, asked: SurgeAsked) -> tuple[bool, str]:
    if floor.surge.drill:
        return True, "a drill is on already"
    if floor.surge.taken:
        return False, "steps are taken in earnest: undo them first"
    floor.surge.drill = True
    floor.note(SurgeSwitched("drill-began", asked.by, asked.why))
    return True, "drill: steps are noted and change nothing, until the drill is ended"


def _end_drill(floor: Floor, asked: SurgeAsked, now: float) -> tuple[bool, str]:
    if not floor.surge.drill:
        return False, "no drill is on"
    while (move := floor.surge.undo(now, "the drill is over")) is not None:
        _carry_out(floor, move, asked.by, now)
    floor.surge.drill = False
    floor.note(SurgeSwitched("drill-ended", asked.by, asked.why))
    return True, "the drill is over"
