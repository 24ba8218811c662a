"""Diameter messages (RFC 6733) as octets, looked into only where somebody asks.

Most messages go through as they came, so nothing is decoded beforehand. Lengths are those of the
sender: whatever does not add up is a ValueError, never a look beyond the message.
"""

from __future__ import annotations

import functools

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxrelay.codes import (
    CX,
    EXPERIMENTAL_RESULT,
    EXPERIMENTAL_RESULT_CODE,
    RESULT_CODE,
    SESSION_ID,
)


if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = 20
LONGEST = 1 << 20
"Octets; more than any profile has, and less than a wrong length could ask for."

_REQUEST, _PROXIABLE = 0x80, 0x40
_VENDOR, _MANDATORY = 0x80, 0x40


@dataclass(frozen=True, slots=True)
class Avp:
    """An attribute-value pair as it came."""

    code: int
    vendor: int
    data: bytes

    def number(self) -> int:
        """Read an Unsigned32 or Enumerated."""
        return int.from_bytes(self.data, "big")

    def members(self) -> tuple[Avp, ...]:
        """Read a group. Raise ValueError if it is none."""
        return _read_avps(self.data)


@dataclass(frozen=True)
class Message:
    """One whole message."""

    octets: bytes

    @property
    def command(self) -> int:
        """Its command code, the same for a request and its answer."""
        return int.from_bytes(self.octets[5:8], "big")

    @property
    def application(self) -> int:
        """Application-Id; 0 is the base protocol."""
        return int.from_bytes(self.octets[8:12], "big")

    @property
    def is_request(self) -> bool:
        """Tell a request from an answer."""
        return bool(self.octets[4] & _REQUEST)

    @property
    def identifiers(self) -> bytes:
        """Hop-by-Hop and End-to-End Identifier: an answer has those of its request."""
        return self.octets[12:HEADER]

    @functools.cached_property
    def avps(self) -> tuple[Avp, ...]:
        """All AVPs. Raise ValueError if their lengths do not add up."""
        return _read_avps(self.octets[HEADER:])

    def find(self, code: int, vendor: int = 0) -> Avp | None:
        """Return the first AVP of a kind."""
        return next((a for a in self.avps if (a.code, a.vendor) == (code, vendor)), None)

    def text(self, code: int, vendor: int = 0) -> str:
        """Return a text; "" if there is none. Raise ValueError if it is not UTF-8."""
        found = self.find(code, vendor)
        return "" if found is None else found.data.decode()

    def result(self) -> int:
        """Return Result-Code or Experimental-Result-Code of an answer; 0 if it has neither."""
        plain = self.find(RESULT_CODE)
        if plain is not None:
            return plain.number()
        group = self.find(EXPERIMENTAL_RESULT)
        codes = () if group is None else group.members()
        return next((a.number() for a in codes if a.code == EXPERIMENTAL_RESULT_CODE), 0)

    def answer(self, avps: Iterable[bytes]) -> bytes:
        """Make the answer to this request; its Session-Id goes first (RFC 6733 8.8)."""
        session = (avp(SESSION_ID, a.data) for a in self.avps if a.code == SESSION_ID)
        flags = self.octets[4] & ~_REQUEST
        return _message(flags, self.octets[5:HEADER], (*session, *avps))


def request(command: int, identifiers: bytes, avps: Iterable[bytes]) -> bytes:
    """Make a request of Cx; *identifiers* are eight octets that no other has."""
    head = command.to_bytes(3, "big") + CX.to_bytes(4, "big") + identifiers
    return _message(_REQUEST | _PROXIABLE, head, avps)


def avp(code: int, value: str | bytes | int, vendor: int = 0, *, mandatory: bool = True) -> bytes:
    """Make an AVP; a number is an Unsigned32, a group is the AVPs in it, joined."""
    data = _octets(value)
    flags = (_VENDOR if vendor else 0) | (_MANDATORY if mandatory else 0)
    owner = vendor.to_bytes(4, "big") if vendor else b""
    length = 8 + len(owner) + len(data)
    head = code.to_bytes(4, "big") + bytes([flags]) + length.to_bytes(3, "big")
    return head + owner + data + bytes(-length % 4)


def length_of(header: bytes) -> int:
    """Return the length of the message that begins so. Raise ValueError if there is none such."""
    length = int.from_bytes(header[1:4], "big")
    if header[0] != 1 or length < HEADER or length % 4 or length > LONGEST:
        raise ValueError(f"no diameter message begins with {header[:5].hex()}")
    return length


def _octets(value: str | bytes | int) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(4, "big")
    return value.encode() if isinstance(value, str) else value


def _message(flags: int, head: bytes, avps: Iterable[bytes]) -> bytes:
    body = b"".join(avps)
    return b"\1" + (HEADER + len(body)).to_bytes(3, "big") + bytes([flags]) + head + body


def _read_avps(octets: bytes) -> tuple[Avp, ...]:
    found = []
    at = 0
    while at < len(octets):
        length = int.from_bytes(octets[at + 5 : at + 8], "big")
        start = at + (12 if octets[at + 4 : at + 5] >= b"\x80" else 8)
        if start > at + length or at + length > len(octets):
            raise ValueError("the length of an AVP does not fit")
        code = int.from_bytes(octets[at : at + 4], "big")
        vendor = int.from_bytes(octets[at + 8 : start], "big")
        found.append(Avp(code, vendor, octets[start : at + length]))
        at += length + -length % 4
    return tuple(found)
