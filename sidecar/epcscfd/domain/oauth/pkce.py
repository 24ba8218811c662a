"""Proof key for code exchange (RFC 7636). S256 only: `plain` proves nothing to who has seen it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re


METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"A SHA-256 in base64url."

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"RFC 7636 4.1."


def is_challenge(text: str) -> bool:
    """Tell whether *text* could be a `code_challenge` of S256."""
    return bool(_CHALLENGE.fullmatch(text))


def proves(verifier: str, challenge: str) -> bool:
    """Tell whether *verifier* is the one that *challenge* was made of."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
