"""Whom `hotline rescue` gives to the safety net: callers who are alone, nobody else."""

from typing import Any

from ari_app.ari.rescue import alone


def channel(name: str, data: str, created: str = "2026-03-02T10:00:00.000+0000") -> dict[str, Any]:
    return {"id": name, "creationtime": created, "dialplan": {"app_name": "Stasis", "app_data": data}}


def bridge(kind: str, *channels: str) -> dict[str, Any]:
    return {"bridge_type": kind, "channels": list(channels)}


def test_callers_alone_the_oldest_first_and_talks_counted() -> None:
    channels = [
        channel("menu", "hotline,in,1860,local", "2026-03-02T10:00:09.000+0000"),
        channel("waiting", "hotline,in,1860,local", "2026-03-02T10:00:05.000+0000"),
        channel("talking", "hotline,in,1860,local"),
        channel("left", "hotline,in,1860,local", "2026-03-02T10:00:07.000+0000"),
        channel("agent", "hotline,leg"),
        channel("code", "hotline,feature,*11"),
        channel("other's", "hotline2,in,1860,local"),
        {"id": "plain", "creationtime": "", "dialplan": {"context": "net"}},
    ]
    bridges = [bridge("holding", "waiting"), bridge("mixing", "talking", "agent"), bridge("mixing", "left")]
    assert alone(channels, bridges, "hotline") == (["waiting", "left", "menu"], 1)


def test_nobody_there() -> None:
    assert alone([], [], "hotline") == ([], 0)
