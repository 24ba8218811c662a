"""A WAF with one WWSF, `shop`, which has a pool, and one user, `alice`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio

from argon2 import PasswordHasher

from epcscfd.directory.passwords import Passwords
from tests.adapters.waf.browsing import CALLBACK, ISSUER, PKCE, Browser, Waf
from tests.builders import an_entity


if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapters.conftest import Kept
    from tests.fakes.clock import FrozenClock

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest_asyncio.fixture
async def waf(kept: Kept, clock: FrozenClock) -> AsyncIterator[Waf]:
    waf = Waf(kept, clock, Passwords(QUICK))
    await waf.signer.keep()
    await kept.store.create(an_entity(issuer=ISSUER))
    yield waf
    assert waf.told.bugs == []


@dataclass
class Shop:
    """The WWSF `shop`, as a caller of the WAF."""

    waf: Waf
    secret: str

    @property
    def auth(self) -> tuple[str, str]:
        return ("shop-client", self.secret)

    async def token(self, **form: str | None) -> httpx2.Response:
        return await self.waf.ask("/token", self.auth, **form)

    async def pool_token(self, **form: str | None) -> httpx2.Response:
        return await self.waf.pool_token(self.secret, **form)

    async def redeem(self, code: str, **form: str | None) -> httpx2.Response:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": PKCE.verifier,
            **form,
        }
        return await self.token(**asked)

    async def refresh(self, token: str, **form: str | None) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token, **form)

    async def introspect(self, token: str) -> dict[str, object]:
        answer = await self.waf.ask("/introspect", self.auth, token=token)
        assert answer.status_code == 200
        return dict(answer.json())


@pytest_asyncio.fixture
async def shop(waf: Waf) -> Shop:
    secret = await waf.add_wwsf()
    await waf.add_account("v1@pool.example", "sip:v1@home1.net")
    await waf.add_account("alice@home1.net", "sip:alice@home1.net", "tel:+4989123456")
    await waf.add_user("alice", "alice@home1.net")
    return Shop(waf, secret)


@pytest.fixture
def alice(waf: Waf, shop: Shop) -> Browser:
    return Browser(waf)
