"""Issuing: an access token, what is kept of it, and what the client is told."""

from __future__ import annotations

import secrets

from dataclasses import dataclass
from datetime import datetime

from epcscfd.app.oauth.clients import Caller
from epcscfd.app.oauth.parts import Parts
from epcscfd.app.oauth.ports import Issue
from epcscfd.domain.oauth.account import WafAccount
from epcscfd.domain.oauth.claims import token_claims
from epcscfd.domain.oauth.client import GrantType, TokenFormat
from epcscfd.domain.oauth.families import Family, IssuedToken, RefreshToken, digest_of


SECRET_BYTES = 32
"Of codes and of tokens that are not signed."


@dataclass(frozen=True, slots=True)
class Minted:
    """A token that waits for being kept."""

    issue: Issue
    answer: dict[str, object]
    "What the client is told (RFC 6749 5.1), once it is kept."


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes tokens."""

    parts: Parts

    def family(
        self, caller: Caller, who: tuple[str, str], account: WafAccount, now: datetime
    ) -> Family:
        """Begin a family; *who* is web identity and subject."""
        user, subject = who
        return Family(
            id=secrets.token_hex(16),
            wwsf=caller.wwsf_id,
            user=user,
            subject=subject,
            impi=account.impi,
            scope=self.parts.rules.scope,
            begun_at=now,
            ends_at=now + max(self.parts.rules.refresh_life, caller.client.token_life),
        )

    def mint(self, caller: Caller, family: Family, account: WafAccount, now: datetime) -> Minted:
        """Make an access token of *family*."""
        whole = now.replace(microsecond=0)
        token = IssuedToken(
            jti=secrets.token_hex(16),
            family=family,
            issued_at=whole,
            expires_at=whole + caller.client.token_life,
        )
        if caller.client.token_format is TokenFormat.OPAQUE:
            text = secrets.token_urlsafe(SECRET_BYTES)
            token = IssuedToken(
                token.jti, family, token.issued_at, token.expires_at, digest_of(text)
            )
        else:
            claims = token_claims(token, account, caller.client_id, self.parts.rules)
            text = self.parts.signer.sign(claims)
        answer: dict[str, object] = {
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": int(caller.client.token_life.total_seconds()),
            "scope": family.scope,
            # S004-6, step 10: where the WIC connects.
            "epcscf_uri": self.parts.rules.epcscf_uri,
            # TS 23.228 U.2.1.3: the WWSF tells the WIC, and the token is not for it to read.
            "ims_impi": str(account.impi),
            "ims_impu": sorted(map(str, account.impus)),
        }
        return Minted(Issue(token), answer)

    def with_refresh(self, minted: Minted, caller: Caller, now: datetime) -> Minted:
        """Add a refresh token, if *caller* may use one."""
        if not caller.client.may_use(GrantType.REFRESH_TOKEN):
            return minted
        text = secrets.token_urlsafe(SECRET_BYTES)
        family = minted.issue.token.family
        expires_at = min(now + self.parts.rules.refresh_life, family.ends_at)
        refresh = RefreshToken(digest_of(text), family, expires_at)
        return Minted(Issue(minted.issue.token, refresh), {**minted.answer, "refresh_token": text})
