"""What a user would pick instead: the same calls on Asterisk alone, by dialplan and app_queue. An Asterisk of its own.

SIP, voice, prompts and limits are configured as for the hotline; the dialplan and the queues are these.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ari_app.bench.house import LANGUAGE, NUMBER, WAITING, Scale, furnished, pid_of
from ari_app.provision.install import Install
from ari_app.provision.instance import Instance
from ari_app.provision.ports import port_block
from ari_app.site import Site

DIALPLAN: Final = """[general]
static=yes
writeprotect=yes

[from-trunk]
exten => {number},1,Goto(menu,s,1)
exten => {waiting},1,Answer()
 same => n,Queue(probe,,,,300)
 same => n,Hangup()

[menu]
exten => s,1,Answer()
 same => n,Background({sounds}/greeting-morning&{sounds}/main-menu)
 same => n,WaitExten(10)
 same => n,Hangup()
exten => 1,1,MixMonitor(${{UNIQUEID}}.wav)
 same => n,Queue(billing,,,,60)
 same => n,Hangup()

[from-phone]
exten => s,1,Hangup()
"""
QUEUE: Final = """
[{name}]
strategy=leastrecent
ringinuse=no
autofill=yes
timeout=15
retry=1
wrapuptime=0
"""
MODULES: Final = ("app_queue.so",)


@dataclass(frozen=True)
class Native:
    """What runs, and where."""

    site: Site
    instance: Instance
    agents_port: int
    echo_port: int

    @property
    def server(self) -> tuple[str, int]:
        return self.site.settings.asterisk.sip_listen, self.site.settings.asterisk.sip_port

    @property
    def asterisk_pid(self) -> int:
        return pid_of(self.instance)

    def bridged(self) -> int:
        """Calls of the load that were connected and have ended, since the start."""
        found = re.search(r"\bC:(\d+)", self.instance.cli("queue show billing"))
        return int(found[1]) if found else 0

    def idle(self) -> bool:
        """Nobody is on the line."""
        return not self.instance.status().channels


@contextmanager
def native(home: Site, install: Install, scale: Scale) -> Iterator[Native]:
    """Up when the block begins, gone with all its files when it ends."""
    with port_block(scale.ports) as first, tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        site = furnished(Path(name), first, scale, home)
        instance = site.instance(install)
        instance.write({**site.rendered(install), **_files(site, scale, install)})
        instance.start()
        try:
            yield Native(site, instance, first + 4, first + 6)
        finally:
            instance.stop()


def _files(site: Site, scale: Scale, install: Install) -> dict[str, str]:
    """What stands in place of the hotline's own."""
    sounds = site.layout(install).sounds / LANGUAGE
    members = "".join(f"member => PJSIP/a{number}\n" for number in scale.numbers)
    queues = (
        f"[general]\npersistentmembers=no\n{QUEUE.format(name='billing')}{members}"
        f"{QUEUE.format(name='probe')}member => PJSIP/probe\n"
    )
    modules = "".join(f"require = {module}\n" for module in MODULES)
    return {
        "extensions.conf": DIALPLAN.format(number=NUMBER, waiting=WAITING, sounds=sounds),
        "queues.conf": queues,
        "modules.conf": site.rendered(install)["modules.conf"] + modules,
    }
