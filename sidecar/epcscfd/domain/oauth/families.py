"""Families: all that follows from one authorization, and dies with it.

A code, the refresh tokens that replace each other, the access tokens: whoever shows a code or a
refresh token a second time has stolen it or was stolen from, and nobody can tell which; so the
whole family goes (RFC 6749 4.1.2, RFC 9700 4.14.2).
"""

from __future__ import annotations

import hashlib

from dataclasses import dataclass
from datetime import datetime

from epcscfd.domain.identity import Impi
from epcscfd.domain.oauth.pkce import proves
from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.domain.policy import WwsfId


@dataclass(frozen=True, slots=True)
class Family:
    """One authorization."""

    id: str
    wwsf: WwsfId
    user: str
    "Web identity; empty for tokens of a pool. Never in a token, never in a log."
    subject: str
    "`sub` of its tokens: means nothing to anybody but the WWSF that it is for."
    impi: Impi
    scope: str
    begun_at: datetime
    ends_at: datetime
    "Nothing of it is good for anything after that."
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code, once sent."""

    digest: str
    family: Family
    redirect_uri: str
    "As the authorization request said; empty if it said none."
    challenge: str
    expires_at: datetime
    spent: bool = False


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, once issued."""

    digest: str
    family: Family
    expires_at: datetime
    spent: bool = False


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token, once issued."""

    jti: str
    family: Family
    issued_at: datetime
    expires_at: datetime
    digest: str = ""
    "Of an opaque one."
    revoked: bool = False

    def is_alive(self, now: datetime) -> bool:
        """Tell whether it is good for anything, as far as it depends on itself."""
        return now < self.expires_at and not (self.revoked or self.family.revoked)


@dataclass(frozen=True, slots=True)
class Stolen:
    """Shown a second time: its family is to be revoked."""

    family: Family
    why: str


def digest_of(secret: str) -> str:
    """Give what is kept of a code or token: who reads the database cannot use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def judge_code(
    code: AuthorizationCode | None,
    wwsf: WwsfId,
    shown: tuple[str, str],
    now: datetime,
) -> Family | Stolen | Refusal:
    """Judge a code that *wwsf* redeems; *shown* are its redirect URI and verifier."""
    redirect_uri, verifier = shown
    if code is None:
        return _no_grant("unknown code")
    # Another client's attempt must not end the family: nobody may cut off others by guessing.
    if code.family.wwsf != wwsf:
        return _no_grant("code of another client")
    if code.spent:
        return Stolen(code.family, "code shown again")
    checks = (
        (code.family.revoked, "family revoked"),
        (now >= code.expires_at, "code expired"),
        (redirect_uri != code.redirect_uri, "another redirect_uri"),
        (not proves(verifier, code.challenge), "wrong code_verifier"),
    )
    return next((_no_grant(why) for wrong, why in checks if wrong), code.family)


def judge_refresh(
    token: RefreshToken | None, wwsf: WwsfId, now: datetime
) -> Family | Stolen | Refusal:
    """Judge a refresh token that *wwsf* shows."""
    if token is None:
        return _no_grant("unknown refresh token")
    if token.family.wwsf != wwsf:
        return _no_grant("refresh token of another client")
    if token.spent:
        return Stolen(token.family, "refresh token shown again")
    checks = (
        (token.family.revoked, "family revoked"),
        (now >= token.expires_at, "refresh token expired"),
    )
    return next((_no_grant(why) for wrong, why in checks if wrong), token.family)


def _no_grant(why: str) -> Refusal:
    return Refusal(OAuthError.INVALID_GRANT, why)
