"""A Kamailio that is none, and time that passes when told to."""

from __future__ import annotations

import pytest

from authorizer.kamailio import Kamailio
from tests.fakes.ksr import FakeKsr
from tests.kemi.builders import NOW


class SteppedTime:
    """Stands in for the module time, in the modules of the authorizer."""

    def __init__(self):
        self._passed = 0.0

    def pass_by(self, seconds):
        self._passed += seconds

    def time(self):
        return NOW + self._passed

    def monotonic(self):
        return 50.0 + self._passed


@pytest.fixture
def time(monkeypatch):
    stepped = SteppedTime()
    for module in ("clerk", "conversation", "process"):
        monkeypatch.setattr(f"authorizer.{module}.time", stepped)
    return stepped


@pytest.fixture
def ksr(time):
    return FakeKsr(clock=time.time)


@pytest.fixture
def kamailio(ksr):
    return Kamailio(ksr)
