"""Fixtures every tier may use."""

from collections.abc import Iterator

import pytest

from tests.asterisk import RunningAsterisk, running_asterisk


@pytest.fixture(scope="session")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    """One real Asterisk for the whole run. A test that stops or restarts it takes `running_asterisk` instead."""
    with running_asterisk(tmp_path_factory.mktemp("asterisk")) as running:
        yield running
