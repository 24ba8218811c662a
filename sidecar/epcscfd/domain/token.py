"""Access tokens whose signature has been verified, and what is judged about their claims.

The signature tells who made the token; whether it is meant for us, for this moment and for
this purpose is judged here, with the time as an argument.
"""

from __future__ import annotations

import enum
import hashlib

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import EntityId
from epcscfd.domain.reasons import Reason


ISSUERS_AT_HAND = 256
"More than there are authorization entities in a large policy."


class TokenUse(enum.StrEnum):
    """What is known about the use of a one-time token."""

    FREE = "free"
    "It has not been used, or may be used as often as one likes."
    SPENT = "spent"
    UNTRACKABLE = "untrackable"
    "There is no room left to remember it."


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Claims whose signature has already been verified."""

    entity: EntityId
    issuer: str
    subject: str
    audience: frozenset[str]
    scope: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    not_before: datetime | None
    wwsf: str
    "What the token calls the WWSF. Empty: it names none."
    impi: Impi | None
    impus: frozenset[Impu]
    token_id: str
    "`jti`. Empty: it has none."
    certificate: str
    "SHA-256 of the certificate that it is bound to, lower-case hex. Empty: to none."
    confirmed_until: datetime | None = None
    "How long the entity's own word on it holds. None: it is proven by a signature."

    @property
    def subject_digest(self) -> str:
        """SHA-256 of issuer and subject, lower-case hex."""
        return digest_of(self.issuer, self.subject)

    @property
    def id_digest(self) -> str:
        """SHA-256 of issuer and `jti`, lower-case hex. Empty: there is no `jti`."""
        return digest_of(self.issuer, self.token_id) if self.token_id else ""


def digest_of(issuer: str, name: str) -> str:
    """SHA-256 of what *issuer* calls *name*, lower-case hex."""
    digest = _digest_begun(issuer).copy()
    digest.update(name.encode())
    return digest.hexdigest()


@lru_cache(maxsize=ISSUERS_AT_HAND)
def _digest_begun(issuer: str) -> hashlib._Hash:
    # A copy is made in a third of the time of a new one, and there are two for every token.
    # The length keeps issuer and name apart, whatever they contain.
    return hashlib.sha256(f"{len(issuer)}:{issuer}".encode())


@dataclass(frozen=True, slots=True)
class TokenFault:
    """Nobody can vouch for the token. A value, because it is the sender's fault."""

    reason: Reason
    entity: EntityId | None = None
    "Whose token it claims to be, if we know that entity."
    detail: str = ""
    "What exactly was found, for the operator."
    introspected: bool = False
    "Whether the entity was asked: it may say otherwise next time."


Assertion = AccessToken | TokenFault


def judge_times(token: AccessToken, now: datetime, skew: timedelta) -> Reason | None:
    """Tell whether *token* is of this moment, give or take *skew*."""
    # RFC 7519 4.1.4: on or after `exp` it must not be accepted.
    if now - skew >= token.expires_at:
        return Reason.TOKEN_EXPIRED
    # RFC 7519 4.1.5; a token issued in the future has a clock that cannot be relied on.
    begins = max(token.not_before or token.issued_at, token.issued_at)
    return Reason.TOKEN_NOT_YET_VALID if now + skew < begins else None


def judge_life(token: AccessToken, longest: timedelta) -> Reason | None:
    """Tell whether *token* lives no longer than *longest*."""
    life = token.expires_at - token.issued_at
    return Reason.LIFE_TOO_LONG if life > longest else None


def judge_binding(token: AccessToken, client_certificate: str) -> Reason | None:
    """Tell whether *token* came over a connection that it may come over (RFC 8705 3)."""
    if not token.certificate or token.certificate == client_certificate:
        return None
    return Reason.BINDING_MISMATCH
