#!/usr/bin/env python3
"""Takes a message without the daemon: a plain AGI program, started by Asterisk for one call (see extensions.conf),
while no daemon runs, or from a caller who is screened and appeals.

Arguments: the spool folder, the longest message and the silence that ends it in seconds, what was dialled; `appeal`.
Standard library only.
A message is two files in the spool, `ID.wav` and, renamed there last, `ID.json`; in the making they stand in `new/`.
The caller's number is on the disk before he speaks, so that a crash while he does loses neither. Sets NET_MESSAGE:
taken, nothing or full.
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

MESSAGES_MAX = 1000  # In the spool; whoever calls then hears that there is no message.
FREE_BYTES_MIN = 50 << 20
NOTHING_S = 1.0  # Shorter is a click.
BYTES_A_SECOND, HEADER_BYTES = 16_000, 44  # The wav Asterisk writes: 8 kHz, 16 bits, mono.


def header() -> dict[str, str]:
    """What Asterisk tells first, `agi_NAME: value` a line, up to an empty one."""
    found = {}
    for line in sys.stdin:
        name, colon, value = line.rstrip("\n").partition(": ")
        if not colon:
            break
        found[name.removeprefix("agi_")] = value
    return found


def ask(command: str) -> str:
    """One command's answer; empty when the caller has hung up and Asterisk listens no more."""
    try:
        print(command, flush=True)
        while (line := sys.stdin.readline()) and not line.startswith(("200", "5")):
            pass  # HANGUP, and other lines that answer nothing.
    except OSError:
        return ""
    return line.strip()


def begin(spool: Path, asked: dict[str, str]) -> Path:
    """The message's place in `new/`, without an ending; its JSON stands there. Run 0 of ids is: no daemon."""
    number = asked.get("callerid", "")
    about = {
        "at": time.time(),
        "caller": number if re.fullmatch(r"\+?[0-9]{1,24}", number, re.ASCII) else "",
        "dialled": re.sub(r"[^0-9A-Za-z+*#]", "", asked.get("arg_4", ""))[:32],
        "appeal": asked.get("arg_5", "") == "appeal",
        "language": re.sub(r"[^A-Za-z-]", "", asked.get("language", ""))[:8],
    }
    n = int(about["at"] * 100)
    while True:
        place = spool / "new" / f"0-{n}.m1"
        try:
            write(Path(f"{place}.json"), json.dumps(about))
            return place
        except FileExistsError:
            n += 1  # Another call of the same hundredth of a second.


def write(path: Path, text: str) -> None:
    """A new file, on the disk when this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def finish(spool: Path, place: Path) -> str:
    """The sound, then the JSON that makes it a message."""
    sound, about = Path(f"{place}.wav"), Path(f"{place}.json")
    try:
        seconds = (sound.stat().st_size - HEADER_BYTES) / BYTES_A_SECOND
    except FileNotFoundError:
        seconds = 0.0
    if seconds < NOTHING_S:
        sound.unlink(missing_ok=True)
        about.unlink()
        return "nothing"
    with sound.open("rb") as file:
        os.fsync(file.fileno())
    sound.rename(spool / sound.name)
    about.rename(spool / about.name)
    folder = os.open(spool, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return "taken"


def has_room(spool: Path) -> bool:
    disk = os.statvfs(spool)
    return len(list(spool.glob("*.json"))) < MESSAGES_MAX and disk.f_bavail * disk.f_frsize >= FREE_BYTES_MIN


def main() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # The caller hung up: what he said still has to be kept.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    spool, longest_s, silence_s = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    asked = header()
    (spool / "new").mkdir(parents=True, exist_ok=True)
    outcome = "full"
    if has_room(spool):
        place = begin(spool, asked)
        ask(f'RECORD FILE "{place}" wav "#" {int(longest_s * 1000)} 0 s={int(silence_s)}')
        outcome = finish(spool, place)
    ask(f"SET VARIABLE NET_MESSAGE {outcome}")


if __name__ == "__main__":
    main()
