"""Registrations as the native routes keep them (routes/bindings.cfg).

A row is the verdict under which the registration was let through, then
`WWSF|digest of the credential|Contact|P-Associated-URI|Service-Route`;
its key is `connection|IMPU`, which is the registration's id. Contact and IMPU are base64.
"""

from __future__ import annotations

import re

from binascii import a2b_base64


VERDICT_FIELDS = 17
"Of a row of the verdict table; see rows.py."
SCOPE, IMPI, IMPU, SUBJECT, DECISION, TOKEN_ID, TOKEN_END = 2, 10, 11, 12, 14, 15, 16
WWSF, CONTACT, IDENTITIES = VERDICT_FIELDS, VERDICT_FIELDS + 2, VERDICT_FIELDS + 3
FIELDS = VERDICT_FIELDS + 5

_URI = re.compile(r"<([^<>]+)>")


def registration(key: str, row: str, expires_at: int) -> dict[str, object]:
    """Read a row into the fields of epcscf.control.v1.Registration.

    Fields and no message: one that is given to another is copied into it, at twice the cost.
    Raise ValueError if it is not what routes/bindings.cfg writes.
    """
    fields = row.split("|")
    if len(fields) < FIELDS:
        raise ValueError(f"{len(fields)} fields")
    digest = fields[1] == "D"
    token_end = int(fields[TOKEN_END] or 0)
    if not 0 <= token_end < 1 << 64:
        raise ValueError("no time")
    return {
        "id": key,
        "connection": key.partition("|")[0],
        "wwsf": fields[WWSF],
        "scope": fields[SCOPE],
        "impi": text(fields[IMPI]),
        "impu": text(fields[IMPU]),
        "identities": _URI.findall(fields[IDENTITIES]),
        "subject": "" if digest else fields[SUBJECT],
        "token_id": fields[TOKEN_ID],
        "token_expires_at": token_end,
        "expires_at": expires_at,
        "contact": text(fields[CONTACT]),
        "decision_id": fields[DECISION],
        "local": fields[1] == "A",
    }


def text(field: str) -> str:
    """Decode a field that is base64."""
    return a2b_base64(field).decode("utf-8", errors="replace")
