"""The Cx interface (TS 29.229): what is asked, what is answered, and its AVPs."""

from __future__ import annotations

import enum
import hashlib

from dataclasses import dataclass
from typing import Any, Self

from lab.diameter import (
    AUTH_SESSION_STATE,
    EXPERIMENTAL_RESULT,
    EXPERIMENTAL_RESULT_CODE,
    NO_STATE_MAINTAINED,
    ORIGIN_HOST,
    RESULT_CODE,
    UNABLE_TO_COMPLY,
    USER_NAME,
    VENDOR_3GPP,
    VENDOR_ID,
    Avp,
    Identity,
    Message,
    application_avp,
)


CX = 16777216
"The application's id."

VISITED_NETWORK_IDENTIFIER = 600
PUBLIC_IDENTITY = 601
SERVER_NAME = 602
USER_DATA = 606
NUMBER_AUTH_ITEMS = 607
AUTHENTICATION_SCHEME = 608
AUTH_DATA_ITEM = 612
ITEM_NUMBER = 613
SERVER_ASSIGNMENT_TYPE = 614
DEREGISTRATION_REASON = 615
REASON_CODE = 616
REASON_INFO = 617
USER_AUTHORIZATION_TYPE = 623
USER_DATA_ALREADY_AVAILABLE = 624
DIGEST_AUTHENTICATE = 635
WILDCARDED_PUBLIC_IDENTITY = 634
ALLOWED_WAF_WWSF_IDENTITIES = 656
WAF_NAME = 657
WWSF_NAME = 658

# RFC 7155, base vendor
DIGEST_REALM = 104
DIGEST_QOP = 110
DIGEST_ALGORITHM = 111
DIGEST_HA1 = 121


class Command(enum.IntEnum):
    """The commands of Cx that the lab knows."""

    USER_AUTHORIZATION = 300
    SERVER_ASSIGNMENT = 301
    LOCATION_INFO = 302
    MULTIMEDIA_AUTH = 303
    REGISTRATION_TERMINATION = 304
    PUSH_PROFILE = 305


class Assignment(enum.IntEnum):
    """Server-Assignment-Type (TS 29.229 6.3.15)."""

    NO_ASSIGNMENT = 0
    REGISTRATION = 1
    RE_REGISTRATION = 2
    UNREGISTERED_USER = 3
    TIMEOUT_DEREGISTRATION = 4
    USER_DEREGISTRATION = 5
    TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME = 6
    USER_DEREGISTRATION_STORE_SERVER_NAME = 7
    ADMINISTRATIVE_DEREGISTRATION = 8
    AUTHENTICATION_FAILURE = 9
    AUTHENTICATION_TIMEOUT = 10
    DEREGISTRATION_TOO_MUCH_DATA = 11


class Deregistration(enum.IntEnum):
    """Reason-Code of a network-initiated deregistration (TS 29.229 6.3.17)."""

    PERMANENT_TERMINATION = 0
    NEW_SERVER_ASSIGNED = 1
    SERVER_CHANGE = 2
    REMOVE_S_CSCF = 3


@dataclass(frozen=True, slots=True)
class Result:
    """How a request ended: a Result-Code, or an Experimental-Result of 3GPP's."""

    code: int
    experimental: bool = True

    def avp(self) -> Avp:
        """Return the AVP that says so; never both (TS 29.229 6.2)."""
        if not self.experimental:
            return Avp(RESULT_CODE, self.code)
        members = (Avp(VENDOR_ID, VENDOR_3GPP), Avp(EXPERIMENTAL_RESULT_CODE, self.code))
        return Avp(EXPERIMENTAL_RESULT, members)


