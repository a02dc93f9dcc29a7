"""Swarm walks find nothing; they find every seeded mutant of the board; the engine agrees with brute force."""

from collections.abc import Callable

import pytest

from tests.property.mutants import MUTANTS
from tests.property.swarm import run

WALKS = 500
MUTANT_WALKS = 1000  # One that shows seldom is looked for longer; most die within a few.
BLOCKS = 8


@pytest.mark.parametrize("block", range(BLOCKS))
def test_walks(block: int) -> None:
    for seed in range(block, WALKS, BLOCKS):
        try:
            run(seed)
        except Exception as found:
            raise AssertionError(f"walk {seed}: {found!r}") from found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_dies(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    for seed in range(MUTANT_WALKS):
        try:
            run(seed)
        except Exception:
            return
    pytest.fail(f"{mutant.__name__} lived through {MUTANT_WALKS} walks")
