"""What tests of every part share: the clock, and settings of the property tests."""

from __future__ import annotations

import pytest

from hypothesis import settings

from tests.fakes.clock import FrozenClock


pytest_plugins = ["tests.databases"]

# A busy machine is no reason for a property to fail.
settings.register_profile("epcscf", deadline=None)
settings.load_profile("epcscf")


@pytest.fixture
def clock():
    return FrozenClock()
