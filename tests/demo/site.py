"""A site in memory, with a WAF that says what it is told to."""

from __future__ import annotations

import time

from dataclasses import dataclass, field
from typing import Any

import httpx2

from argon2 import PasswordHasher

from demo.wwsf.app import Wwsf
from demo.wwsf.grants import Tokens, TokenSource
from demo.wwsf.settings import Account, Pool, Site, Waf
from demo.wwsf.waf import AuthorizationRequest, Granted, WafError


ORIGIN = "https://shop.example"
PASSWORD = "correct horse"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def a_site(**deviations: Any) -> Site:
    anna = Account(name="anna", password_hash=CHEAP.hash(PASSWORD), subject="u-17")
    values: dict[str, Any] = {
        "title": "Shop",
        "kind": "own",
        "origin": ORIGIN,
        "port": 8461,
        "certificate_file": "/none",
        "key_file": "/none",
        "waf": Waf(issuer="https://waf.example", client_id="shop", key_file="/none"),
        "epcscf_domain": "edge.example",
        "home_domain": "ims.example",
        "accounts": [anna],
    }
    return Site(**{**values, **deviations})


def a_pool(**deviations: Any) -> Pool:
    return Pool(url="sqlite+aiosqlite:////none", **deviations)


@dataclass
class FakeWaf:
    """Grants whatever is asked for, unless it has a failure to show."""

    failure: WafError | None = None
    life: float = 600
    asked: list[tuple[str, str]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    revokes: bool = True

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        pass

    async def authorization_request(self):
        return AuthorizationRequest("https://waf.example/authorize?x=1", "state-1", "verifier-1")

    async def by_code(self, code, verifier):
        return self._grant("code", f"{code} {verifier}")

    async def by_refresh(self, refresh_token):
        return self._grant("refresh", refresh_token)

    async def for_user(self, subject):
        return self._grant("user", subject)

    async def for_pair(self, impi, user, lease):
        return self._grant("pair", f"{impi} for {user or 'a guest'}")

    async def revoke(self, token):
        self.revoked.append(token)
        return self.revokes

    def _grant(self, way, what):
        if self.failure is not None:
            raise self.failure
        self.asked.append((way, what))
        number, now = len(self.asked), time.time()
        return Granted(
            token=f"token-{number}",
            issued_at=now,
            expires_at=now + self.life,
            impus=("sip:anna@ims.example",),
            epcscf_uri="wss://edge.example/",
            refresh_token=f"refresh-{number}" if way in {"code", "refresh"} else "",
        )


def browser(site: Site, waf: FakeWaf, source: TokenSource) -> httpx2.AsyncClient:
    """A browser with a page of *site* open."""
    app = Wwsf(site, waf, Tokens(source, waf)).app()
    transport = httpx2.ASGITransport(app)
    headers = {"origin": site.origin}
    return httpx2.AsyncClient(transport=transport, base_url=site.origin, headers=headers)
