"""What two REGISTERs of one WIC have in common."""

from __future__ import annotations

import re

from lab.sip import SipMessage


def icid(message: SipMessage) -> str:
    """The value by which charging tells requests apart (RFC 7315 4.6)."""
    found = re.match('icid-value="([^"]+)";', message.one("P-Charging-Vector"))
    assert found is not None
    return found[1]


def less_what_changes(message: SipMessage) -> list[str]:
    """Every header but those that RFC 3261 or RFC 7315 wants to be another each time."""
    fixed = message.without("Via").without("CSeq").without("P-Charging-Vector")
    return [re.sub("(?<=^From: )(.*>);tag=.*", r"\1", header.text) for header in fixed.headers]
