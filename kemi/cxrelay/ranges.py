"""Ranges: wildcarded identities, each of which is registered with the pilot of its block.

* At the I-CSCF: where no subscription has the called identity itself, the LIA names the
  wildcarded one that it matches (TS 29.228 6.1.4, AVP 634). The S-CSCF must not match by itself,
  so it is told, in P-Profile-Key (RFC 5002).
* At the S-CSCF: the profile says with whom the wildcarded identity is registered. The module
  cannot look it up: a pattern is not always a URI, and a URI is what it looks up.

In a header, characters that no URI has are escaped; both spellings lead to the pilot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET

from cxrelay.codes import (
    LOCATION_INFO,
    PUBLIC_IDENTITY,
    SERVER_ASSIGNMENT,
    SUCCESS,
    USER_DATA,
    VENDOR_3GPP,
)
from cxrelay.diameter import Message


if TYPE_CHECKING:
    from cxrelay.kamailio import Kamailio

CALLED = "ic_range"
"Called identity to the wildcarded one, for longer than a call is on its way through here."
PILOTS = "sc_range"
"Wildcarded identity to its pilot. Of one that is registered no more, the pilot is not either."

WILDCARDED_PUBLIC_IDENTITY = 634
IN_USER_PART = "!*'()~&=+$,;?/@:%"
"What RFC 3261 lets stand there, besides letters, digits and `_.-`; and the delimiters around."


class CalledRanges:
    """The ear of an I-CSCF."""

    commands = frozenset({LOCATION_INFO})

    def __init__(self, kamailio: Kamailio) -> None:
        self._kamailio = kamailio

    def heard(self, asked: Message, answer: Message) -> None:
        """Learn from a LIA. Raise ValueError if it cannot be read."""
        impu = _text(asked, PUBLIC_IDENTITY)
        wildcard = _text(answer, WILDCARDED_PUBLIC_IDENTITY)
        if wildcard and answer.result() == SUCCESS:
            self._kamailio.write(CALLED, impu, in_header(wildcard))
        elif impu:
            self._kamailio.drop(CALLED, impu)

    def replies(self, asked: Message) -> list[bytes] | None:
        """Leave what the HSS asks to the stack."""
        del asked
        return None


class RegisteredRanges:
    """The ear of an S-CSCF."""

    commands = frozenset({SERVER_ASSIGNMENT})

    def __init__(self, kamailio: Kamailio) -> None:
        self._kamailio = kamailio

    def heard(self, asked: Message, answer: Message) -> None:
        """Learn from the profile in a SAA. Raise ValueError if it cannot be read."""
        del asked
        profile = answer.find(USER_DATA, VENDOR_3GPP)
        # most users have no range, and their profiles need not be parsed twice
        if profile is None or b"WildcardedIMPU" not in profile.data:
            return
        for wildcard, pilot in pilots(profile.data).items():
            for spelling in {wildcard, in_header(wildcard)}:
                self._kamailio.write(PILOTS, spelling, pilot)

    def replies(self, asked: Message) -> list[bytes] | None:
        """Leave what the HSS asks to the stack."""
        del asked
        return None


def in_header(wildcard: str) -> str:
    """Return a wildcarded identity as a URI (RFC 3261 19.1.2)."""
    return quote(wildcard, safe=IN_USER_PART)


def pilots(profile: bytes) -> dict[str, str]:
    """Return the wildcarded identities of a profile (TS 29.228 annex E), each with its pilot.

    That is the first distinct identity of the service profile that is not barred (TS 29.228
    6.5.1.1). Raise ValueError if it is no XML.
    """
    try:
        root = ET.fromstring(profile)  # noqa: S314 - the HSS is the one who is believed
    except ET.ParseError as error:
        raise ValueError(f"a profile is no xml: {error}") from None
    found: dict[str, str] = {}
    for service in root.iter("ServiceProfile"):
        found.update(_pilots_of(service))
    return found


def _pilots_of(service: ET.Element) -> dict[str, str]:
    wildcards, distinct = [], ""
    for identity in service.iter("PublicIdentity"):
        patterns = [each.text.strip() for each in identity.iter("WildcardedIMPU") if each.text]
        wildcards += patterns
        barred = (identity.findtext("BarringIndication") or "0").strip() in {"1", "true"}
        if not patterns and not barred:
            distinct = distinct or (identity.findtext("Identity") or "").strip()
    return dict.fromkeys(wildcards, distinct) if distinct else {}


def _text(message: Message, code: int) -> str:
    text = message.text(code, VENDOR_3GPP)
    if not text.isprintable():
        raise ValueError("a control character in an identity")
    return text
