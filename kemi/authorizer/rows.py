"""Verdicts as the native routes read them (routes/apply.cfg, routes/refuse.cfg).

A row is fields joined by `|`. Text is base64, so that nothing in it can be taken
for a field or, in a log, for a line. What will stand in a header is refused here if
it holds CR, LF or NUL: this is the only writer of the tables.
"""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable

    from epcscf.control.v1 import control_pb2 as pb
    from epcscf.control.v1 import registrations_pb2 as registrations

VERSION = "1"
"Of the format. Kamailio treats a row of another version as no row."

FEW = 64
"Texts that are encoded once, of domains and authorization entities; a kilobyte each at most."

CONNECTIONS = {0: "close", 1: "keep", 2: "close", 3: "keep_if_registered"}
"Connection of the control contract; what it does not know yet is closed."


class UnsafeVerdictError(ValueError):
    """The verdict holds something that must not get into a header."""


def forward_row(verdict: pb.Verdict) -> str:
    """Put a verdict that forwards into a row. Raise UnsafeVerdictError."""
    forward = verdict.forward
    own = (
        str(forward.next_hop_set),
        _coded_often(safe(forward.request_uri)),
        coded(_trusted_headers(forward)),
        _coded_often(safe(forward.charging_parameters)),
    )
    return _row("F", verdict, forward, own)


def accept_row(verdict: pb.Verdict) -> str:
    """Put a verdict that accepts into a row. Raise UnsafeVerdictError."""
    accept = verdict.accept
    headers = f"P-Associated-URI: {safe(accept.associated_uri)}\r\n"
    return _row("A", verdict, accept, ("0", coded(safe(accept.impu)), coded(headers), ""))


def _row(
    ending: str, verdict: pb.Verdict, user: pb.Forward | pb.Accept, own: tuple[str, ...]
) -> str:
    stamp, decision, impi, impu = verdict.stamp, verdict.decision_id, user.impi, user.impu
    scope, value, subject, token = stamp.scope, stamp.value, user.subject, user.token_id
    # joined: one look instead of one for each
    safe(impi + impu)
    bare(scope + value + subject + decision + token)
    end = user.token_expires_at
    fields = (
        VERSION,
        ending,
        scope,
        value,
        str(end - user.margin_seconds),
        str(user.minimum_seconds),
        *own,
        coded(impi),
        coded(impu),
        subject,
        _challenge_often(user.expired_challenge),
        decision,
        token,
        str(end),
    )
    return "|".join(fields)


def refusal_row(verdict: pb.Verdict) -> str:
    """Put a verdict that refuses into a row. Raise UnsafeVerdictError."""
    refuse = verdict.refuse
    if not 400 <= refuse.status <= 699:
        raise UnsafeVerdictError(f"status {refuse.status}")
    fields = (
        VERSION,
        "R",
        str(verdict.revision),
        str(refuse.status),
        coded(safe(refuse.phrase)),
        CONNECTIONS.get(refuse.connection, "close"),
        str(refuse.retry_after),
        coded(challenge_headers(refuse.challenges)) if refuse.challenges else "",
        bare(verdict.decision_id),
    )
    return "|".join(fields)


def errand(told: registrations.Deregister) -> str:
    """Write what routes/errands.cfg reads. Raise UnsafeVerdictError."""
    fields = (
        str(told.next_hop_set),
        coded(safe(told.request_uri)),
        coded(_trusted_headers(told)),
        coded(safe(told.charging_parameters)),
        coded(safe(told.impu)),
        coded(safe(told.contact)),
    )
    return "|".join(fields)


def _trusted_headers(said: pb.Forward | registrations.Deregister) -> str:
    return (
        f"Authorization: {safe(said.authorization)}\r\n"
        f"P-Visited-Network-ID: {safe(said.visited_network_id)}\r\n"
    )


def challenge_headers(values: Iterable[str]) -> str:
    """Make the header lines of a challenge."""
    return "".join(f"WWW-Authenticate: {safe(value)}\r\n" for value in values)


def safe(text: str) -> str:
    """Return *text* if it can stand in a header line."""
    # three times "in": a loop over them takes ten times as long, in every field of every row
    if "\r" in text or "\n" in text or "\0" in text:
        raise UnsafeVerdictError("line break or NUL")
    return text


def bare(text: str) -> str:
    """Return *text* if it can stand in a row without being encoded."""
    if "|" in text:
        raise UnsafeVerdictError("field separator")
    return safe(text)


def coded(text: str) -> str:
    """Encode *text* for a row."""
    return b2a_base64(text.encode(), newline=False).decode("ascii")


@lru_cache(FEW)
def _coded_often(text: str) -> str:
    """Encode what is the same for a whole domain."""
    return coded(text)


@lru_cache(FEW)
def _challenge_often(value: str) -> str:
    """Encode a challenge, which is the same for a whole domain."""
    return coded(challenge_headers([value]))
