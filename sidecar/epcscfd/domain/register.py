"""What the eP-CSCF does with one REGISTER that carries a web token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from epcscfd.domain.identity import Impi, Impu
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
    authorization: str
    "Value of the only Authorization header, perhaps folded. Empty: there was none."
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Forward:
    """Register in IMS as a trusted node (TS 33.203 annex U). Every text is safe in a header."""

    impi: Impi
    impu: Impu
    subject: str
    "SHA-256 of issuer and subject of the token, lower-case hex."
    token_expires_at: datetime
    margin: timedelta
    minimum: timedelta
    request_uri: str
    authorization: str
    visited_network_id: str
    charging_parameters: str
    next_hop_set: int
    expired_challenge: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Answer the request at the edge."""

    reason: Reason


Decision = Forward | Reject


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One check of one case."""

    name: str
    clause: str
    "Clause that asks for it."
    reason: Reason | None
    "None: passed."
