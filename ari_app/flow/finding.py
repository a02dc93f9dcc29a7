"""What the checker says, and what it may know: findings, and the world flows live in. Pure."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ari_app.flow.model import Flow, next_nodes
from ari_app.flow.situations import NO_SITUATIONS, Situations
from ari_app.model.settings import Settings

Path = tuple[str | int, ...]
Missing = Callable[[Iterable[str]], list[tuple[str, str]]]
"""Of these prompt ids, the (id, language) that have no audio."""

NO_SUCH_NAME: Final = "F003"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong at a place of a flow file; `at_key`: at the key that ends `path`, not at its value.

    `wanted` is a name that was not found among `known`: whoever shows the finding may propose the nearest.
    """

    path: Path
    code: str
    message: str
    hint: str = ""
    at_key: bool = False
    is_warning: bool = False
    wanted: str = ""
    known: Collection[str] = field(default=(), repr=False)


@dataclass(frozen=True)
class Draft:
    """A flow to be checked. `names`: every node written, also those left out because something in them is wrong.

    `is_whole`: nothing was left out, so what is not there was not written.
    """

    flow: Flow
    names: Collection[str]
    is_whole: bool = True

    @cached_property
    def ways(self) -> dict[str, dict[str, str]]:
        """Node -> place -> target, left-out branches not among them."""
        return {name: next_nodes(node) for name, node in self.flow.nodes.items()}


@dataclass(frozen=True)
class World:
    """What flows may name. `flows`: names of all files, also unreadable ones; `scripts` None: not known.

    `years`: whose make-up workdays the calendar should hold by now.
    """

    settings: Settings
    missing: Missing
    flows: Collection[str]
    scripts: Collection[str] | None = None
    years: tuple[int, ...] = ()
    situations: Situations = NO_SITUATIONS
    prompts: Collection[str] = ()  # Those of the catalogue, to propose one.
    situation_names: Collection[str] = ()  # Also those left out because something in them is wrong.


def no_such(path: Path, what: str, wanted: str, known: Collection[str], hint: str = "") -> Finding:
    """`no node named 'main_manu'`."""
    return Finding(path, NO_SUCH_NAME, f"no {what} named {wanted!r}", hint, wanted=wanted, known=known)
