"""Reasons: why a REGISTER is refused, and what each says to the WIC and to the operator."""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Why a request was refused. Closed set: also a metric label and a log field."""

    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS_MALFORMED = "credentials_malformed"


class Connection(enum.StrEnum):
    """What becomes of the WebSocket once the refusal has been sent."""

    KEEP = "keep"
    CLOSE = "close"
    KEEP_IF_REGISTERED = "keep_if_registered"
    "Stays if something is registered on it, else closed."
