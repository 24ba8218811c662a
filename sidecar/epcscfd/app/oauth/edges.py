"""Word to the edges: a token that the WAF has revoked is refused there, and its WIC is cut.

The WAF has no edges of its own. It writes a revocation down as operators do, and whatever sidecar
serves an edge finds it in the same database within a second. Elsewhere, where an eP-CSCF has
another database, it learns of the end of a token by asking (RFC 7662).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from epcscfd.domain.oauth.families import IssuedToken
from epcscfd.domain.revocation import Revocation, Whom
from epcscfd.domain.token import digest_of
from epcscfd.errors import Unavailable
from epcscfd.ports import Clock


NOTE = "revoked at the WAF"

MARGIN = timedelta(minutes=5)
"For clocks that are off: kept a little longer than the token lives."


class Revoker(Protocol):
    """Revokes tokens at the edges."""

    async def revoke(self, revocation: Revocation) -> Revocation:
        """Refuse what *revocation* is about, and cut off who came in by it. Once per id."""
        ...


@dataclass(slots=True)
class EdgeDesk:
    """Tells edges which tokens are dead; what cannot be told now is owed."""

    revoker: Revoker
    issuer: str
    clock: Clock
    _owed: dict[str, IssuedToken] = field(default_factory=dict)

    async def revoked(self, tokens: tuple[IssuedToken, ...]) -> None:
        """Note that *tokens*, which were alive, are good for nothing."""
        self._owed |= {token.jti: token for token in tokens}
        try:
            await self.settle()
        except Unavailable:
            # The WAF itself honours them no more; the edges hear of it when it can be written.
            return

    async def settle(self) -> None:
        """Tell what is owed. Raise Unavailable."""
        for token in tuple(self._owed.values()):
            await self.revoker.revoke(self._revocation(token))
            del self._owed[token.jti]

    def _revocation(self, token: IssuedToken) -> Revocation:
        now = self.clock.now()
        return Revocation(
            id=token.jti,
            whom=Whom.TOKEN,
            value=digest_of(self.issuer, token.jti),
            issuer=self.issuer,
            name=token.jti,
            issued_before=now,
            created_at=now,
            expires_at=token.expires_at + MARGIN,
            note=NOTE,
        )
