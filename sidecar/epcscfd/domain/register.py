"""REGISTERs that carry a web token: what the edge says about one, and what it is told to do.

The edge asks with `RegisterFacts`, untrusted text but for the door. It is told to `Forward` or
to `Accept` (in values that are safe to be written into headers as they are), or to `Reject`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from epcscfd.domain.credentials import BearerToken, parse_authorization
from epcscfd.domain.identity import Impi, Impu, MalformedIdentity
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Door:
    """The WebSocket handshake of the connection, as the edge admitted it."""

    wwsf: WwsfId
    listener: str = ""
    client_certificate: str = ""
    "SHA-256 of the DER certificate, lower-case hex. Empty: none was shown."


@dataclass(frozen=True, slots=True)
class RegisterFacts:
    """What the edge saw, as text. Untrusted, but for the door."""

    door: Door
    to: str
    "URI of To."
    authorization: str = field(repr=False)
    "Value of the only Authorization header, perhaps folded. Empty: there was none."
    call_id: str = ""
    request_domain: str = ""
    "Domain of the Request-URI, lower case. Empty: the edge does not say."


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """The facts, read."""

    facts: RegisterFacts
    to: Impu | None
    "None: it is no IMPU."
    credentials: BearerToken | Reason
    "The token, or why there is none."

    @property
    def door(self) -> Door:
        """Where it came in."""
        return self.facts.door


def read_register(facts: RegisterFacts) -> RegisterRequest:
    """Read *facts*. Total: what is malformed is marked so, and judged later."""
    try:
        to = Impu.parse(facts.to)
    except MalformedIdentity:
        to = None
    return RegisterRequest(facts, to, parse_authorization(facts.authorization))


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may register what, and for how long. Every text is safe in a header."""

    impi: Impi
    impu: Impu
    subject: str
    "SHA-256 of issuer and subject of the token, lower-case hex."
    token_id: str
    "SHA-256 of issuer and `jti` of the token, lower-case hex. Empty: it has none."
    token_expires_at: datetime
    margin: timedelta
    "The registration has to end so long before the token does."
    minimum: timedelta
    "The shortest registration worth having."
    expired_challenge: str
    "For the case that too little of the token's life is left."


@dataclass(frozen=True, slots=True)
class Forward:
    """Register in IMS as a trusted node (TS 33.203 annex U). Every text is safe in a header."""

    grant: Grant
    request_uri: str
    authorization: str
    visited_network_id: str
    charging_parameters: str
    next_hop_set: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer 200 at the edge: static mode, the core has the range registered."""

    grant: Grant
    associated_uri: str
    "Value of P-Associated-URI."


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the request at the edge."""

    reason: Reason


Decision = Forward | Accept | Reject
