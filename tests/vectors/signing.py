"""Keys that never change, and JWTs made with them: also such as no issuer should make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import Algorithm, RSAAlgorithm, get_default_algorithms

from tests.builders import NOW


ISSUER = "https://waf.home1.net"

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its name and what it signs with."""

    kid: str
    algorithm: str
    private: PrivateKey

    def sign(self, message: bytes, algorithm: str = "") -> bytes:
        """Sign *message*."""
        signature: bytes = _implementation(algorithm or self.algorithm).sign(message, self.private)
        return signature

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """What a JWKS says of it."""
        jwk = _implementation(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        named = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        return {name: value for name, value in (jwk | named | changes).items() if value != ""}

    def pem(self) -> str:
        """The public key in PEM."""
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def an_ec_key(kid: str = "ec-1", seed: int = 1, algorithm: str = "ES256") -> SigningKey:
    """A key on the curve of *algorithm*, always the same for the same *seed*."""
    curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm]
    return SigningKey(kid, algorithm, ec.derive_private_key(0xC0FFEE + seed, curve))


def an_ed25519_key(kid: str = "ed-1") -> SigningKey:
    """A key for EdDSA."""
    return SigningKey(kid, "EdDSA", ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32))


@cache
def an_rsa_key(kid: str = "rsa-1") -> SigningKey:
    """A key of 2048 bits."""
    private = RSAAlgorithm.from_jwk((Path(__file__).parent / "rsa.jwk.json").read_text())
    assert isinstance(private, rsa.RSAPrivateKey)
    return SigningKey(kid, "RS256", private)


def jwks(*keys: SigningKey) -> bytes:
    """The JWKS of *keys*."""
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


def some_claims(now: float = NOW.timestamp(), **changes: Any) -> dict[str, Any]:
    """Alice's claims, a minute old and good for ten more. A change to None takes one out."""
    claims = {
        "iss": ISSUER,
        "sub": "web-user-17",
        "aud": "epcscf.home1.net",
        "iat": int(now) - 60,
        "exp": int(now) + 600,
        "jti": "j1",
        "scope": "openid webrtc-ims-client-access-to-ims",
        "client_id": "shop-client",
        "ims_impi": "alice@home1.net",
        "ims_impu": ["sip:alice@home1.net"],
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def a_header(key: SigningKey, **changes: Any) -> dict[str, Any]:
    """The header of an access token signed with *key*. A change to None takes one out."""
    header = {"alg": key.algorithm, "typ": "at+jwt", "kid": key.kid}
    return {name: value for name, value in (header | changes).items() if value is not None}


def a_jwt(key: SigningKey, claims: Any = None, **header: Any) -> str:
    """A token signed with *key*, whatever its header says."""
    claims = some_claims() if claims is None else claims
    return signed(json.dumps(a_header(key, **header)), json.dumps(claims), key)


def signed(header: str | bytes, claims: str | bytes, key: SigningKey, algorithm: str = "") -> str:
    """A token of these very texts, signed with *key*."""
    message = unsigned(header, claims)
    return f"{message}.{base64url(key.sign(message.encode(), algorithm))}"


def hmac_signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token with an HMAC, made here because no library would."""
    message = unsigned(json.dumps(header), json.dumps(claims))
    return f"{message}.{base64url(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def unsigned(header: str | bytes, claims: str | bytes) -> str:
    """Header and claims of a token, without its signature."""
    texts = (text.encode() if isinstance(text, str) else text for text in (header, claims))
    return ".".join(base64url(text) for text in texts)


def base64url(data: bytes) -> str:
    """As in JWTs: without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _implementation(algorithm: str) -> Algorithm:
    return get_default_algorithms()[algorithm]
