"""A WAF with one WWSF, `shop`, which has a pool, and one user, `alice`."""

from __future__ import annotations

import asyncio

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio

from argon2 import PasswordHasher

from epcscfd.directory.passwords import Passwords
from epcscfd.store.engine import make_engine
from tests.adapters.conftest import Kept, Told
from tests.adapters.waf.browsing import CALLBACK, ISSUER, PKCE, Browser, Waf
from tests.builders import an_entity
from tests.fakes.clock import FrozenClock
from tests.fakes.database import make_migrated


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


async def provision(waf: Waf) -> str:
    """Make the shop and alice; give the shop's secret."""
    secret = await waf.add_wwsf()
    await waf.add_account("v1@pool.example", "sip:v1@home1.net")
    await waf.add_account("alice@home1.net", "sip:alice@home1.net", "tel:+4989123456")
    await waf.add_user("alice", "alice@home1.net")
    return secret


async def start(kept: Kept, clock: FrozenClock) -> Waf:
    """Make a WAF with a key, and an entity for it."""
    waf = Waf(kept, clock, Passwords(QUICK))
    await waf.signer.keep()
    await kept.store.create(an_entity(issuer=ISSUER))
    return waf


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A database with all of that, to be copied, and the secret."""

    async def make() -> str:
        engine = make_engine(f"sqlite+aiosqlite:///{path}")
        kept = Kept(engine, Told())
        await kept.board.refresh()
        secret = await provision(await start(kept, FrozenClock()))
        await engine.dispose()
        return secret

    path = make_migrated(tmp_path_factory.mktemp("provisioned"))
    return path, asyncio.run(make())


@pytest.fixture
def migrated(
    request: pytest.FixtureRequest, migrated: Path, provisioned: tuple[Path, str]
) -> Path:
    """What the database of a test is copied from: most want the shop."""
    return provisioned[0] if "shop" in request.fixturenames else migrated


@pytest_asyncio.fixture
async def waf(kept: Kept, clock: FrozenClock) -> AsyncIterator[Waf]:
    if await kept.store.revision() > 1:
        waf = Waf(kept, clock, Passwords(QUICK))
        await waf.signer.keep()
    else:
        waf = await start(kept, clock)
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
async def shop(waf: Waf, provisioned: tuple[Path, str]) -> Shop:
    known = await waf.tables.register.client("shop")
    return Shop(waf, provisioned[1] if known else await provision(waf))


@pytest.fixture
def alice(waf: Waf, shop: Shop) -> Browser:
    return Browser(waf)
