"""The short set of `make test`; all of them: `make chaos`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.cases import SHORT, named
from tests.chaos.house import Machine, machine
from tests.chaos.report import line
from tests.chaos.run import run_case


@pytest.fixture(scope="module")
def here() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, machine(Path(folder)) as running:
        yield running


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SHORT)
async def test_case(here: Machine, name: str) -> None:
    row = await run_case(here, named(name), seed=1)
    print(f"\n{line(row, 0)}")
    assert row.good, line(row, 0)
