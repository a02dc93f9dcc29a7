"""What must fit together for callers who harass, and for faxes: names of flows, scripts, numbers and destinations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ari_app.config.diagnostics import Problem, Shared, nearest, shown
from ari_app.config.marks import Marks
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number
from ari_app.model.settings import Settings

NO_SUCH_NAME: Final = "C" + Shared.NO_SUCH_NAME
MAY_NOT_BE_DIALLED: Final = "C036"


def check_screening(settings: Settings, marks: Marks, root: Path) -> Iterator[Problem]:
    """`root`: where relative paths start."""
    rules = settings.screening
    flows = {file.stem for file in _files(root / settings.paths.flows, "*.yaml")}
    scripts = {file.stem for file in _files(root / settings.paths.scripts, "*.py")}
    flow = rules.desk.partition(":")[0]
    if flow and flow not in flows:
        message, hint = f"no flow {shown(flow)}", nearest(flow, flows)
        yield marks.problem(("screening", "desk"), NO_SUCH_NAME, message, hint)
    if rules.record and scripts and rules.record not in scripts:
        message, hint = f"no script {shown(rules.record)} in {settings.paths.scripts}", nearest(rules.record, scripts)
        yield marks.problem(("screening", "record"), NO_SUCH_NAME, message, hint or "empty: nobody is asked")
    for n, number in enumerate(rules.open_numbers):
        if number not in settings.numbers:
            message, hint = f"nobody dials {shown(number)}", nearest(number, settings.numbers)
            yield marks.problem(("screening", "open_numbers", n), NO_SUCH_NAME, message, hint or "see numbers")
    yield from _fax(settings, marks)


def _fax(settings: Settings, marks: Marks) -> Iterator[Problem]:
    kind, _, name = settings.line.fax_to.partition(":")
    known = {"agent": marks.names(("agents",)), "queue": marks.names(("queues",))}
    if kind in known and name not in known[kind]:
        message, hint = f"no {kind} named {shown(name)}", nearest(name, known[kind])
        yield marks.problem(("line", "fax_to"), NO_SUCH_NAME, message, hint)
    elif kind == "number" and not is_permitted(Number(name), settings.outbound):
        hint = "permit it: outbound.permitted, and name outbound.trunk"
        yield marks.problem(("line", "fax_to"), MAY_NOT_BE_DIALLED, f"{shown(name)} may not be dialled", hint)


def _files(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except (OSError, ValueError):
        return []
