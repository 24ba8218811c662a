"""One who asks one cache for the keys of one issuer."""

from __future__ import annotations

from epcscfd.tokens.jwks import JwksCache
from epcscfd.tokens.lookup import Found, Unreachable
from tests.fakes.issuer import FakeIssuer


class Asking:
    """Asks for keys by name."""

    def __init__(self, cache: JwksCache, issuer: FakeIssuer) -> None:
        self.cache = cache
        self.issuer = issuer
        self.url = issuer.url

    def look(self, kid: str = "ec-1") -> Found | None:
        """Without waiting."""
        return self.cache.look(self.url, kid, "ES256")

    async def find(self, kid: str = "ec-1") -> Found:
        """With waiting."""
        return await self.cache.find(self.url, kid, "ES256")

    @property
    def fetches(self) -> int:
        """How often the issuer was asked."""
        return len(self.issuer.requests)


def names(found: Found | None) -> list[str | None]:
    """The names of keys that were found."""
    assert found is not None
    assert not isinstance(found, Unreachable), found
    return [key.kid for key in found]
