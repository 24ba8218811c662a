"""Diameter messages (RFC 6733) as plain values.

The octets are python-diameter's work; this is the only module that knows the library. Of it
only the codec is used: its node wants several seconds to stop and a hand on half of what
Kamailio's cdp sends.

An AVP without content is refused when it is to be sent: cdp drops the whole message that
carries one, and what is seen is a time-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

# The library ships no type information.
from diameter.message import Avp as WireAvp  # type: ignore[import-untyped]
from diameter.message import Message as WireMessage
from diameter.message import MessageHeader


VENDOR_3GPP = 10415
SUCCESS = 2001
UNABLE_TO_COMPLY = 5012

USER_NAME = 1
HOST_IP_ADDRESS = 257
AUTH_APPLICATION_ID = 258
VENDOR_SPECIFIC_APPLICATION_ID = 260
SESSION_ID = 263
ORIGIN_HOST = 264
SUPPORTED_VENDOR_ID = 265
VENDOR_ID = 266
RESULT_CODE = 268
PRODUCT_NAME = 269
AUTH_SESSION_STATE = 277
DESTINATION_REALM = 283
DESTINATION_HOST = 293
ORIGIN_REALM = 296
EXPERIMENTAL_RESULT = 297
EXPERIMENTAL_RESULT_CODE = 298

NO_STATE_MAINTAINED = 1

_REQUEST = 0x80
_PROXIABLE = 0x40


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: a DiameterIdentity and its realm."""

    host: str
    realm: str

    def origin(self) -> tuple[Avp, Avp]:
        """Return Origin-Host and Origin-Realm."""
        return Avp(ORIGIN_HOST, self.host.encode()), Avp(ORIGIN_REALM, self.realm.encode())


@dataclass(frozen=True, slots=True)
class Avp:
    """An attribute-value pair; a grouped one has a tuple of AVPs as its value."""

    code: int
    value: str | bytes | int | tuple[Avp, ...]
    vendor: int = 0
    mandatory: bool | None = None
    "None: as its specification says."

    def find(self, code: int) -> Any:
        """Return the value of the first member *code* of this group, or None."""
        members = self.value if isinstance(self.value, tuple) else ()
        return next((member.value for member in members if member.code == code), None)

    def to_wire(self) -> Any:
        """Return the library's form. Raise ValueError for an AVP without content."""
        value = self.value
        if value in {"", b"", ()}:
            raise ValueError(f"AVP {self.code} is empty")
        content = [member.to_wire() for member in value] if isinstance(value, tuple) else value
        return WireAvp.new(self.code, self.vendor, content, is_mandatory=self.mandatory)

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """Read the library's form; AVPs that it does not know keep their octets."""
        value = wire.value
        if isinstance(value, list):
            value = tuple(cls.from_wire(member) for member in value)
        return cls(wire.code, value, wire.vendor_id or 0, wire.is_mandatory)


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer."""

    command: int
    application: int
    avps: tuple[Avp, ...]
    is_request: bool = True
    hop_by_hop: int = 0
    end_to_end: int = 0

    def get(self, code: int) -> Any:
        """Return the value of the first AVP *code*, or None."""
        return next((avp.value for avp in self.avps if avp.code == code), None)

    def all(self, code: int) -> tuple[Any, ...]:
        """Return the values of all AVPs *code*."""
        return tuple(avp.value for avp in self.avps if avp.code == code)

    @property
    def result(self) -> int | None:
        """Result-Code or Experimental-Result-Code of an answer."""
        for avp in self.avps:
            if avp.code == RESULT_CODE and isinstance(avp.value, int):
                return avp.value
            if avp.code == EXPERIMENTAL_RESULT:
                return int(avp.find(EXPERIMENTAL_RESULT_CODE))
        return None

    def answer(self, *avps: Avp) -> Message:
        """Return the answer to this request; its Session-Id goes first (RFC 6733 8.8)."""
        session = tuple(avp for avp in self.avps if avp.code == SESSION_ID)
        return Message(
            self.command,
            self.application,
            (*session, *avps),
            is_request=False,
            hop_by_hop=self.hop_by_hop,
            end_to_end=self.end_to_end,
        )

    def to_bytes(self) -> bytes:
        """Return the octets."""
        header = MessageHeader(
            command_flags=(_REQUEST if self.is_request else 0)
            | (_PROXIABLE if self.application else 0),
            command_code=self.command,
            application_id=self.application,
            hop_by_hop_identifier=self.hop_by_hop,
            end_to_end_identifier=self.end_to_end,
        )
        octets: bytes = WireMessage(header, [avp.to_wire() for avp in self.avps]).as_bytes()
        return octets

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Read one whole message."""
        wire = WireMessage.from_bytes(octets, plain_msg=True)
        return cls(
            wire.header.command_code,
            wire.header.application_id,
            tuple(Avp.from_wire(avp) for avp in wire.avps),
            is_request=wire.header.is_request,
            hop_by_hop=wire.header.hop_by_hop_identifier,
            end_to_end=wire.header.end_to_end_identifier,
        )


def application_avp(application: int) -> Avp:
    """Return Vendor-Specific-Application-Id for a 3GPP application."""
    members = (Avp(VENDOR_ID, VENDOR_3GPP), Avp(AUTH_APPLICATION_ID, application))
    return Avp(VENDOR_SPECIFIC_APPLICATION_ID, members)
