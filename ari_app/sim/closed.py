"""The closed form of a plan, where it has one: one queue, one kind of callers and of agents, nothing but Erlang's
assumptions. Pure. Bounds that matter only in one of millions of calls (the longest wait, a full queue) are let pass.
"""

from ari_app.kpi.erlang import ErlangA, ErlangC, Queueing
from ari_app.model.ids import QueueName, Skill
from ari_app.model.scenario import Agents, Callers
from ari_app.sim.plan import Plan


def closed_form(plan: Plan) -> Queueing | None:
    """Erlang A or C; None where neither holds, or the queue would grow for ever."""
    kinds, staff = [*plan.scenario.callers.values()], [*plan.scenario.agents.values()]
    if len(kinds) != 1 or len(staff) != 1 or not (_is_plain_caller(plan, kinds[0]) and _is_plain_agent(staff[0])):
        return None
    [callers], [agents] = kinds, staff
    if not plan.rules[QueueName(callers.queue)].needs.met_by({Skill(s): level for s, level in agents.skills.items()}):
        return None  # He waits for the relaxation.
    [profile] = plan.profiles.values()
    rate, handle_s = profile.per_hour[0] / 3600, callers.talk.mean_s
    if not rate:
        return None
    if callers.patience is not None:
        return ErlangA(rate, handle_s, callers.patience.mean_s, agents.count)
    found = ErlangC(rate, handle_s, agents.count)
    return found if found.is_stable else None


def _is_plain_caller(plan: Plan, callers: Callers) -> bool:
    queue, [profile] = plan.queues[QueueName(callers.queue)], plan.profiles.values()
    patience = callers.patience is None or callers.patience.shape == "exponential"
    no_wrap_up = callers.wrap_up is None and queue.wrap_up_s == 0
    return (
        len(set(profile.per_hour)) == 1
        and callers.skills is None
        and not callers.call_back
        and callers.talk.shape == "exponential"
        and patience
        and no_wrap_up
    )


def _is_plain_agent(agents: Agents) -> bool:
    return not (agents.shifts or agents.breaks or agents.answer or agents.no_answer)
