"""A message's file moves into the store's folder, whole or not at all."""

import asyncio
import hashlib
from datetime import UTC

from ari_app.filing import Filing, move
from ari_app.model.effects import FileMessage
from ari_app.model.work import MessageFiled, MessageUnfiled


def test_moved_and_described(tmp_path):
    made, kept = tmp_path / "1-2.m3.wav", tmp_path / "kept"
    made.write_bytes(b"sound")
    digest = hashlib.sha256(b"sound").hexdigest()
    filed = MessageFiled("1-2.m3", "2026-03-02/1-2.m3.wav", 5, digest)
    assert move(made, kept, "2026-03-02/1-2.m3.wav") == filed
    assert not made.exists() and [file.name for file in (kept / "2026-03-02").iterdir()] == ["1-2.m3.wav"]
    assert move(made, kept, "2026-03-03/1-2.m3.wav") == filed  # Again, after a crash before it was noted.


async def test_what_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("ari_app.filing.WRITTEN_S_MAX", 0.1)
    told = []
    filing = Filing(tmp_path, tmp_path / "kept", UTC, told.append)
    filing.perform(FileMessage("1-2", "1-2.m3", "general"))
    filing.perform(FileMessage("1-2", "1-2.m4", "general"))
    await asyncio.sleep(0)
    (tmp_path / "1-2.m4.wav").write_bytes(b"late")
    while filing.busy:
        await asyncio.sleep(0.01)
    assert {type(each): each.message for each in told} == {MessageUnfiled: "1-2.m3", MessageFiled: "1-2.m4"}
