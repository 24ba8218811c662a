"""IMS accounts of the WAF, and web users that map to them (TS 33.203 X.3.2.3 step 0.1 NOTE 3)."""

from __future__ import annotations

import enum

from dataclasses import dataclass

from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import Policy, WwsfId


class UserState(enum.StrEnum):
    """Whether a user may log in."""

    ACTIVE = "active"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class WafAccount:
    """An IMPI and the IMPUs that a token for it names."""

    impi: Impi
    impus: frozenset[Impu]
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class WafUser:
    """A web user that the WAF knows by itself."""

    name: str
    "In lower case."
    account: Impi | None = None
    "None: may log in, but is nobody in IMS."
    state: UserState = UserState.ACTIVE
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class WebUser:
    """A web user of whatever directory, with what it maps to."""

    name: str
    account: WafAccount | None
    display_name: str = ""


class Claim(enum.Enum):
    """What a WWSF may do with an IMS account."""

    OWN = enum.auto()
    "Of its pool, or admitted by the subscriber: it may ask for tokens by itself."
    OPEN = enum.auto()
    "Nobody's in particular: it may if the user is there."
    FOREIGN = enum.auto()
    "Another's, or its subscriber has admitted others only."


def claim_on(policy: Policy, wwsf: WwsfId, impi: Impi) -> Claim:
    """Tell what *wwsf* may do with *impi*. The policy that REGISTERs are judged by says so."""
    # An individual record goes before any pool.
    subscription = policy.subscriptions.get(impi)
    if subscription is not None and subscription.wwsfs:
        return Claim.OWN if wwsf in subscription.wwsfs else Claim.FOREIGN
    owners = policy.pool_owners(impi)
    if owners:
        return Claim.OWN if owners == {wwsf} else Claim.FOREIGN
    return Claim.OPEN
