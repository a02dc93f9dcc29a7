"""One Asterisk for the tier, one fresh daemon for each test; after each test the house must be at rest."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.asterisk import RunningAsterisk, running_asterisk
from tests.e2e.kit import CHANGES, Hotline, running_hotline


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    with running_asterisk(tmp_path_factory.mktemp("exchange"), CHANGES) as asterisk:
        print(f"\nend to end on Asterisk {asterisk.instance.install.version}")
        yield asterisk


@pytest.fixture
async def hotline(exchange: RunningAsterisk) -> AsyncIterator[Hotline]:
    async with running_hotline(exchange) as running:
        yield running
        await running.at_rest()
