"""Fixtures every tier may use."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.asterisk import RunningAsterisk, running_asterisk

os.environ["LC_ALL"] = "C.UTF-8"  # Commands speak the language of the locale; the tests read English.
settings.register_profile("hotline", deadline=None)  # How long an example takes is the machine's business.
settings.load_profile("hotline")


@pytest.fixture(scope="session")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    """One real Asterisk for the whole run. A test that stops or restarts it takes `running_asterisk` instead."""
    with running_asterisk(tmp_path_factory.mktemp("asterisk")) as running:
        yield running
