"""Assertions of clients (RFC 7523 3): about themselves, or about a user whom they have logged in.

Only what was signed for this very WAF counts: `aud` is our issuer, alone. Were other audiences
let through, another server to which a WWSF speaks could speak to us in its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


LONGEST_LIFE = timedelta(minutes=10)
"An assertion is made for one request."

LONGEST_TEXT = 255
_LATEST = 253_402_300_799


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """What a client has signed, checked."""

    subject: str
    jti: str
    expires_at: datetime


def read_assertion(
    claims: Mapping[str, object], issuer: str, audience: str, now: datetime, skew: timedelta
) -> ClientAssertion | str:
    """Read the *claims* of an assertion of *issuer* for *audience*, or say why not."""
    expires_at, issued_at = _time(claims, "exp"), _time(claims, "iat")
    not_before = _time(claims, "nbf")
    jti, subject = _text(claims, "jti"), _text(claims, "sub")
    if expires_at is None or not jti or not subject:
        return "exp, jti and sub are needed"
    audiences = claims.get("aud")
    checks = (
        (claims.get("iss") != issuer, "another iss"),
        (audiences not in (audience, [audience]), "another aud, or several"),
        (now >= expires_at + skew, "expired"),
        (expires_at - now > LONGEST_LIFE + skew, "lives too long"),
        ("iat" in claims and (issued_at is None or issued_at > now + skew), "iat to come"),
        ("nbf" in claims and (not_before is None or not_before > now + skew), "not valid yet"),
    )
    wrong = next((why for fails, why in checks if fails), None)
    return wrong or ClientAssertion(subject, jti, expires_at + skew)


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    fits = isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable()
    return str(value) if fits else ""


def _time(claims: Mapping[str, object], name: str) -> datetime | None:
    value = claims.get(name)
    # Some libraries write fractions of a second; `true` is an integer to Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)
