"""Revocations: tokens that are refused although they have not expired.

* One token is revoked by `jti`; all tokens of a subject, of an IMPI or of a WWSF are revoked that
  were issued up to a moment. Who gets a new token later is let in again: keeping somebody out for
  good is for whoever issues tokens, or for barring.
* A revocation is kept until no token that it is about can be alive.
"""

from __future__ import annotations

import enum

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from epcscfd.domain.orders import Cut, Order, Target
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Entry
from epcscfd.domain.token import AccessToken


class Whom(enum.StrEnum):
    """Whose tokens a revocation is about."""

    TOKEN = "token_id"  # noqa: S105 - not a secret
    SUBJECT = "subject"
    IMPI = "impi"
    WWSF = "wwsf"


TARGETS = {
    Whom.TOKEN: Target.TOKEN,
    Whom.SUBJECT: Target.SUBJECT,
    Whom.IMPI: Target.IMPI,
    Whom.WWSF: Target.WWSF,
}
"What is cut with it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Word that tokens are no longer good."""

    id: str
    whom: Whom
    value: str
    "Digest of issuer and `jti` or subject; an IMPI; the id of a WWSF."
    issuer: str = ""
    "Of the token or subject."
    name: str = ""
    "What the issuer calls the token or subject."
    issued_before: datetime
    "Tokens issued later are good. Of no account for a single token."
    created_at: datetime
    expires_at: datetime
    "When no such token can be alive any more."
    note: str = ""
    "Why, for other operators."

    @property
    def cut(self) -> Order:
        """The order that goes out with it."""
        return Order(f"revocation-{self.id}", Cut(TARGETS[self.whom], self.value))


@dataclass(frozen=True, slots=True)
class Revocations:
    """All of them."""

    each: tuple[Revocation, ...] = ()
    _index: Mapping[tuple[Whom, str], Revocation] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The one that reaches furthest decides.
        ordered = sorted(self.each, key=lambda revocation: revocation.issued_before)
        index = {(each.whom, each.value): each for each in ordered}
        object.__setattr__(self, "_index", index)

    def of_token(self, token: AccessToken, wwsf: WwsfId) -> Revocation | None:
        """Find what revokes *token*, which came from a WIC of *wwsf*."""
        # Most of the time there are none, and every first sight asks.
        if not self._index:
            return None
        names = {
            Whom.TOKEN: token.id_digest,
            Whom.SUBJECT: token.subject_digest,
            Whom.IMPI: str(token.impi or ""),
            Whom.WWSF: wwsf,
        }
        return self._find(names, token.issued_at)

    def of_entry(self, entry: Entry) -> Revocation | None:
        """Find what revokes the token by which *entry* stood."""
        registration = entry.registration
        names = {
            Whom.TOKEN: registration.token_id,
            Whom.SUBJECT: registration.subject,
            Whom.IMPI: registration.impi,
            Whom.WWSF: registration.wwsf,
        }
        # Its token is no younger than it; had it come after the revocation, it would have been
        # refused.
        return self._find(names, entry.began_at)

    def _find(self, names: Mapping[Whom, str], issued_at: datetime) -> Revocation | None:
        found = (self._index.get((whom, value)) for whom, value in names.items() if value)
        reaching = (
            each
            for each in found
            if each and (each.whom is Whom.TOKEN or issued_at <= each.issued_before)
        )
        return next(reaching, None)


def active(revocations: Iterable[Revocation], now: datetime) -> tuple[Revocation, ...]:
    """Leave out those that are about dead tokens only."""
    return tuple(each for each in revocations if each.expires_at > now)
