"""The checker's rules about transfer nodes: one place to go to, which exists and may be dialled. Pure."""

from collections.abc import Iterator
from typing import Final

from ari_app.flow.finding import Draft, Finding, Path, World, no_such
from ari_app.flow.nodes import Transfer
from ari_app.model.dialling import is_permitted
from ari_app.model.ids import Number
from ari_app.model.settings import Settings

MAY_NOT_BE_DIALLED: Final = "F046"
WHOM_TO_RING: Final = "F047"


def check_transfers(draft: Draft, world: World) -> Iterator[Finding]:
    """What is wrong with each transfer node."""
    for name, node in draft.flow.nodes.items():
        if isinstance(node, Transfer):
            yield from _check(("nodes", name), node, world.settings)


def _check(here: Path, node: Transfer, settings: Settings) -> Iterator[Finding]:
    named = [place for place in ("agent", "number", "directory") if getattr(node, place) is not None]
    if len(named) != 1:
        message = f"rings {', '.join(named[:-1])} and {named[-1]} at once" if named else "rings nobody"
        yield Finding(here, WHOM_TO_RING, message, "write one of agent, number, directory", at_key=True)
    if node.agent is not None and node.agent not in settings.agents:
        yield no_such((*here, "agent"), "agent", node.agent, settings.agents, "agents are in config.yaml")
    if node.record_as is not None and node.record_as not in settings.queues:
        yield no_such((*here, "record_as"), "queue", node.record_as, settings.queues, "write it in config.yaml")
    if node.number is not None and not is_permitted(Number(node.number), settings.outbound):
        why = "permits no such number" if settings.outbound.trunk else "names no trunk to dial out by"
        message = f"{node.number!r} may not be dialled: outbound in config.yaml {why}"
        yield Finding((*here, "number"), MAY_NOT_BE_DIALLED, message, "permit it: outbound.permitted, outbound.trunk")
    if node.directory is not None and node.directory not in settings.directory:
        hint = "write it under directory in config.yaml"
        yield no_such((*here, "directory"), "entry of the directory", node.directory, settings.directory, hint)
