"""docs/nodes.md, made from the models of the nodes: each type with its sentence, its keys and an example that loads."""

from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel

from ari_app.config import shapes
from ari_app.config.node_told import TOLD
from ari_app.config.reference import key_row
from ari_app.flow.nodes import Node

_HEAD: Final = """\
# Nodes: what a flow can do

Made from the models of the nodes by `python -m ari_app.config.node_pages`; do not edit by hand.
In Chinese: [nodes.zh-CN.md](nodes.zh-CN.md).

A flow is a set of nodes. Each has a `type`; the type decides which other keys it may have.
A key without a default must be written. Names that lead on (`next`, `on_…`, `keys`) are nodes of the same file.
How a file is put together: [admin.md](admin.md#flow-files).
Prompts, and values such as `money:balance`: [prompts.md](prompts.md). Whole recipes: [cookbook.md](cookbook.md).
"""

_EXAMPLES: Final = {
    "greet": """\
hello:
  type: greet
  vip: vip-greeting
  festivals: {spring-festival: greeting-spring-festival, "10-01": greeting-national-day}
  next: main_menu
""",
    "play": """\
about_bills:
  type: play
  say: [billing-info]
  next: main_menu
""",
    "menu": """\
main_menu:
  type: menu
  say: [main-menu]
  keys: {"1": bills, "2": faults, "0": person}
  repeat_key: "*"
  on_wrong: person
""",
    "collect": """\
number:
  type: collect
  say: [password-number-ask]
  into: subscriber
  min: 11
  max: 11
  on_failure: person
  next: services
""",
    "confirm": """\
number:
  type: collect
  say: [message-desk-number-ask]
  into: back
  next: read_back
read_back:
  type: confirm
  say: [message-desk-number-is, digits:back, confirm-keys]
  on_yes: person
  on_no: number
""",
    "hours": """\
opening:
  type: hours
  hours: office
  on_open: main_menu
  on_closed: after_hours
  on_holiday: holiday
""",
    "branch": """\
who_calls:
  type: branch
  cases:
    - {when: "vip", to: fast_lane}
    - {when: "language == 'en'", to: english}
  otherwise: main_menu
""",
    "set": """\
own_number:
  type: set
  values: {subscriber: "caller", kind: "'urgent'"}
  next: services
""",
    "lookup": """\
account:
  type: lookup
  agi: balance
  send: {number: "caller"}
  into: {balance: balance_yuan, vip: vip}
  say: [lookup-wait]
  on_failure: person
  next: main_menu
""",
    "queue": """\
billing:
  type: queue
  queue: billing
  priority: 1
  next: rating
  choices:
    keys: {"1": stay, "2": voicemail, "3": callback}
  on_voicemail: message
  on_callback: call_me
  on_timeout: message
  on_full: message
""",
    "transfer": """\
specialist:
  type: transfer
  agent: "8026"
  next: thanks
  on_busy: person
  on_no_answer: person
  on_refused: person
""",
    "callback": """\
call_me:
  type: callback
  queue: billing
  on_failure: message
  next: thanks
""",
    "voicemail": """\
message:
  type: voicemail
  box: general
  max_s: 60
  on_failure: person
  next: thanks
""",
    "language": """\
english:
  type: language
  language: en
  next: main_menu
""",
    "subflow": """\
password:
  type: subflow
  flow: service_password
  send: {subscriber: "caller"}
  into: {allowed: allowed}
  next: is_allowed
""",
    "return": """\
done:
  type: return
""",
    "survey": """\
rating:
  type: survey
  question: satisfaction
  say: [survey-ask]
  keys: ["1", "2", "3"]
  next: thanks
""",
    "situation": """\
nobody_there:
  type: situation
  situation: silent-line
  on_life: main_menu
  on_speech: person
""",
    "goto": """\
back:
  type: goto
  to: main_menu
""",
    "hangup": """\
bye:
  type: hangup
  say: [survey-thanks]
  weekend: goodbye-weekend
  holiday: goodbye-holiday
""",
}


def nodes_page() -> str:
    """The whole page, nodes in the order of the model."""
    types = {_type_of(model): model for model in get_args(Node)}
    links = " · ".join(f"[{name}](#{name})" for name in types)
    return "\n".join([_HEAD, links, *(_section(name, model) for name, model in types.items())]) + "\n"


def _type_of(model: Any) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _section(name: str, model: type[BaseModel]) -> str:
    intro = " ".join((model.__doc__ or "").split())
    rows = list(_rows(model, ""))
    table = "\n".join(["| key | meaning | type | default |", "|---|---|---|---|", *rows])
    keys = f"{table}\n" if rows else "It has no keys of its own.\n"
    told = TOLD[name]
    shown = f"[{told.call.removesuffix('.call')}](../tests/calls/{told.call})"
    says = f"- **The caller hears:** {told.hears}\n- **Needs:** {told.needs}\n- **A call that shows it:** {shown}\n"
    return f"\n## {name}\n\n{intro}\n\n{says}\n```yaml\n{_EXAMPLES[name]}```\n\n{keys}"[:-1]


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """A row for each key but `type`; keys of what stands in a list follow it, as `cases.when`."""
    for name, field in shapes.fields(model).items():
        if name == "type":
            continue
        yield key_row(prefix + name, field)
        inner = shapes.bare(field.annotation)
        entry = inner if shapes.is_model(inner) else shapes.bare(shapes.child(inner, 0))
        if shapes.is_model(entry):
            yield from _rows(entry, f"{prefix}{name}.")


if __name__ == "__main__":
    print(nodes_page(), end="")
