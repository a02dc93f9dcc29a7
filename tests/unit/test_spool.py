"""Messages left while no daemon ran: what becomes of one whose program was killed while the caller spoke."""

import asyncio
import json
import os
import sqlite3
import time
from pathlib import Path

import pytest

from ari_app.errors import StoreError
from ari_app.model.events import Event, MessageSpooled
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


def test_a_disk_that_is_full_for_a_moment_costs_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal.open(tmp_path / "hotline.db").close()
    (folder := tmp_path / "net").mkdir()
    about = folder / "0-1.m1.json"
    about.write_text(json.dumps({"at": 5.0, "caller": "13800138000"}))
    about.with_suffix(".wav").write_bytes(bytes(44 + 16_000))
    told: list[Event] = []
    spool = Spool(tmp_path / "hotline.db", folder, tmp_path / "kept", told.append)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ari_app.spool.shutil.move", full)
        with pytest.raises(OSError, match="No space"):
            asyncio.run(spool.look())
    asyncio.run(spool.look())
    assert [event.message for event in told if isinstance(event, MessageSpooled)] == ["0-1.m1"]


@pytest.mark.parametrize("problem", [StoreError("busy"), sqlite3.OperationalError("disk I/O error"), OSError(5, "EIO")])
def test_trouble_with_the_store_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    looks: list[int] = []

    async def look() -> None:
        looks.append(1)
        raise problem if len(looks) < 3 else asyncio.CancelledError

    monkeypatch.setattr("ari_app.spool.EVERY_S", 0.0)
    spool = Spool(tmp_path / "hotline.db", tmp_path, tmp_path, lambda _: None)
    monkeypatch.setattr(spool, "look", look)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(spool.run())
    assert len(looks) == 3
