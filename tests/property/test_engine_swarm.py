"""The distributor's engine does what brute force does, whatever comes; walks find every seeded mutant of it."""

from collections.abc import Callable

import pytest

from ari_app.bench.acd import Stream, engine
from tests.property import oracle
from tests.property.engine_mutants import MUTANTS
from tests.property.engine_swarm import run, run_asks, run_order

WALKS = 600
BLOCKS = 6
PARTS: tuple[Callable[[int], object], ...] = (run_order, run_asks, run)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_walks(block: int, part: Callable[[int], object]) -> None:
    for seed in range(block, WALKS, BLOCKS):
        try:
            part(seed)
        except Exception as found:
            raise AssertionError(f"walk {seed}: {found!r}") from found


def test_a_busy_day() -> None:
    """The bench's stream, with blocks of the real size: every event answers as the oracle does."""
    stream = Stream(agents=150, waiting=250)
    stream.record(1200)
    fast = engine(150)
    slow = oracle.Engine(fast.rules, dict(fast.skills))
    matched = 0
    for name, args in stream.calls:
        found = getattr(fast, name)(*args)
        assert found == getattr(slow, name)(*args), (name, args)
        matched += found is not None
    assert matched > 200 and fast.ready.keys() == slow.ready.keys() and fast.places.keys() == slow.places.keys()
    assert {name: list(line) for name, line in fast.waiting.items()} == slow.waiting


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_dies(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the walks of the whole engine, which see nothing but what it answers."""
    mutant(monkeypatch)
    for seed in range(WALKS):
        try:
            run(seed)
        except Exception:
            return
    pytest.fail(f"{mutant.__name__} lived through {WALKS} walks")
