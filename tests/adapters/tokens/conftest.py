from __future__ import annotations

from datetime import timedelta

import pytest

from epcscfd.tokens.fetching import make_client
from epcscfd.tokens.jwks import JwksCache, KeyLives
from tests.adapters.tokens.asking import Asking
from tests.fakes.issuer import FakeIssuer
from tests.fakes.memory import MemoryKeyWatch


SOFT, HARD = 300, 3600


@pytest.fixture
async def issuer():
    async with FakeIssuer() as serving:
        yield serving


@pytest.fixture
def watch():
    return MemoryKeyWatch()


@pytest.fixture
def lives():
    return KeyLives(timedelta(seconds=SOFT), timedelta(seconds=HARD))


@pytest.fixture
async def cache(clock, watch, lives):
    async with make_client() as client:
        yield JwksCache(client, clock, watch, lives)


@pytest.fixture
def asking(cache, issuer):
    return Asking(cache, issuer)
