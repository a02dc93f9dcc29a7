"""The product's Asterisk with another dialplan: tones, echoes and refusals for trying the phones on, no daemon."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ari_app.provision.instance import Instance
from ari_app.render.asterisk import render
from tests.asterisk import asterisk_install, port_block, private_layout, secrets_for, settings_on, stub_sounds

PHONES = 20
MODULES = ("app_dial", "app_read", "app_userevent")

DIALPLAN = """
[globals]
PROMPTS={prompts}
[from-phone]
include => phones
[from-trunk]
include => phones
[phones]
exten => echo,1,Answer()
 same => n,Echo()
exten => tone,1,Answer()
 same => n,Playtones(1000)
 same => n,Wait(30)
exten => early,1,Progress()
 same => n,Playtones(1000)
 same => n,Wait(30)
exten => busy,1,Hangup(17)
exten => read,1,Answer()
 same => n,Read(KEYS,,20,,1,10)
 same => n,UserEvent(Keys,Digits: ${KEYS})
 same => n,Hangup()
exten => menu,1,Answer()
 same => n,Playtones(500)
 same => n,Read(KEY,,1,,1,30)
 same => n,StopPlaytones()
 same => n,Wait(0.1)
 same => n,Playtones(900)
 same => n,Wait(30)
exten => prompts,1,Answer()
 same => n,Background(${PROMPTS}/first)
 same => n,WaitExten(10)
exten => 1,1,Background(${PROMPTS}/second)
 same => n,Wait(5)
exten => load,1,Answer()
 same => n,Playtones(500)
 same => n,Read(KEY,,1,,1,10)
 same => n,StopPlaytones()
 same => n,GotoIf($["${KEY}" != "1"]?wrong)
 same => n,Dial(PJSIP/sipp,20)
 same => n(wrong),Hangup()
exten => sipp,1,Dial(PJSIP/sipp,20)
exten => _p.,1,Dial(PJSIP/${EXTEN},3)
 same => n,Hangup(${HANGUPCAUSE})
"""

SIPP = """
[sipp]
type=endpoint
context=phones
disallow=all
allow=ulaw
direct_media=no
aors=sipp
[sipp]
type=aor
contact=sip:sipp@127.0.0.1:{port}
"""

AMI = """
[general]
enabled=yes
bindaddr=127.0.0.1
port={port}
[test]
secret=test
read=all
"""


@dataclass(frozen=True)
class PlainAsterisk:
    """Where it listens, and the folder its prompts are taken from."""

    server: tuple[str, int]
    ami_port: int
    sipp_port: int
    prompts: Path
    instance: Instance
    passwords: dict[str, str]

    def cli(self, command: str) -> str:
        return self.instance.cli(command)


@contextmanager
def plain_asterisk(folder: Path) -> Iterator[PlainAsterisk]:
    """Booted, with phones p1 … p20 and a trunk for the rest of this machine; stopped at the end."""
    changes = {
        "phones": {f"p{n}": {} for n in range(1, PHONES + 1)},
        "trunks": {"here": {"match": ["127.0.0.1"]}},
        "paths": {"sounds": str(stub_sounds(folder))},
    }
    installed = asterisk_install()
    with port_block() as first:
        settings = settings_on(first, folder, changes)
        secrets = secrets_for(settings)
        layout = private_layout(settings, folder, installed)
        files = render(settings, secrets, layout)
        files |= {
            "extensions.conf": DIALPLAN.replace("{prompts}", str(folder)),
            "pjsip.conf": files["pjsip.conf"] + SIPP.format(port=first + 4),
            "manager.conf": AMI.format(port=first + 2),
            "modules.conf": files["modules.conf"] + "".join(f"require = {name}.so\n" for name in MODULES),
        }
        instance = Instance(installed, layout, settings.asterisk)
        instance.write(files)
        instance.start()
        try:
            yield PlainAsterisk(("127.0.0.1", first), first + 2, first + 4, folder, instance, secrets.phones)
        finally:
            instance.stop()


class Ami:
    """Reads events one by one."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def wait(self, name: str, timeout_s: float = 5.0) -> dict[str, str]:
        """The next event of that name."""
        async with asyncio.timeout(timeout_s):
            while True:
                block = (await self._reader.readuntil(b"\r\n\r\n")).decode()
                event = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                if event.get("Event") == name:
                    return event


@asynccontextmanager
async def ami_events(here: PlainAsterisk) -> AsyncIterator[Ami]:
    """Its events, as long as the block lasts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.ami_port)
    writer.write(b"Action: Login\r\nUsername: test\r\nSecret: test\r\n\r\n")
    try:
        yield Ami(reader)
    finally:
        writer.close()
        await writer.wait_closed()
