"""The policy: who may register whom. An immutable snapshot, replaced whole, never edited.

* A **home domain** is one whose users we register (TS 23.228 U.1.1).
* An **authorization entity** vouches in a token: a WAF, or a WWSF with a WAF of its own.
* A **WWSF** serves pages; its Origins, certificates and pool are its own alone.
* A **subscription** is an IMPI known by itself; its record goes before any pool.

Where these come from and how they change is the store's business. Well-formedness is
checked by whoever builds the records; the snapshot trusts them.
"""

from __future__ import annotations

import enum

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NewType

from epcscfd.domain.identity import Impi, Impu


WwsfId = NewType("WwsfId", str)
EntityId = NewType("EntityId", str)
"Name of an authorization entity among our records; what the core is told is `entity_id`."

IMS_ACCESS_SCOPE = "webrtc-ims-client-access-to-ims"
"TS 33.203 X.3.2.3 step 4, a placeholder there; hence configurable per entity."

ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
"RFC 9068 2.1."

LONGEST_LIFE = timedelta(days=1)
"A working day and a night shift; a token that lives longer was probably made by mistake."


class Location(enum.StrEnum):
    """Who controls the WWSFs of an entity (TS 33.203 X.3.2.3 step 5)."""

    OPERATOR = "operator"
    THIRD_PARTY = "third_party"


class EntityState(enum.StrEnum):
    """Whether tokens of an entity are honoured."""

    ACTIVE = "active"
    BARRED = "barred"


class WwsfState(enum.StrEnum):
    """Whether clients of a WWSF are served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class HomeDomain:
    """A home network domain and what the core is told about it."""

    domain: str
    realm: str
    visited_network_id: str
    next_hop_set: int = 1
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class JwksUrl:
    """Keys fetched from a JWKS (RFC 7517) over https."""

    url: str


@dataclass(frozen=True, slots=True)
class JwksFile:
    """Keys read from a JWKS file beside the sidecar."""

    path: str


@dataclass(frozen=True, slots=True)
class PemKeys:
    """Public keys, PEM, one after another."""

    pem: str


KeySource = JwksUrl | JwksFile | PemKeys


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where an issuer puts what we look for (8.4: claim names are not standardised)."""

    impi: str = "ims_impi"
    impu: str = "ims_impu"
    wwsf: str = "client_id"
    scope: str = "scope"


@dataclass(frozen=True, slots=True)
class AuthorizationEntity:
    """Who vouches in a token, and how its tokens are to look."""

    id: EntityId
    issuer: str
    location: Location
    entity_id: str
    "Value of `authorization-entity`; empty only for an operator's own."
    keys: KeySource
    algorithms: frozenset[str]
    token_types: frozenset[str] = ACCESS_TOKEN_TYPES
    audience: str = ""
    "Empty: the audience of this eP-CSCF."
    scope: str = IMS_ACCESS_SCOPE
    claims: ClaimNames = ClaimNames()
    max_life: timedelta = LONGEST_LIFE
    one_time_tokens: bool = False
    state: EntityState = EntityState.ACTIVE
    display_name: str = ""
    epoch: int = 0
    "Raised by every edit."


@dataclass(frozen=True, slots=True)
class Pool:
    """Which IMPIs are a WWSF's: by list, or by their realm (TS 33.203 X.4, seed NOTE x3)."""

    impis: frozenset[Impi] = frozenset()
    impi_realms: frozenset[str] = frozenset()

    def contains(self, impi: Impi) -> bool:
        """Tell whether *impi* is of this pool."""
        return impi in self.impis or impi.realm in self.impi_realms


@dataclass(frozen=True, slots=True)
class Wwsf:
    """A WebRTC Web Server Function."""

    id: WwsfId
    client_id: str
    "What tokens call it."
    origins: frozenset[str]
    entities: frozenset[EntityId]
    client_certificates: frozenset[str] = frozenset()
    pool: Pool | None = None
    "None: its users are IMS subscribers of their own (X.3)."
    proof_required: bool = False
    state: WwsfState = WwsfState.ACTIVE
    display_name: str = ""
    epoch: int = 0
    "Raised by every edit."


@dataclass(frozen=True, slots=True)
class Subscription:
    """An IMS subscription known by itself, and the WWSFs its subscriber has admitted."""

    impi: Impi
    impus: frozenset[Impu]
    wwsfs: frozenset[WwsfId]
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it, as of one revision."""

    revision: int = 0
    shared_epoch: int = 0
    "Revision of the last edit that concerns no single WWSF or entity."
    domains: Mapping[str, HomeDomain] = field(default_factory=dict)
    entities: Mapping[EntityId, AuthorizationEntity] = field(default_factory=dict)
    wwsfs: Mapping[WwsfId, Wwsf] = field(default_factory=dict)
    subscriptions: Mapping[Impi, Subscription] = field(default_factory=dict)

    def entity_of_issuer(self, issuer: str) -> AuthorizationEntity | None:
        """Find the entity whose tokens say exactly this `iss`."""
        return next((e for e in self.entities.values() if e.issuer == issuer), None)
