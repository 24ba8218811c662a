"""Client authentication: how a question says who asks (RFC 6749 2.3, RFC 7523, RFC 8705)."""

from __future__ import annotations

import base64
import secrets

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote_plus

import jwt

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from epcscfd.domain.introspection import ClientAuthentication, Introspection
from epcscfd.tokens.introspection.credentials import CredentialMissing, CredentialStore


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ASSERTION_LIFE = timedelta(seconds=60)
"For one request, and clocks that differ."

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """What a request carries to show who sends it. Never shown."""

    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asker:
    """Proves who we are to one entity."""

    introspection: Introspection
    audience: str
    "What the entity calls itself: its issuer (RFC 7523 3)."
    credentials: CredentialStore

    def prove(self, now: datetime) -> Proof:
        """Make a proof for one request. Raise CredentialMissing."""
        return _PROOFS[self.introspection.authentication](self, now)

    def _secret_basic(self, _now: datetime) -> Proof:
        # RFC 6749 2.3.1: both are form-encoded before they are joined.
        identity = quote_plus(self.introspection.client_id)
        secret = quote_plus(self.credentials.text(self.introspection.credential))
        encoded = base64.b64encode(f"{identity}:{secret}".encode()).decode()
        return Proof(headers={"Authorization": f"Basic {encoded}"})

    def _secret_post(self, _now: datetime) -> Proof:
        secret = self.credentials.text(self.introspection.credential)
        return Proof(fields={**self._client_id(), "client_secret": secret})

    def _private_key_jwt(self, now: datetime) -> Proof:
        key, algorithm = _signing_key(self.credentials.text(self.introspection.credential))
        client_id = self.introspection.client_id
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience,
            "jti": secrets.token_urlsafe(16),
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        assertion = jwt.encode(claims, key, algorithm=algorithm)
        return Proof(
            fields={
                **self._client_id(),
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
        )

    def _tls(self, _now: datetime) -> Proof:
        # RFC 8705 2: the handshake has shown the certificate, the body says whose it is.
        return Proof(fields=self._client_id())

    def _client_id(self) -> Mapping[str, str]:
        return {"client_id": self.introspection.client_id}


_PROOFS: Mapping[ClientAuthentication, Callable[[Asker, datetime], Proof]] = {
    ClientAuthentication.SECRET_BASIC: Asker._secret_basic,  # noqa: SLF001 - a table of its own
    ClientAuthentication.SECRET_POST: Asker._secret_post,  # noqa: SLF001
    ClientAuthentication.PRIVATE_KEY_JWT: Asker._private_key_jwt,  # noqa: SLF001
    ClientAuthentication.TLS: Asker._tls,  # noqa: SLF001
}

SigningKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey


def _signing_key(pem: str) -> tuple[SigningKey, str]:
    """Read a private key and tell what it signs with. Raise CredentialMissing."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What could not be read is a secret all the same: say nothing about it.
        raise CredentialMissing("the key is no private key in PEM without passphrase") from None
    match key:
        case EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            return key, _CURVES[key.curve.name]
        case Ed25519PrivateKey():
            return key, "EdDSA"
        case RSAPrivateKey():
            return key, "PS256"
        case _:
            raise CredentialMissing("the key is of no kind that signs JWTs")
