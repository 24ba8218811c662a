"""The policy: who may register whom. An immutable snapshot, replaced whole, never edited.

* A **home domain** is one whose users we register (TS 23.228 U.1.1).
* An **authorization entity** vouches in a token: a WAF, or a WWSF with a WAF of its own.
* A **WWSF** serves pages; its Origins, certificates, pool and ranges are its own alone.
* A **subscription** is an IMPI known by itself; its record goes before any pool and any range.

Where these come from and how they change is the store's business. Well-formedness is
checked by whoever builds the records; the snapshot trusts them.
"""

from __future__ import annotations

import enum

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NewType

from epcscfd.domain.block import Block
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.introspection import Introspection
from epcscfd.domain.ranges import Claim, IdentityRange, RangeMode, RangeTable


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


class Credentials(enum.StrEnum):
    """How users of a WWSF may authenticate (TS 24.371 6.1)."""

    TOKEN = "token"  # noqa: S105 - not a secret
    "By a web token (scenarios 2 and 3)."
    DIGEST = "digest"
    "By SIP Digest or AKA in the core (scenario 1)."
    TOKEN_OR_DIGEST = "token_or_digest"  # noqa: S105 - not a secret
    "By either, as the WIC chooses."


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
    keys: KeySource | None
    "None: none of its tokens is verified here, it is asked about every one."
    algorithms: frozenset[str]
    introspection: Introspection | None = None
    "None: it is not asked. With keys: about tokens only that are no JWT."
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
    """Which IMPIs are a WWSF's: by list, or by their realm (TS 33.203 X.4)."""

    impis: frozenset[Impi] = frozenset()
    impi_realms: frozenset[str] = frozenset()
    "Lower case, without `@`."


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one WWSF at each edge. 0: those of the edge."""

    max_registrations: int = 0
    "Connections with a registration at the same time."
    max_first_sights: int = 0
    "Questions to us in ten seconds."


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
    ranges: frozenset[IdentityRange] = frozenset()
    block: Block | None = None
    "How a web server registers those of the ranges that are of its block."
    proof_required: bool = False
    credentials: Credentials = Credentials.TOKEN
    token_in_every_request: bool = False
    "Whether not REGISTER alone has to show the token."
    quota: Quota = Quota()
    state: WwsfState = WwsfState.ACTIVE
    display_name: str = ""
    epoch: int = 0
    "Raised by every edit."

    @property
    def takes_tokens(self) -> bool:
        """Tell whether its users may authenticate by a web token."""
        return self.credentials is not Credentials.DIGEST

    @property
    def takes_digest(self) -> bool:
        """Tell whether its users may authenticate in the core."""
        return self.credentials is not Credentials.TOKEN

    @property
    def block_ranges(self) -> tuple[str, ...]:
        """The ranges that its web server registers, in order."""
        return tuple(sorted(str(each) for each in self.ranges if each.mode is RangeMode.BLOCK))


@dataclass(frozen=True, slots=True)
class Subscription:
    """An IMS subscription known by itself, and the WWSFs its subscriber has admitted."""

    impi: Impi
    impus: frozenset[Impu]
    wwsfs: frozenset[WwsfId]
    display_name: str = ""


_NOBODY: frozenset[WwsfId] = frozenset()


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
    introspects: bool = field(init=False, repr=False, compare=False)
    "Whether any entity has to be asked about tokens."
    _by_issuer: Mapping[str, AuthorizationEntity] = field(init=False, repr=False, compare=False)
    _by_client: Mapping[str, Wwsf] = field(init=False, repr=False, compare=False)
    _pools: Mapping[Impi | str, frozenset[WwsfId]] = field(init=False, repr=False, compare=False)
    _subscribed: frozenset[Impu] = field(init=False, repr=False, compare=False)
    _ranges: RangeTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A snapshot is asked far more often than it is made, so it carries its own indexes.
        by_issuer = {entity.issuer: entity for entity in self.entities.values()}
        subscribed = [impu for record in self.subscriptions.values() for impu in record.impus]
        # A pilot is a distinct identity, and its web server's alone (TS 23.228 4.3.3.2b).
        subscribed += [wwsf.block.pilot for wwsf in self.wwsfs.values() if wwsf.block]
        asked = any(entity.introspection for entity in self.entities.values())
        object.__setattr__(self, "introspects", asked)
        object.__setattr__(self, "_by_issuer", by_issuer)
        by_client = {wwsf.client_id: wwsf for wwsf in self.wwsfs.values()}
        object.__setattr__(self, "_by_client", by_client)
        object.__setattr__(self, "_pools", _pool_index(self.wwsfs.values()))
        object.__setattr__(self, "_subscribed", frozenset(subscribed))
        object.__setattr__(self, "_ranges", RangeTable(_claims(self.wwsfs.values())))

    def entity_of_issuer(self, issuer: str) -> AuthorizationEntity | None:
        """Find the entity whose tokens say exactly this `iss`."""
        return self._by_issuer.get(issuer)

    def wwsf_of_client(self, client_id: str) -> Wwsf | None:
        """Find the WWSF that tokens call exactly this."""
        return self._by_client.get(client_id)

    def entities_to_ask(self, wwsf: WwsfId) -> tuple[AuthorizationEntity, ...]:
        """Find the entities that vouch for users of *wwsf* by answering questions."""
        known = self.wwsfs.get(wwsf)
        if known is None or known.state is WwsfState.SUSPENDED:
            return ()
        named = (self.entities.get(entity_id) for entity_id in sorted(known.entities))
        return tuple(
            entity
            for entity in named
            if entity and entity.introspection and entity.state is EntityState.ACTIVE
        )

    def pool_owners(self, impi: Impi) -> frozenset[WwsfId]:
        """Find the WWSFs whose pools contain *impi*. More than one is a mistake."""
        return self._pools.get(impi, _NOBODY) | self._pools.get(impi.realm, _NOBODY)

    def is_subscribed(self, impu: Impu) -> bool:
        """Tell whether some subscription holds *impu*, or some block has it as its pilot."""
        return impu in self._subscribed

    def range_claims(self, impu: Impu) -> tuple[Claim, ...]:
        """Find the ranges that hold *impu*, each once. Those of two WWSFs are a mistake."""
        return self._ranges.claims_on(impu)


def _claims(wwsfs: Iterable[Wwsf]) -> Iterator[Claim]:
    return (Claim(wwsf.id, each) for wwsf in wwsfs for each in wwsf.ranges)


def _pool_index(wwsfs: Iterable[Wwsf]) -> Mapping[Impi | str, frozenset[WwsfId]]:
    claims = (
        (form, wwsf.id)
        for wwsf in wwsfs
        if wwsf.pool
        for form in wwsf.pool.impis | wwsf.pool.impi_realms
    )
    owners: dict[Impi | str, set[WwsfId]] = {}
    for form, owner in claims:
        owners.setdefault(form, set()).add(owner)
    return {form: frozenset(ids) for form, ids in owners.items()}
