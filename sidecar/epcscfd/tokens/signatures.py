"""Signatures: whether one was made over a message with a key (RFC 7518 3).

PyJWT knows how for every algorithm. Those on the NIST curves, which most issuers sign with, are
done here by the same call of `cryptography`: PyJWT makes three objects anew for every signature,
which is a twentieth of verifying one.
"""

from __future__ import annotations

from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from jwt.algorithms import get_default_algorithms


class Algorithm(Protocol):
    """A way to sign."""

    def verify(self, message: bytes, key: Any, signature: bytes) -> bool:
        """Tell whether *signature* was made over *message* with *key*, of the type it takes."""
        ...


class _OnCurve:
    """ECDSA on one curve (RFC 7518 3.4)."""

    def __init__(self, digest: HashAlgorithm, size: int) -> None:
        self._scheme = ECDSA(digest)
        self._size = size

    def verify(self, message: bytes, key: EllipticCurvePublicKey, signature: bytes) -> bool:
        """Tell whether *signature* was made over *message* with *key*."""
        size = self._size
        # RFC 7518 3.4: R and S, each as long as the curve is wide; no other form.
        if len(signature) != 2 * size:
            return False
        halves = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        try:
            key.verify(encode_dss_signature(*halves), message, self._scheme)
        except InvalidSignature:
            return False
        return True


ALGORITHMS: dict[str, Algorithm] = {
    **get_default_algorithms(),
    "ES256": _OnCurve(SHA256(), 32),
    "ES384": _OnCurve(SHA384(), 48),
    "ES512": _OnCurve(SHA512(), 66),
    # RFC 9864 gives EdDSA over Ed25519 a name of its own; both are in use.
    "Ed25519": get_default_algorithms()["EdDSA"],
}
"By what `alg` calls them. Which of them count is for `keys` and the entity to say."
