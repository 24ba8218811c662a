"""Whom each subscription admits, as the HSS says it (TS 29.228, AVPs 656 to 658).

The list comes in the SAA together with the profile, and by PPR when it changes. The S-CSCF has
to remember it, since a later SAA does not repeat it (TS 29.228 6.6). It is kept as a row of a
shared table, IMPI to names, which the routes compare; a start of this process finds it again.

A row is names in hexadecimal, joined by commas, or one of the two marks. Which of WAF and WWSF a
name is of is not kept: the one parameter in SIP does not tell either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrelay.codes import (
    CHARGING_INFORMATION,
    CX,
    EXPERIMENTAL_RESULT,
    EXPERIMENTAL_RESULT_CODE,
    PUSH_PROFILE,
    RESULT_CODE,
    SERVER_ASSIGNMENT,
    SERVER_ASSIGNMENT_TYPE,
    SUCCESS,
    USER_DATA,
    USER_NAME,
    VENDOR_3GPP,
    VENDOR_ID,
)
from cxrelay.diameter import Avp, Message, avp


if TYPE_CHECKING:
    from cxrelay.kamailio import Kamailio

TABLE = "sc_admitted"
NOBODY = "-"
"There is no list, or an empty one: nobody may vouch for this subscription."
UNTOLD = "?"
"Registered, but the list was not among what was heard."
LONGEST_ROW = 8000
"Octets; routes can read no longer text with Kamailio's own pv_buffer_size."

ALLOWED_WAF_WWSF_IDENTITIES = 656
WAF_NAME = 657
WWSF_NAME = 658

USER_UNKNOWN = 5001
REGISTRATION = 1
RE_REGISTRATION = 2
_ENDING = frozenset({4, 5, 8, 9, 10, 11})
"Server-Assignment-Types after which the S-CSCF does not serve the user any more."


class Admissions:
    """What is remembered, and the ear that it comes in by."""

    commands = frozenset({SERVER_ASSIGNMENT})

    def __init__(self, kamailio: Kamailio) -> None:
        self._kamailio = kamailio

    def heard(self, asked: Message, answer: Message) -> None:
        """Learn from a SAA, whoever asked. Raise ValueError if it cannot be read."""
        kind = asked.find(SERVER_ASSIGNMENT_TYPE, VENDOR_3GPP)
        impi = _impi_of(asked) or _impi_of(answer)
        if kind is None or not impi or answer.result() != SUCCESS:
            return
        if kind.number() in _ENDING:
            self._kamailio.drop(TABLE, impi)
        elif kind.number() in {REGISTRATION, RE_REGISTRATION}:
            self._learn(impi, answer)

    def _learn(self, impi: str, answer: Message) -> None:
        names = answer.find(ALLOWED_WAF_WWSF_IDENTITIES, VENDOR_3GPP)
        # table 6.1.2.2: the list goes with the profile, so a profile without one says "nobody"
        if names is not None or answer.find(USER_DATA, VENDOR_3GPP) is not None:
            self._keep(impi, names)
        elif self._kamailio.row(TABLE, impi) is None:
            self._kamailio.write(TABLE, impi, UNTOLD)

    def replies(self, asked: Message) -> list[bytes] | None:
        """Take a pushed list (TS 29.228 6.2.2). Raise ValueError if it cannot be read.

        The module has no answer to any PPR. One that brings more than the list is left to it
        all the same: it is not for us to say that a profile was taken.
        """
        if asked.application != CX or asked.command != PUSH_PROFILE:
            return None
        names = asked.find(ALLOWED_WAF_WWSF_IDENTITIES, VENDOR_3GPP)
        if names is None:
            return None
        impi = _impi_of(asked)
        if not impi or self._kamailio.row(TABLE, impi) is None:
            return _refused(USER_UNKNOWN)
        self._keep(impi, names)
        self._kamailio.note(f"admitted.pushed impi={impi} names={','.join(names_of(names))}")
        if any(asked.find(code, VENDOR_3GPP) for code in (USER_DATA, CHARGING_INFORMATION)):
            return None
        return [avp(RESULT_CODE, SUCCESS)]

    def _keep(self, impi: str, names: Avp | None) -> None:
        row = row_of(names)
        if len(row) > LONGEST_ROW:
            self._kamailio.warn(f"admitted.too_long impi={impi} octets={len(row)}")
            row = NOBODY
        self._kamailio.write(TABLE, impi, row)

    def row(self, impi: str) -> str:
        """Return what is remembered of a subscription."""
        return self._kamailio.row(TABLE, impi) or UNTOLD


def row_of(names: Avp | None) -> str:
    """Return the row of an Allowed-WAF-WWSF-Identities, None for none."""
    return ",".join(name.encode().hex() for name in names_of(names)) or NOBODY


def names_of(names: Avp | None) -> list[str]:
    """Return the names in it. Raise ValueError if it is no such group, or not UTF-8."""
    members = () if names is None else names.members()
    wanted = {(WAF_NAME, VENDOR_3GPP), (WWSF_NAME, VENDOR_3GPP)}
    found = [m.data.decode() for m in members if (m.code, m.vendor) in wanted]
    return [name for name in found if name]


def _impi_of(message: Message) -> str:
    impi = message.text(USER_NAME)
    if "\0" in impi:
        raise ValueError("a NUL in User-Name")
    return impi


def _refused(code: int) -> list[bytes]:
    members = avp(VENDOR_ID, VENDOR_3GPP) + avp(EXPERIMENTAL_RESULT_CODE, code)
    return [avp(EXPERIMENTAL_RESULT, members)]
