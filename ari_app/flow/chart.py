"""A flow as boxes and arrows with their words, before anyone draws it; and as Mermaid text. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ari_app.flow.model import GOODBYE, Flow, next_nodes, spoken
from ari_app.flow.nodes import (
    Branch,
    Callback,
    CheckHours,
    Collect,
    Confirm,
    HangUp,
    LookUp,
    Menu,
    Node,
    Queue,
    Return,
    RunSituation,
    SetVariables,
    Subflow,
    SwitchLanguage,
    Transfer,
)

Shape = Literal["box", "round", "choice", "queue", "end"]
Words = Callable[[str], str]
"""What a prompt says, by its id; empty when not known."""

_TEXT_CELLS: Final = 26
_LABEL_CELLS: Final = 22


@dataclass(frozen=True)
class Traffic:
    """Callers on a day: entering each node, going from one to the next, and hanging up in one."""

    calls: int = 0
    entered: Mapping[str, int] = field(default_factory=dict)
    ways: Mapping[tuple[str, str], int] = field(default_factory=dict)
    hung_up: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Box:
    """A node: its name, what it is, what it says or does, and how many callers came."""

    name: str
    kind: str
    shape: Shape
    text: str = ""
    note: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        return (self.name, *(line for line in (self.text, self.note) if line))


@dataclass(frozen=True)
class Arrow:
    """All ways from one node to another; `count` callers took them, None when nobody counted."""

    source: str
    target: str
    label: str = ""
    count: int | None = None

    @property
    def words(self) -> str:
        counted = f"{self.count:,}×" if self.count else ""
        return " · ".join(part for part in (self.label, counted) if part)


@dataclass(frozen=True)
class Chart:
    """Boxes by name, the start first."""

    title: str
    boxes: Mapping[str, Box]
    arrows: tuple[Arrow, ...]


def chart(title: str, flow: Flow, words: Words, traffic: Traffic | None = None) -> Chart:
    """What is to be drawn. Left-out branches, which lead to the goodbye, only where callers took them."""
    order = {flow.start: flow.nodes[flow.start], **flow.nodes} if flow.start in flow.nodes else flow.nodes
    boxes = {name: _box(name, node, words, traffic) for name, node in order.items()}
    arrows = [arrow for name, node in order.items() for arrow in _arrows(name, node, traffic) if arrow.target in order]
    goodbyes = {} if traffic is None else {a: n for (a, b), n in traffic.ways.items() if b == GOODBYE and a in order}
    if goodbyes:
        boxes[GOODBYE] = Box(GOODBYE, "hangup", "end", "", _note(GOODBYE, traffic))
        arrows += [Arrow(name, GOODBYE, "", count) for name, count in goodbyes.items()]
    return Chart(title, boxes, tuple(arrows))


def _box(name: str, node: Node, words: Words, traffic: Traffic | None) -> Box:
    return Box(name, node.type, _shape(node), _text(node, words), _note(name, traffic))


def _note(name: str, traffic: Traffic | None) -> str:
    if traffic is None:
        return ""
    came, gone = traffic.entered.get(name, 0), traffic.hung_up.get(name, 0)
    return f"{came:,} came" + (f", {gone:,} hung up" if gone else "")


def _shape(node: Node) -> Shape:
    match node:
        case Menu() | Confirm() | Collect():
            return "round"
        case Branch() | CheckHours():
            return "choice"
        case Queue() | Transfer():
            return "queue"
        case HangUp() | Return():
            return "end"
        case _:
            return "box"


def _text(node: Node, words: Words) -> str:
    """What the node is about: the thing it names, else the first words said."""
    match node:
        case Queue() | Callback():
            said = f"queue {node.queue}"
        case Transfer():
            said = f"to {node.target}"
        case CheckHours():
            said = f"hours {node.hours}"
        case Subflow():
            said = f"flow {node.flow}"
        case RunSituation():
            said = f"situation {node.situation}"
        case SwitchLanguage():
            said = node.language
        case LookUp():
            said = next(f"{kind} {name}" for kind in ("agi", "http", "sql", "") if (name := getattr(node, kind, "?")))
        case SetVariables():
            said = ", ".join(f"{name} = {text}" for name, text in node.values.items())
        case _:
            prompt = next(spoken(node), "")
            said = words(prompt) or prompt
    return cut(said, _TEXT_CELLS)


def _arrows(name: str, node: Node, traffic: Traffic | None) -> list[Arrow]:
    labels: dict[str, list[str]] = {}
    for place, target in next_nodes(node).items():
        labels.setdefault(target, []).append(_label(place, node))
    found = []
    for target, said in labels.items():
        count = None if traffic is None else traffic.ways.get((name, target), 0)
        found.append(Arrow(name, target, ", ".join(label for label in said if label), count))
    return found


def _label(place: str, node: Node) -> str:
    first, _, rest = place.partition(".")
    match first, node:
        case "keys", _:
            return rest
        case "cases", Branch():
            return cut(node.cases[int(rest.partition(".")[0])].when, _LABEL_CELLS)
        case "on_yes", Confirm():
            return f"{node.yes_key} yes"
        case "on_no", Confirm():
            return f"{node.no_key} no"
        case (("on_voicemail" | "on_callback"), Queue()) if node.choices is not None:
            choice = place.removeprefix("on_")
            return " ".join([*(key for key, chosen in node.choices.keys.items() if chosen == choice), choice])
        case (("next" | "to"), _):
            return ""
        case "otherwise", _:
            return "else"
    return first.removeprefix("on_").replace("_", " ")


def cells(text: str) -> int:
    """How wide a text is: Hanzi count two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def cut(text: str, most: int) -> str:
    """One line of at most so many cells, what cannot be shown left out."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if cells(line) <= most:
        return line
    while cells(line) >= most:
        line = line[:-1]
    return line.rstrip(" ,.，。、") + "…"


# -- Mermaid --

_MERMAID: Final[Mapping[Shape, str]] = {
    "box": '["{}"]',
    "round": '("{}")',
    "choice": '{{"{}"}}',
    "queue": '[["{}"]]',
    "end": '(["{}"])',
}


def mermaid(drawn: Chart) -> str:
    """The chart as Mermaid text, as GitHub, GitLab and many editors draw it."""
    ids = {name: f"n{n}" for n, name in enumerate(drawn.boxes)}
    lines = [f"%% {cut(drawn.title, 200)}", "flowchart TD"]
    for name, box in drawn.boxes.items():
        words = "<br>".join(_quoted(line) for line in box.lines)
        lines.append(f"  {ids[name]}{_MERMAID[box.shape].format(words)}")
    for arrow in drawn.arrows:
        label = f'|"{_quoted(arrow.words)}"|' if arrow.words else ""
        lines.append(f"  {ids[arrow.source]} -->{label} {ids[arrow.target]}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    signs = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;"}
    return "".join(signs.get(sign, sign) for sign in text)
