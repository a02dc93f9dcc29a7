"""A flow's chart as an SVG picture. Pure: text in, text out; opens in every browser."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from ari_app.flow.chart import Arrow, Box, Chart, cells
from ari_app.flow.layout import GAP, Spot, laid_out

_CELL: Final = 6.6  # Width of a cell, in pixels, at 12 px.
_LINE: Final = 16.0
_TITLE: Final = 30.0
_COLOURS: Final = {  # Fill and border by kind.
    **dict.fromkeys(("menu", "collect", "confirm", "survey"), ("#e3effb", "#3a76b1")),
    **dict.fromkeys(("branch", "hours"), ("#fdf3d8", "#b58a1e")),
    **dict.fromkeys(("lookup", "set", "subflow"), ("#eee8f7", "#7a5bab")),
    **dict.fromkeys(("queue", "transfer", "voicemail"), ("#e1f3e5", "#3b8a50")),
    **dict.fromkeys(("hangup", "return"), ("#f0f0f0", "#777777")),
}
_PLAIN: Final = ("#ffffff", "#888888")
_STYLE: Final = (
    "text{font:12px system-ui,'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;"
    "text-anchor:middle;fill:#222}.t{font-size:14px;font-weight:bold;text-anchor:start}.n{font-weight:600}"
    ".c{font-size:11px;fill:#a33}.w{font-size:11px;stroke:#fff;stroke-width:4px;paint-order:stroke}"
    ".k{font-size:9px;fill:#777;text-anchor:start}path{fill:none;stroke:#555}.b{stroke:#9a6b6b;stroke-dasharray:5 3}"
    ".z{stroke:#bbb}"
)


def svg(drawn: Chart) -> str:
    """The picture. Arrows that lead back are dashed; a circle of one node is told in its box."""
    arrows = {(arrow.source, arrow.target): arrow for arrow in drawn.arrows}
    own = {arrow.source: f"↺ {arrow.words}" for arrow in drawn.arrows if arrow.source == arrow.target}
    lines = {name: (*box.lines, *([own[name]] if name in own else [])) for name, box in drawn.boxes.items()}
    sizes = {name: _size(box, lines[name]) for name, box in drawn.boxes.items()}
    words = {edge: (_width(arrow.words), _LINE if arrow.words else 0.0) for edge, arrow in arrows.items()}
    laid = laid_out(sizes, words)
    width, height = max(laid.size[0], _width(drawn.title) * 1.3 + 2 * GAP), laid.size[1] + _TITLE
    busiest = max((arrow.count or 0 for arrow in drawn.arrows), default=0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 {-_TITLE:.0f} {width:.0f} {height:.0f}">',
        f"<title>{_text(drawn.title)}</title><style>{_STYLE}</style>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
        ' markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8z" style="fill:#555;stroke:none"/></marker></defs>',
        f'<rect y="{-_TITLE:.0f}" width="100%" height="100%" fill="#fff"/>',
        f'<text class="t" x="{GAP}" y="-8">{_text(drawn.title)}</text>',
    ]
    ports = _ports(laid.ways.values())
    parts += [_arrow(arrows[edge], way, ports, busiest) for edge, way in laid.ways.items()]
    parts += [_words(arrows[edge], way) for edge, way in laid.ways.items() if arrows[edge].words]
    parts += [_box(box, laid.spots[name], lines[name]) for name, box in drawn.boxes.items()]
    return "\n".join([*parts, "</svg>", ""])


def _width(text: str) -> float:
    return cells(text) * _CELL + 6 if text else 4.0


def _size(box: Box, lines: Sequence[str]) -> tuple[float, float]:
    wide = max([*(_width(line) for line in lines), _width(box.kind) + 10, 60.0]) + 16
    return wide + (28 if box.shape == "choice" else 0), len(lines) * _LINE + 20


def _text(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


# -- arrows --

Ports = dict[tuple[Spot, Spot], float]  # Node's spot, next spot: the x where the arrow leaves or arrives.


def _ports(ways: Iterable[Sequence[Spot]]) -> Ports:
    """Arrows of one side of a box stand side by side, in the order of where they go."""
    sides: dict[tuple[Spot, bool], list[Spot]] = {}
    for way in ways:
        for end, other in ((way[0], way[1]), (way[-1], way[-2])):
            sides.setdefault((end, other.y > end.y), []).append(other)
    found: Ports = {}
    for (end, _), others in sides.items():
        room = end.width * 0.7
        for n, other in enumerate(sorted(others, key=lambda spot: spot.x)):
            found[end, other] = end.x + room * ((n + 1) / (len(others) + 1) - 0.5)
    return found


def _arrow(arrow: Arrow, way: Sequence[Spot], ports: Ports, busiest: int) -> str:
    leads_down = way[-1].y > way[0].y
    sign = 1 if leads_down else -1
    start = (ports[way[0], way[1]], way[0].y + sign * way[0].height / 2)
    end = (ports[way[-1], way[-2]], way[-1].y - sign * way[-1].height / 2)
    points = [start, *((spot.x, spot.y) for spot in way[1:-1]), end]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        bend = (y + to_y) / 2
        path += f"C{x:.1f} {bend:.1f} {to_x:.1f} {bend:.1f} {to_x:.1f} {to_y:.1f}"
    unused = arrow.count == 0
    kind = ' class="z"' if unused else "" if leads_down else ' class="b"'
    thick = 1.2 + (4 * arrow.count / busiest if arrow.count and busiest else 0)
    return f'<path{kind} d="{path}" stroke-width="{thick:.1f}" marker-end="url(#a)"/>'


def _words(arrow: Arrow, way: Sequence[Spot]) -> str:
    spot = next(spot for spot in (way[1], way[-2]) if spot.height)
    return f'<text class="w" x="{spot.x:.1f}" y="{spot.y + 4:.1f}">{_text(arrow.words)}</text>'


# -- boxes --


def _box(box: Box, spot: Spot, lines: Sequence[str]) -> str:
    left, top, width, height = spot.x - spot.width / 2, spot.y - spot.height / 2, spot.width, spot.height
    fill, border = _COLOURS.get(box.kind, _PLAIN)
    style = f'fill="{fill}" stroke="{border}"'
    if box.shape == "choice":
        corners = [(0, 0.5), (14 / width, 0), (1 - 14 / width, 0), (1, 0.5), (1 - 14 / width, 1), (14 / width, 1)]
        points = " ".join(f"{left + x * width:.1f},{top + y * height:.1f}" for x, y in corners)
        shape = f'<polygon points="{points}" {style}/>'
    else:
        round_ = {"box": 2.0, "round": 10.0, "queue": 2.0, "end": height / 2}[box.shape]
        shape = _rectangle(left, top, width, height, f'rx="{round_:.0f}" {style}')
        if box.shape == "queue":  # A second line on both sides, as for a thing that is described elsewhere.
            shape += _rectangle(left + 4, top, width - 8, height, f'fill="none" stroke="{border}"')
    y = spot.y - (len(lines) - 1) * _LINE / 2 + 7
    said = []
    for n, line in enumerate(lines):
        kind = ' class="n"' if n == 0 else ' class="c"' if line == box.note else ""
        said.append(f'<text{kind} x="{spot.x:.1f}" y="{y + n * _LINE:.1f}">{_text(line)}</text>')
    inset = 16 if box.shape in ("choice", "end") else 7
    mark = f'<text class="k" x="{left + inset:.1f}" y="{top + 10:.1f}">{box.kind}</text>'
    return f"<g>{shape}{mark}{''.join(said)}</g>"


def _rectangle(left: float, top: float, width: float, height: float, rest: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" {rest}/>'
