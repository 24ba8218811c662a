"""Access tokens whose signature has been verified, and what is judged about their claims."""

from __future__ import annotations

import enum

from dataclasses import dataclass
from datetime import datetime

from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import EntityId
from epcscfd.domain.reasons import Reason


class TokenUse(enum.StrEnum):
    """What is known about the use of a one-time token."""

    FREE = "free"
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


@dataclass(frozen=True, slots=True)
class TokenFault:
    """Nobody can vouch for the token. A value, because it is the sender's fault."""

    reason: Reason
    entity: EntityId | None = None
    "Whose token it claims to be, if we know that entity."
    detail: str = ""
    "What exactly was found, for the operator."


Assertion = AccessToken | TokenFault
