"""Nodes that decide: hours, branch, set, look-up, subflow, greeting and goodbye. Pure; each names the next node."""

from datetime import datetime, timedelta
from typing import Literal

from ari_app.flow import expression, hours
from ari_app.flow.expression import BadExpression
from ari_app.flow.intents import Answered, Ask, End, Frame, Hush, Unsaid
from ari_app.flow.model import GIVEN, GOODBYE
from ari_app.flow.nodes import Branch, CheckHours, Greet, HangUp, LookUp, Queue, SetVariables, Subflow
from ari_app.flow.turn import Turn


def greeting(turn: Turn, node: Greet) -> str:
    local = datetime.fromtimestamp(turn.now + turn.walk.shift_s, turn.walk.zone)
    for festival, prompt in node.festivals.items():
        if hours.is_festival(festival, local.date()):
            return prompt
    if node.vip is not None and turn.at.values.get("vip") is True:
        return node.vip
    return node.morning if local.strftime("%H:%M") < node.morning_until else node.day


def ranked(turn: Turn, node: Queue) -> Queue:
    """The queue node with the priority this caller has there."""
    if node.vip_priority is None or turn.at.values.get("vip") is not True:
        return node
    return node.model_copy(update={"priority": node.vip_priority})


def goodbye(turn: Turn, node: HangUp) -> None:
    today = datetime.fromtimestamp(turn.now + turn.walk.shift_s, turn.walk.zone).date()
    before: tuple[str, ...] = ()
    if node.holiday is not None and (hours.is_holiday(today) or hours.is_holiday(today + timedelta(days=1))):
        before = (node.holiday,)
    elif node.weekend is not None and today.weekday() >= 4 and not hours.is_made_up(today):
        before = (node.weekend,)
    if before or node.say:
        turn.say((*before, *node.say))
    else:
        turn.move(ended=True)
        turn.do(End())


def by_hours(turn: Turn, node: CheckHours) -> str:
    if hours.closed_by_hand(turn.walk.closures, node.hours, turn.now):
        return node.on_closure or node.on_closed
    local = datetime.fromtimestamp(turn.now + turn.walk.shift_s, turn.walk.zone)
    match hours.state(turn.walk.hours[node.hours], local):
        case "open":
            return node.on_open
        case "holiday":
            return node.on_holiday or node.on_closed
        case "closed":
            return node.on_closed


def by_case(turn: Turn, node: Branch) -> str:
    for case in node.cases:
        try:
            if expression.evaluate(case.when, turn.at.values):
                return case.to
        except BadExpression as problem:
            turn.do(Unsaid(turn.at.node, str(problem)))
            return node.otherwise
    return node.otherwise


def set_(turn: Turn, node: SetVariables) -> str:
    values = dict(turn.at.values)
    for name, text in node.values.items():
        try:
            values[name] = expression.evaluate(text, values)
        except BadExpression as problem:
            turn.do(Unsaid(turn.at.node, str(problem)))
    turn.move(values=values)
    return node.next


def ask(turn: Turn, node: LookUp) -> str | None:
    try:
        request = {name: expression.evaluate(text, turn.at.values) for name, text in node.send.items()}
    except BadExpression as problem:
        turn.do(Unsaid(turn.at.node, str(problem)))
        return node.on_failure
    if node.say:
        turn.say(node.say)
    kind, name = source(node)
    turn.do(Ask(kind, name, request, node.timeout_s))
    return None


def answered(turn: Turn, node: LookUp, got: Answered) -> str:
    if turn.at.saying:
        turn.do(Hush())
    missing = [name for name in node.into.values() if name not in got.values]
    if not got.ok or missing:
        return node.on_failure
    taken = {variable: got.values[name] for variable, name in node.into.items()}
    turn.move(values={**turn.at.values, **taken})
    return node.next


def call(turn: Turn, node: Subflow) -> str:
    values = turn.at.values
    try:
        sent = {name: expression.evaluate(text, values) for name, text in node.send.items()}
    except BadExpression as problem:
        turn.do(Unsaid(turn.at.node, str(problem)))
        return node.next
    frame = Frame(turn.flow, turn.at.node, values)
    given = {name: values[name] for name in GIVEN if name in values}
    flow = turn.walk.flows[node.flow]
    turn.move(flow=flow, stack=(*turn.at.stack, frame), values={**given, **sent})
    return flow.flow.start


def return_(turn: Turn) -> str:
    if not turn.at.stack:
        return GOODBYE
    *rest, frame = turn.at.stack
    node = frame.flow.node(frame.node)
    assert isinstance(node, Subflow)
    back = {here: turn.at.values[there] for here, there in node.into.items() if there in turn.at.values}
    values = {**frame.values, **back, "language": turn.at.values.get("language", "")}
    turn.move(flow=frame.flow, stack=tuple(rest), values=values)
    return node.next


def source(node: LookUp) -> tuple[Literal["agi", "http", "sql"], str]:
    """Whom a look-up asks. Exactly one is named: the checker sees to it."""
    if node.agi is not None:
        return "agi", node.agi
    if node.http is not None:
        return "http", node.http
    assert node.sql is not None
    return "sql", node.sql
