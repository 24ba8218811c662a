"""Questions as the native routes queue them (routes/ask.cfg).

A record is
`wwsf|listener|certificate|seconds.microseconds|digest|domain|To|Call-ID|credential`.
The last three are base64, since a sender chose them; the domain is one of those served.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import NamedTuple


class Question(NamedTuple):
    """One suspended REGISTER."""

    transaction: str
    "`index:label` of tm."
    wwsf: str
    listener: str
    certificate: str
    queued_at: float
    "Wall clock, seconds."
    request_domain: str
    to: str
    call_id: str
    authorization: str
    key: str
    "Of the verdict table."


class MalformedRecordError(ValueError):
    """The record is not what routes/ask.cfg writes."""


def read_question(transaction: str, record: str) -> Question:
    """Decode a queued record. Raise MalformedRecordError."""
    fields = record.split("|")
    if len(fields) != 9:
        raise MalformedRecordError(f"{len(fields)} fields")
    wwsf, listener, certificate, stamp, digest, request_domain = fields[:6]
    try:
        to, call_id, authorization = map(_text, fields[6:])
        seconds, microseconds = stamp.split(".")
        queued_at = int(seconds) + int(microseconds) / 1e6
    except (ValueError, OverflowError) as error:
        raise MalformedRecordError(type(error).__name__) from None
    if "\0" in to:
        # no table could hold the key
        raise MalformedRecordError("NUL in To")
    return Question(
        transaction,
        wwsf,
        listener,
        "" if certificate == "-" else certificate,
        queued_at,
        request_domain,
        to,
        call_id,
        authorization,
        f"{digest}|{wwsf}|{listener}|{certificate}|{to}",
    )


def _text(field: str) -> str:
    """Bytes that are no UTF-8 become marks: the sidecar refuses them, nobody raises."""
    return a2b_base64(field, strict_mode=True).decode("utf-8", errors="replace")
