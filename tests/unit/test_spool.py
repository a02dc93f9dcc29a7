"""Messages left while no daemon ran: what becomes of one whose program was killed while the caller spoke."""

import asyncio
import json
import os
import time
from pathlib import Path

from ari_app.model.events import MessageSpooled
from ari_app.spool import BYTES_A_SECOND, CUT_OFF_S, HEADER_BYTES, Spool
from ari_app.store.journal import Journal

CALLER = "13800138000"


def in_the_making(folder: Path, number: int, age_s: float, *, seconds: float | None) -> None:
    """As agi_scripts/net/leave_message.py leaves it when it is killed; `seconds` of sound, or none yet."""
    about = folder / "new" / f"0-{number}.m1.json"
    about.parent.mkdir(exist_ok=True)
    about.write_text(json.dumps({"at": 5.0, "caller": CALLER, "dialled": "1860"}))
    if seconds is not None:
        about.with_suffix(".wav").write_bytes(bytes(HEADER_BYTES + int(seconds * BYTES_A_SECOND)))
    os.utime(about, (time.time() - age_s,) * 2)


def test_a_message_cut_off_is_taken_once_nobody_can_be_speaking_it_any_more(tmp_path: Path) -> None:
    store, folder, kept = tmp_path / "hotline.db", tmp_path / "spool", tmp_path / "kept"
    Journal.open(store).close()
    folder.mkdir()
    told = list[object]()
    spool = Spool(store, folder, kept, told.append)
    in_the_making(folder, 1, CUT_OFF_S + 60, seconds=3)
    in_the_making(folder, 2, CUT_OFF_S - 60, seconds=3)  # Somebody may still be speaking.
    in_the_making(folder, 3, CUT_OFF_S + 60, seconds=None)  # Killed before anything was said.
    asyncio.run(spool.look())
    assert told == [MessageSpooled("0-1.m1", CALLER, 3.0, 5.0, is_appeal=False)]  # type: ignore[arg-type]
    assert (kept / "0-1.m1.wav").exists()
    assert sorted(path.name for path in (folder / "new").iterdir()) == ["0-2.m1.json", "0-2.m1.wav"]
    asyncio.run(spool.look())
    assert len(told) == 1, "told once, though the store does not have it yet"
