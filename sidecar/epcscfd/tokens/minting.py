"""Minting: keys of the WAF, and access tokens signed with them (RFC 9068)."""

from __future__ import annotations

import hashlib

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import jwt

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from epcscfd.domain.oauth.claims import ACCESS_TOKEN_TYPE
from epcscfd.domain.oauth.keys import SigningKey
from epcscfd.errors import ConfigError


ALGORITHM = "ES256"
"Small and quick to verify; what every eP-CSCF takes."

MOST_KEYS = 16
"Unlocked at the same time; there are two or three."


@dataclass(frozen=True)
class EcKeyMaker:
    """Makes ES256 keys, which are kept encrypted with *passphrase*."""

    passphrase: bytes = field(repr=False)

    def make(self, number: int, signs_from: datetime) -> SigningKey:
        """Make a key."""
        private = generate_private_key(SECP256R1())
        pem = private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(self.passphrase)
        )
        return SigningKey(number, _thumbprint(private), pem, signs_from)

    def sign(self, key: SigningKey, claims: Mapping[str, object]) -> str:
        """Make an access token of *claims*."""
        headers = {"typ": ACCESS_TOKEN_TYPE, "kid": key.kid}
        private = _unlock(key.private_pem, self.passphrase)
        return jwt.encode(dict(claims), private, algorithm=ALGORITHM, headers=headers)

    def jti_of(self, keys: tuple[SigningKey, ...], token: str) -> str | None:
        """Give the `jti` of a *token* that one of *keys* has signed."""
        try:
            header = jwt.get_unverified_header(token)
            key = next(key for key in keys if key.kid == header.get("kid"))
            public = _unlock(key.private_pem, self.passphrase).public_key()
            # Times are judged by the caller, on its own clock.
            options: Any = {
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            }
            claims = jwt.decode(token, public, algorithms=[ALGORITHM], options=options)
        except (jwt.PyJWTError, StopIteration):
            return None
        jti = claims.get("jti")
        return jti if isinstance(jti, str) else None

    def jwk(self, key: SigningKey) -> Mapping[str, object]:
        """Give the public half, as a JWKS says it."""
        public = _unlock(key.private_pem, self.passphrase).public_key()
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
        return {**jwk, "kid": key.kid, "use": "sig", "alg": ALGORITHM}


@lru_cache(maxsize=MOST_KEYS)
def _unlock(pem: bytes, passphrase: bytes) -> EllipticCurvePrivateKey:
    try:
        private = load_pem_private_key(pem, passphrase)
    except ValueError:
        raise ConfigError(
            "waf.secret_file", "is not the one that the keys were made with"
        ) from None
    if not isinstance(private, EllipticCurvePrivateKey):
        raise TypeError("only keys that we have made are kept")
    return private


def _thumbprint(private: EllipticCurvePrivateKey) -> str:
    """Give a name that follows from the key (RFC 7638 in spirit): no two keys share it."""
    jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return hashlib.sha256(f"{jwk['x']}.{jwk['y']}".encode()).hexdigest()[:16]
