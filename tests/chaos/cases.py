"""The cases by name: a fault, and where calls are when it hits. In each of them callers wait in the queue `lines`."""

from dataclasses import dataclass
from typing import Any, Final

from tests.chaos import faults
from tests.chaos.faults import Fault
from tests.chaos.phases import PHASES

ALL: Final = tuple(PHASES)
UNWRITTEN: Final = tuple(each for each in PHASES if each not in ("booked", "wrap_up", "menu", "greeting"))
"""Those that can go on without what only the store knew; who was in a flow comes into a queue instead."""


@dataclass(frozen=True)
class Case:
    """`asterisk_lives`: whether calls can be kept at all. `changes`: of the settings. `load`: callers a second."""

    name: str
    fault: Fault
    phases: tuple[str, ...] = ALL
    asterisk_lives: bool = True
    changes: dict[str, Any] | None = None
    load: float = 1.0
    standby: bool = False  # A second daemon waits.
    needs_own_disk: bool = False  # See house.machine: root only.


def _one(phase: str) -> tuple[str, ...]:
    return ("lines",) if phase == "lines" else ("lines", phase)


CASES: Final = (
    *(Case(f"kill9-{phase.replace('_', '-')}", faults.kill9, _one(phase)) for phase in PHASES),
    Case("kill9-all", faults.kill9),
    Case("kill9-twice", faults.kill9_twice),
    Case("kill9-in-recovery", faults.kill9_recovering),
    Case("sigterm-drain", faults.sigterm),
    Case("daemon-frozen", faults.daemon_frozen),
    Case("link-cut", faults.link_cut),
    Case("link-stranded", faults.link_stranded),
    Case("link-silent", faults.link_silent),
    Case("half-open-forth", faults.half_open_forth),
    Case("half-open-back", faults.half_open_back),
    Case("slow-reader", faults.slow_reader),
    Case("ami-down", faults.ami_down),
    Case("asterisk-frozen", faults.asterisk_frozen),
    Case("standby-kill9", faults.kill9, standby=True),
    Case("standby-frozen", faults.frozen_for_good, standby=True),
    Case("handover", faults.handover, standby=True),
    Case("store-locked", faults.store_locked),
    Case("store-corrupt", faults.store_corrupt, UNWRITTEN),
    Case("disk-full", faults.disk_full, needs_own_disk=True),
    Case("clock-forward", faults.clock_forward),
    Case("clock-back", faults.clock_back),
    Case("clock-forward-kill9", faults.clock_forward_kill9),
    Case("clock-back-kill9", faults.clock_back_kill9),
    Case("nic-down", faults.nic_down),
    Case("phone-vanished", faults.phone_vanished, ("vanishing",)),
    Case("asterisk-killed", faults.asterisk_killed, asterisk_lives=False),
    Case("asterisk-restarted", faults.asterisk_restarted, asterisk_lives=False),
)

SHORT: Final = ("kill9-all", "phone-vanished")
"""Those of `make test`, a minute in all."""


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)