SUCCESS = Result(2001, experimental=False)
AUTHORIZATION_REJECTED = Result(5003, experimental=False)
REFUSED = Result(UNABLE_TO_COMPLY, experimental=False)
FIRST_REGISTRATION = Result(2001)
SUBSEQUENT_REGISTRATION = Result(2002)
USER_UNKNOWN = Result(5001)
IDENTITIES_DONT_MATCH = Result(5002)
IDENTITY_NOT_REGISTERED = Result(5003)
ROAMING_NOT_ALLOWED = Result(5004)
AUTH_SCHEME_NOT_SUPPORTED = Result(5006)
IN_ASSIGNMENT_TYPE = Result(5007)


@dataclass(frozen=True, slots=True)
class CxRequest:
    """What a CSCF asked, as far as the lab looks at it."""

    command: int
    peer: str
    "Origin-Host of who asked."
    impi: str | None = None
    impu: str | None = None
    visited_network: str | None = None
    deregisters: bool = False
    "Of UAR: User-Authorization-Type."
    assignment: Assignment | None = None
    "Of SAR."
    server_name: str | None = None
    has_profile: bool = False
    "Of SAR: User-Data-Already-Available."

    @classmethod
    def from_message(cls, message: Message) -> Self:
        """Read a request."""
        assignment = message.get(SERVER_ASSIGNMENT_TYPE)
        return cls(
            message.command,
            message.get(ORIGIN_HOST).decode(),
            impi=message.get(USER_NAME),
            impu=message.get(PUBLIC_IDENTITY),
            visited_network=_visited_network(message.get(VISITED_NETWORK_IDENTIFIER)),
            deregisters=message.get(USER_AUTHORIZATION_TYPE) == 1,
            assignment=None if assignment is None else Assignment(assignment),
            server_name=message.get(SERVER_NAME),
            has_profile=message.get(USER_DATA_ALREADY_AVAILABLE) == 1,
        )


@dataclass(frozen=True, slots=True)
class CxAnswer:
    """How the HSS answers: a result and the AVPs of that command."""

    result: Result
    avps: tuple[Avp, ...] = ()

    def to_message(self, request: Message, identity: Identity) -> Message:
        """Return the answer to *request*."""
        return request.answer(
            self.result.avp(),
            application_avp(CX),
            Avp(AUTH_SESSION_STATE, NO_STATE_MAINTAINED),
            *identity.origin(),
            *self.avps,
        )


def allowed_names_avp(wafs: tuple[str, ...], wwsfs: tuple[str, ...]) -> Avp:
    """Return Allowed-WAF-WWSF-Identities; the M bit must not be set (TS 29.229 6.3.64-66)."""
    names = [Avp(WAF_NAME, name, VENDOR_3GPP, mandatory=False) for name in wafs]
    names += [Avp(WWSF_NAME, name, VENDOR_3GPP, mandatory=False) for name in wwsfs]
    return Avp(ALLOWED_WAF_WWSF_IDENTITIES, tuple(names), VENDOR_3GPP, mandatory=False)


def digest_avps(impi: str, password: str) -> tuple[Avp, ...]:
    """Return the data for SIP Digest (TS 33.203 N.2); the IMPI's realm is the digest's."""
    realm = impi.rpartition("@")[2]
    ha1 = hashlib.md5(f"{impi}:{realm}:{password}".encode()).hexdigest()
    digest = (
        Avp(DIGEST_REALM, realm),
        Avp(DIGEST_ALGORITHM, "MD5"),
        Avp(DIGEST_QOP, "auth"),
        Avp(DIGEST_HA1, ha1),
    )
    item = (
        Avp(ITEM_NUMBER, 1, VENDOR_3GPP),
        Avp(AUTHENTICATION_SCHEME, "SIP Digest", VENDOR_3GPP),
        Avp(DIGEST_AUTHENTICATE, digest, VENDOR_3GPP),
    )
    return Avp(NUMBER_AUTH_ITEMS, 1, VENDOR_3GPP), Avp(AUTH_DATA_ITEM, item, VENDOR_3GPP)


def _visited_network(octets: Any) -> str | None:
    # Kamailio's I-CSCF copies the header's body, quotes and all.
    return None if octets is None else octets.decode().strip('"')
