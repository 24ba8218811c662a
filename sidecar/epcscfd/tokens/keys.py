"""Keys: what an authorization entity signs with, as it has published it.

Out of a JWKS (RFC 7517) or PEM. A set that holds a secret (a symmetric or private key) is
refused whole, since it can only be a mistake that somebody is going to regret; a key that
is merely of no use here is left out.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from epcscfd.tokens.signatures import ALGORITHMS
from epcscfd.tokens.strict import Illegible, read_object


LARGEST_KEY_SET = 256 * 1024
"Bytes; fifty keys with their certificates fit."

MOST_KEYS = 50

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {
    "secp256r1": frozenset({"ES256"}),
    "secp384r1": frozenset({"ES384"}),
    "secp521r1": frozenset({"ES512"}),
}
_EDWARDS = frozenset({"EdDSA", "Ed25519"})
_SMALLEST_RSA = 2048

_SECRETS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*")
_PUBLIC_LABELS = frozenset({"PUBLIC KEY", "RSA PUBLIC KEY"})

ASYMMETRIC = _RSA.union(_EDWARDS, *_CURVES.values())
"JWS algorithms that a token may be signed with: nobody who can verify can also sign."


class KeysRefused(ValueError):  # noqa: N818 - named for what has happened
    """The document is no set of keys that could be used."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any
    "Of the type that its algorithms take."

    def verifies(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Tell whether *signature* was made over *signing_input* with this key."""
        return ALGORITHMS[algorithm].verify(signing_input, self.key, signature)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one authorization entity."""

    keys: tuple[VerificationKey, ...]

    @classmethod
    def from_jwks(cls, document: bytes) -> Self:
        """Read a JWKS. Raise KeysRefused unless there is a usable key and no secret."""
        if len(document) > LARGEST_KEY_SET:
            raise KeysRefused("too large a document")
        try:
            members = read_object(document).get("keys")
        except Illegible as error:
            raise KeysRefused(str(error)) from None
        if not isinstance(members, list) or len(members) > MOST_KEYS:
            raise KeysRefused(f"no list of at most {MOST_KEYS} keys")
        return cls._of([key for member in members for key in _from_jwk(member)])

    @classmethod
    def from_pem(cls, text: str) -> Self:
        """Read public keys in PEM. Raise KeysRefused if there is anything else among them."""
        blocks = list(_PEM_BLOCK.finditer(text))
        if "".join(block[0] for block in blocks) != text.lstrip() or len(blocks) > MOST_KEYS:
            raise KeysRefused(f"not PEM, or more than {MOST_KEYS} keys")
        if not all(block[1] in _PUBLIC_LABELS for block in blocks):
            raise KeysRefused("something other than a public key")
        return cls._of([key for block in blocks for key in _from_pem(block[0])])

    @classmethod
    def _of(cls, keys: list[VerificationKey]) -> Self:
        if not keys:
            raise KeysRefused("no key that can be used")
        return cls(tuple(keys))

    def find(self, kid: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """Find the keys that may have signed a token of this `kid` and `alg`.

        A key with a name answers to its name, keys without names (PEM) to any. A token that
        names none is tried with the one key of its algorithm: with one of several, never.
        """
        fitting = tuple([key for key in self.keys if algorithm in key.algorithms])
        nameless = tuple([key for key in fitting if key.kid is None])
        if kid is not None:
            return tuple([key for key in fitting if key.kid == kid]) or nameless
        return fitting if len(fitting) == 1 or fitting == nameless else ()


def _from_jwk(member: object) -> Iterator[VerificationKey]:
    if not isinstance(member, dict):
        raise KeysRefused("a key that is no JSON object")
    # RFC 8725 3.4: who can read this document must not be able to sign.
    if member.get("kty") == "oct" or _SECRETS.intersection(member):
        raise KeysRefused("a symmetric or private key")
    kid, algorithm = member.get("kid"), member.get("alg")
    named_well = isinstance(kid, str | None) and isinstance(algorithm, str | None)
    if not (named_well and _is_for_signatures(member)):
        return
    try:
        key = PyJWK({name: value for name, value in member.items() if name != "alg"}).key
    # RFC 7517 5: keys of kinds or sizes that one does not know are to be ignored.
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        return
    algorithms = _algorithms_of(key)
    if algorithm is not None:
        algorithms &= {algorithm}
    if algorithms:
        yield VerificationKey(kid, algorithms, key)


def _is_for_signatures(member: dict[str, object]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return (
        member.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _from_pem(block: str) -> Iterator[VerificationKey]:
    try:
        key = load_pem_public_key(block.encode())
    except (UnsupportedAlgorithm, ValueError):
        raise KeysRefused("a public key that cannot be read") from None
    algorithms = _algorithms_of(key)
    if algorithms:
        yield VerificationKey(None, algorithms, key)


def _algorithms_of(key: object) -> frozenset[str]:
    """Tell what signatures of *key* may be called; empty: it is of no use here."""
    match key:
        case RSAPublicKey() if key.key_size >= _SMALLEST_RSA:
            return _RSA
        case EllipticCurvePublicKey():
            return _CURVES.get(key.curve.name, frozenset())
        case Ed25519PublicKey():
            return _EDWARDS
        case _:
            return frozenset()
