"""Redaction: no token gets into the log, whoever wrote the line.

We never log one on purpose. But exceptions quote what they choked on, libraries log what they
send, and one line is enough to give a registration away for the life of its token. So the last
step before a line is written looks for anything that could be a token and leaves a digest, by
which two lines about the same token can still be told to belong together.
"""

from __future__ import annotations

import hashlib
import re

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any


BEARER = re.compile(
    r"""(\b(?:bearer|access_token)\b["']?(?:\s*[:=]|\s)\s*(?:access_token\s*=\s*)?["']?)"""
    r"""([^\s"',;]+)""",
    re.IGNORECASE,
)
"RFC 6750 2.1, and the form with `access_token=`, however quoted."

JWT = re.compile(r"\be[wy][A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*")
"JWS and JWE in compact form; their headers begin with `{` and a quote or white space."

LONG = re.compile(r"[A-Za-z0-9+_=-]{65,}")
"Longer than any digest in hex that we log: opaque tokens, and parts of the other kinds."

SUSPICIOUS = ("bearer", "access_token", "ey", "ew")
"One of these, in whatever case, has every text in which BEARER or JWT could find something."

LONGEST_UNSUSPECTED = 64
"Characters: LONG finds nothing in fewer."

SHORTEST = 12
"Characters; nothing that would be honoured is shorter, scheme included."

_FIGURES = (bool, int, float, datetime, type(None))


def redact(text: str) -> str:
    """Replace whatever could be a token in *text* by a digest of it."""
    if len(text) < SHORTEST or (len(text) <= LONGEST_UNSUSPECTED and not is_suspect(text)):
        return text
    text = BEARER.sub(lambda found: found[1] + _digest(found[2]), text)
    text = JWT.sub(lambda found: _digest(found[0]), text)
    return LONG.sub(lambda found: _digest(found[0]), text)


def is_suspect(text: str) -> bool:
    """Tell whether BEARER or JWT might find something in *text*, also when it is escaped."""
    # Some hundred characters at a glance; an expression would take them one by one. What it is
    # looked for has no character that JSON escapes.
    folded = text.casefold()
    return any(each in folded for each in SUSPICIOUS)


def is_flat(event: Mapping[str, Any]) -> bool:
    """Tell whether *event* is made of figures, and of texts in which LONG finds nothing."""
    return all(
        len(value) <= LONGEST_UNSUSPECTED
        if isinstance(value, str)
        else isinstance(value, _FIGURES)
        for value in event.values()
    )


def _digest(token: str) -> str:
    return f"[token {hashlib.sha256(token.encode()).hexdigest()[:12]}]"


def redact_event(_logger: object, _method: str, event: Any) -> Any:
    """Redact every text of a log event, at whatever depth (a structlog processor)."""
    # Names of fields are ours; what is in them may be anybody's.
    return {
        field: redact(value) if type(value) is str else _redact_any(value)
        for field, value in event.items()
    }


def _redact_any(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, _FIGURES):
        return value
    if isinstance(value, Mapping):
        return {redact(str(key)): _redact_any(inner) for key, inner in value.items()}
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, bytes | bytearray):
        return [_redact_any(inner) for inner in value]
    return redact(repr(value))
