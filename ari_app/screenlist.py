"""Whether Asterisk's own list of screened numbers is the store's: for `hotline doctor`, and when a person is erased."""

import re
import time
from typing import Final
from zoneinfo import ZoneInfo

from ari_app.errors import AsteriskError
from ari_app.model.check import Check
from ari_app.model.ids import Number
from ari_app.model.screening import APPEALED, FAMILY, canonical, spellings
from ari_app.provision.instance import Instance
from ari_app.screening import rows
from ari_app.site import Site
from ari_app.store.screening import held

_ROW: Final = re.compile(rf"^/{FAMILY}/([0-9]+) *: ([0-9]+)(/\S*)?", re.MULTILINE)


def difference(at: Site, instance: Instance) -> tuple[list[str], list[str]]:
    """Numbers that Asterisk lacks, and those it screens in vain; entries whose time is over screen nobody."""
    rules, now = at.settings.screening, time.time()
    kept = {canonical(number, rules): until for number, until in held(at.store, now).items()}
    wanted = {
        key: float(value.partition("/")[0]) for key, value in rows(kept, rules, ZoneInfo(at.settings.timezone)).items()
    }
    found = {key: float(until) for key, until, _ in _ROW.findall(instance.cli(f"database show {FAMILY}"))}
    there = {key: until for key, until in found.items() if until > now}
    lacking = sorted(key for key, until in wanted.items() if there.get(key) != until)
    return lacking, sorted(there.keys() - wanted.keys())


def check(at: Site, instance: Instance) -> Check:
    """The numbers themselves are personal data: only how many there are is said."""
    name, cure = "screened numbers in Asterisk", "start the daemon (it puts them right), or see its log"
    if instance.pid() is None or not at.store.exists():
        return Check(name, True, "not looked at: no Asterisk of ours runs, or there is no store yet")
    try:
        lacking, vain = difference(at, instance)
    except AsteriskError as error:
        return Check(name, False, str(error).splitlines()[0], cure)
    ok = not lacking and not vain
    found = "as in the store" if ok else f"{len(lacking)} entries missing or old, {len(vain)} too many"
    return Check(name, ok, found, "" if ok else cure)


def forget(at: Site, instance: Instance, number: Number) -> bool:
    """Take a number out of Asterisk's list without the daemon; False when Asterisk cannot be asked."""
    rules = at.settings.screening
    try:
        for way in spellings(canonical(number, rules), rules):
            for family in (FAMILY, APPEALED):
                instance.cli(f"database del {family} {way}")
    except AsteriskError:
        return False
    return True
