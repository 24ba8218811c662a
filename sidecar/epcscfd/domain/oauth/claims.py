"""What tokens say (RFC 9068 2.2), and what is said about them (RFC 7662 2.2)."""

from __future__ import annotations

import hashlib
import hmac

from collections.abc import Mapping
from datetime import datetime

from epcscfd.domain.oauth.account import WafAccount
from epcscfd.domain.oauth.families import IssuedToken
from epcscfd.domain.oauth.rules import WafRules
from epcscfd.domain.policy import WwsfId


ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - not a secret

INACTIVE: Mapping[str, object] = {"active": False}
"All that anybody learns about a token that is good for nothing (RFC 7662 2.2)."


def token_claims(
    token: IssuedToken, account: WafAccount, client_id: str, rules: WafRules
) -> dict[str, object]:
    """Give the claims of *token* for *account*."""
    return {
        "iss": rules.issuer,
        "aud": rules.audience,
        "sub": token.family.subject,
        "client_id": client_id,
        "scope": token.family.scope,
        "jti": token.jti,
        "iat": _seconds(token.issued_at),
        "exp": _seconds(token.expires_at),
        "waf_id": rules.waf_id,
        **_identities(account),
    }


def introspection(
    token: IssuedToken, account: WafAccount | None, client_id: str, rules: WafRules
) -> dict[str, object]:
    """Give the answer about *token*, which is good; without *account* it names no identities."""
    return {
        "active": True,
        "token_type": "Bearer",
        "iss": rules.issuer,
        "aud": rules.audience,
        "sub": token.family.subject,
        "client_id": client_id,
        "scope": token.family.scope,
        "jti": token.jti,
        "iat": _seconds(token.issued_at),
        "exp": _seconds(token.expires_at),
        "waf_id": rules.waf_id,
        **({} if account is None else _identities(account)),
    }


def _identities(account: WafAccount) -> dict[str, object]:
    return {"ims_impi": str(account.impi), "ims_impu": sorted(map(str, account.impus))}


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def pairwise_subject(secret: bytes, wwsf: WwsfId, kind: str, name: str) -> str:
    """Give a `sub` for *name* of this *kind*: the same each time, and another for each WWSF.

    S003-5: from it nobody can tell the web identity, nor that two WWSFs have the same user.
    """
    # Lengths in front: no two different triples are the same text.
    text = "".join(f"{len(part)}:{part}" for part in (wwsf, kind, name))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:40]
