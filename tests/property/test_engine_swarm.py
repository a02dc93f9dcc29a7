"""The distributor's engine does what brute force does, whatever comes; walks find every seeded mutant of it."""

from collections.abc import Callable

import pytest

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
