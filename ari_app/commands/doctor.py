"""`hotline doctor`: each check with what was found and how to mend it."""

import shutil
from collections.abc import Iterator
from typing import Annotated

import typer

from ari_app import screenlist
from ari_app.commands import common
from ari_app.errors import HotlineError
from ari_app.media.prompts import Prompts
from ari_app.model.check import Check
from ari_app.provision.checks import asterisk_checks
from ari_app.security import security_checks
from ari_app.site import Site
from ari_app.standby import nodes_of
from ari_app.store.damage import damaged_stores


def doctor(
    as_json: common.AsJson = False,
    security: Annotated[bool, typer.Option("--security", help="Only what an attacker would look for.")] = False,
) -> None:
    """Check this machine, Asterisk and the daemon. Exit 1 when something needs mending."""
    at = common.site()
    checks = list(security_checks(at) if security else _checks(at))
    bad = [check for check in checks if not check.ok]
    if as_json:
        common.print_json({"ok": not bad, "checks": [vars(check) for check in checks]})
    else:
        for check in checks:
            common.console.print(f"{'ok  ' if check.ok else 'MEND'}  {check.name:<28} {check.found}", markup=False)
            if not check.ok:
                common.console.print(f"      → {check.cure}", markup=False)
    if bad:
        raise typer.Exit(1)


def _checks(at: Site) -> Iterator[Check]:
    yield Check("config.yaml", True, f"{at.config}")
    prompts = Prompts.load(at.sounds)
    yield Check("prompts", bool(prompts.rows), f"{len(prompts.rows)} files in {at.sounds}", "git checkout sounds")
    free_mb = shutil.disk_usage(at.state).free >> 20
    need = at.settings.limits.disk_free_mb
    yield Check(
        "free disk", free_mb >= need, f"{free_mb} MiB free, {need} needed", "make room, or lower limits.disk_free_mb"
    )
    yield _damaged(at)
    found = common.asterisk(at)
    if found is None:
        yield Check("Asterisk", False, *common.no_asterisk(at))
    else:
        yield from asterisk_checks(at.settings, at.secrets, found, at.layout(found))
        yield screenlist.check(at, at.instance(found))
    yield _daemon(at)


def _damaged(at: Site) -> Check:
    names = ", ".join(path.name for path in damaged_stores(at.store))
    cure = (
        f"in {at.state}: sqlite3 NAME .recover | sqlite3 SAVED.db saves what can be read; then move it away or "
        "delete it, NAME-wal with it: it holds callers' numbers"
    )
    return Check("store", not names, f"damaged, set aside: {names}" if names else f"{at.store}", cure)


def _daemon(at: Site) -> Check:
    try:
        health = common.api(at).get("/healthz")
    except HotlineError as error:
        return Check("daemon", False, str(error).splitlines()[0], "hotline run (or: systemctl start hotline)")
    nodes = nodes_of(at.store)
    who = f"{nodes.active} is active, {nodes.standby or 'nobody'} waits"
    bad = [f"{name}: {part['text']}" for name, part in health["parts"].items() if not part["ok"]]
    return Check("daemon", not bad, "; ".join(bad) or f"all parts ok; {who}", "see `/healthz` and the daemon's log")
