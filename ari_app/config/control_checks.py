"""What must fit together for call control: the directory's destinations, and the codes typed during a talk."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from ari_app.config.diagnostics import Problem, Shared, nearest, shown
from ari_app.config.marks import Marks
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number
from ari_app.model.routing import TalkCodes
from ari_app.model.settings import Settings

NO_SUCH_NAME: Final = "C" + Shared.NO_SUCH_NAME
TALK_CODES_COLLIDE: Final = "C035"
MAY_NOT_BE_DIALLED: Final = "C036"
_OF_SUPERVISORS: Final = ("listen", "whisper", "barge", "take_over")


def check_control(settings: Settings, marks: Marks) -> Iterator[Problem]:
    yield from _directory(settings, marks)
    yield from _talk_codes(settings.talk_codes, marks)


def _directory(settings: Settings, marks: Marks) -> Iterator[Problem]:
    known = {"agent": marks.names(("agents",)), "queue": marks.names(("queues",))}
    for key, where in settings.directory.items():
        kind, _, name = where.partition(":")
        if kind in known and name not in known[kind]:
            message = f"no {kind} named {shown(name)}"
            yield marks.problem(("directory", key), NO_SUCH_NAME, message, nearest(name, known[kind]))
        elif kind == "number" and not is_permitted(Number(name), settings.outbound):
            message = f"{shown(name)} may not be dialled"
            hint = "permit it: outbound.permitted, and name outbound.trunk"
            yield marks.problem(("directory", key), MAY_NOT_BE_DIALLED, message, hint)


def _talk_codes(codes: TalkCodes, marks: Marks) -> Iterator[Problem]:
    """No code may begin another one: it would be taken before the other is typed to its end."""
    for names in (set(TalkCodes.model_fields) - {*_OF_SUPERVISORS}, {*_OF_SUPERVISORS}):
        for name, other in combinations([each for each in TalkCodes.model_fields if each in names], 2):
            one, two = getattr(codes, name), getattr(codes, other)
            if one.startswith(two) or two.startswith(one):
                paths = (("talk_codes", other), ("talk_codes", name), ())
                written = next(place for place in paths if place in marks.keys or not place)
                message = f"{shown(two)} ({other}) begins like {shown(one)} ({name})"
                yield marks.problem(
                    written, TALK_CODES_COLLIDE, message, "no talk code may be the beginning of another"
                )
