"""Stopping: what is waited for, and what ends the waiting."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ari_app.daemon import Daemon
from ari_app.errors import StoreError


def draining(**busy: bool) -> Any:
    """A daemon as far as `_drain` looks at it, without calls."""
    floor = SimpleNamespace(calls={})
    return SimpleNamespace(
        loop=SimpleNamespace(
            post=lambda _: None,
            clock=SimpleNamespace(now=lambda: 0.0),
            board=SimpleNamespace(floor=floor),
            inbox=[],
        ),
        site=SimpleNamespace(settings=SimpleNamespace(limits=SimpleNamespace(drain_s=0))),
        recorder=SimpleNamespace(busy=busy.get("recorder", False)),
        filing=SimpleNamespace(busy=busy.get("filing", False)),
        hurried=False,
        ended_by=None,
    )


async def test_nothing_left_ends_it_at_once() -> None:
    await asyncio.wait_for(Daemon._drain(cast(Daemon, draining())), 1)


@pytest.mark.parametrize("who", ["recorder", "filing"])
async def test_recordings_and_messages_are_waited_for(who: str) -> None:
    at = draining(**{who: True})
    task = asyncio.create_task(Daemon._drain(at))
    await asyncio.wait([task], timeout=0.05)
    assert not task.done()
    setattr(at, who, SimpleNamespace(busy=False))
    await asyncio.wait_for(task, 1)


@pytest.mark.parametrize(("name", "value"), [("hurried", True), ("ended_by", StoreError("damaged"))])
async def test_told_twice_or_at_an_end_it_waits_for_nothing(name: str, value: object) -> None:
    at = draining(recorder=True, filing=True)
    task = asyncio.create_task(Daemon._drain(at))
    await asyncio.wait([task], timeout=0.05)
    setattr(at, name, value)
    await asyncio.wait_for(task, 1)
